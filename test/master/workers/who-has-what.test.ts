import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.js';
import { systemClock } from '../../../src/base/system-clock.js';
import { deferred, within } from '../../../src/base/wait.js';
import { operations } from '../../../src/metadata/operations.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../../src/rpc/rpc-connection.js';
import { waitUntil } from '../../servers/wait-until.js';
import { ScriptedStore, ScriptedWorker } from '../../worker/scripted-worker.js';
import { MemoryCluster } from '../memory-cluster.js';
import { RawClient } from '../raw-client.js';

let cluster: MemoryCluster;
let workers: ScriptedWorker[];

beforeEach(() => {
  cluster = new MemoryCluster();
  workers = [];
});

afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await cluster.close();
});

async function worker(
  name: string,
  more: Partial<Parameters<typeof ScriptedWorker.start>[0]> = {},
  store?: ScriptedStore,
): Promise<ScriptedWorker> {
  const masters = ['a:19998', 'b:19998'];
  const started = await ScriptedWorker.start({ network: cluster.network.host(name), address: `${name}:29999`, masters, ...more }, store);
  workers.push(started);
  return started;
}

/** Of the master of that name. */
const known = (master: string) => cluster.masters.find(({ rpcAddress }) => rpcAddress.startsWith(master))?.workers.list() ?? [];
const counts = (master: string) => known(master).map(({ blocks, isWhole, state }) => [isWhole ? blocks.count : -1, state]);

async function twoMasters(): Promise<void> {
  await cluster.start('a');
  await waitUntil('a leads', () => cluster.masters[0]?.leadership !== null, 5_000);
  await cluster.start('b');
  await cluster.settled();
}

test('who has what: a takeover, the next leader tells locations at once', async () => {
  await twoMasters();
  const client = await RawClient.register(cluster, 'a');
  const { inode } = await client.mutate('createFile', { path: '/f', blockBytes: 100, mode: 0o644 });
  const inodeId = inode?.id ?? 0;
  await client.mutate('completeFile', { path: '/f', length: 250 });
  const holder = await worker('w');
  for (const index of [0, 1, 2]) holder.store.add(inodeId, { index });
  holder.store.add(inodeId, { index: 1, generation: 2 });
  await waitUntil('both masters know', () => ['a', 'b'].every((master) => counts(master)[0]?.[0] === 4), 5_000);
  const told = (await client.locations('/f')).blocks.map(({ index, workers: where, generation }) => [index, where, generation]);
  expect(told).toEqual([
    [0, ['w:29999'], 1],
    [1, ['w:29999'], 2],
    [2, ['w:29999'], 1],
  ]);
  cluster.kill('a');
  await waitUntil('b leads', () => cluster.masters[0]?.leadership !== null, 5_000);
  await client.goTo('b');
  const after = (await client.locations('/f')).blocks.map(({ index, workers: where, generation }) => [index, where, generation]);
  expect(after).toEqual(told);
});

test('who has what: a worker that is stopped while it joins, ends', async () => {
  await twoMasters();
  const [joining, joined] = [deferred<void>(), deferred<void>()];
  const stopped = await worker('w', {
    joined: async () => {
      joining.resolve();
      await joined.promise;
    },
  });
  await joining.promise;
  const stopping = stopped.links.close();
  for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
  joined.resolve();
  await within(systemClock, 3_000, stopping, 'it does not end');
});

test('who has what: changes are told as they come, of those that go, too', async () => {
  await twoMasters();
  const holder = await worker('w');
  const first = holder.store.add(7);
  await waitUntil('it is known', () => counts('b')[0]?.[0] === 1, 5_000);
  holder.store.add(8);
  holder.store.remove(first.id);
  await waitUntil(
    'the other one alone is known',
    () => counts('b')[0]?.[0] === 1 && known('b')[0]?.blocks.get(first.id) === undefined,
    5_000,
  );
  expect(known('b')[0]?.blocks.newest(8, 0)?.bytes).toBe(100);
});

test('who has what: a master that believes something else is told everything anew', async () => {
  await twoMasters();
  const holder = await worker('w');
  const [first, second] = [holder.store.add(7), holder.store.add(8)];
  await waitUntil('they are known', () => counts('a')[0]?.[0] === 2, 5_000);
  known('a')[0]?.blocks.delete(first.id);
  known('a')[0]?.blocks.set({ ...first, id: { ...first.id, inodeId: 9 } });
  await waitUntil('it believes what is so', () => known('a')[0]?.blocks.get(first.id) !== undefined && counts('a')[0]?.[0] === 2, 5_000);
  expect(known('a')[0]?.blocks.get(second.id)).toEqual(second);
});

test('who has what: a standby that starts again knows it again by itself', async () => {
  await twoMasters();
  const holder = await worker('w');
  for (let inodeId = 1; inodeId <= 10_000; inodeId++) holder.store.add(inodeId);
  await waitUntil('it is known', () => counts('b')[0]?.[0] === 10_000, 10_000);
  cluster.kill('b');
  await cluster.start('b');
  await waitUntil('it is known again', () => counts('b')[0]?.[0] === 10_000, 10_000);
  expect(known('b')[0]?.blocks.digest).toBe(known('a')[0]?.blocks.digest);
});

test('who has what: a worker whose address refuses is lost at once, and is back with all that it holds', async () => {
  await twoMasters();
  const id = 'ab'.repeat(16);
  const store = new ScriptedStore();
  const before = await worker('w', { id }, store);
  store.add(7);
  await waitUntil('it is known', () => counts('a')[0]?.[0] === 1, 5_000);
  await before.stop();
  await waitUntil('it is lost', () => counts('a')[0]?.[1] === 'LOST', 5_000);
  expect(cluster.masters[0]?.workers.copiesOf(7, 0)).toEqual({ generation: 1, workers: [] });
  store.add(8);
  await worker('w', { id }, store);
  await waitUntil('it is back', () => counts('a')[0]?.[0] === 2, 5_000);
  expect(counts('a')).toEqual([[2, 'LIVE']]);
});

test('who has what: of two workers with one identity, the second is refused while the first lives, and told why', async () => {
  await twoMasters();
  const id = 'cd'.repeat(16);
  const first = await worker('w', { id });
  first.store.add(7);
  await waitUntil('the first is known', () => counts('a')[0]?.[0] === 1 && counts('b')[0]?.[0] === 1, 5_000);
  const second = await worker('v', { id });
  await waitUntil(
    'the second is told',
    () => second.links.list().every(({ trouble }) => trouble.includes('with this identity is there')),
    5_000,
  );
  expect(known('a').map(({ address }) => address)).toEqual(['w:29999']);
  await first.stop();
  await waitUntil('the second takes its place', () => known('a')[0]?.address === 'v:29999' && counts('a')[0]?.[0] === 0, 10_000);
});

test('who has what: a worker that says nothing for the time-out is lost, though its address answers', async () => {
  await cluster.start('a', undefined, { workerTimeoutMs: 1_000 });
  const listener = await cluster.network.host('w').listen('w:29999', (stream) => stream.destroy());
  const deps = { network: cluster.network.host('w'), clock: systemClock, log: silentLog };
  await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, 'a:19998', AbortSignal.timeout(2_000));
  const { method, request } = operations.registerWorker;
  const who = { id: 'ef'.repeat(16), incarnation: '01'.repeat(16), rpcAddress: 'w:29999' };
  await connection.call(method, request.encode({ worker: who }).finish(), { timeoutMs: 2_000 });
  expect(counts('a')).toEqual([[-1, 'LIVE']]);
  const startedMs = systemClock.monotonicMs();
  await waitUntil('it is lost', () => counts('a')[0]?.[1] === 'LOST', 5_000);
  expect(systemClock.monotonicMs() - startedMs).toBeGreaterThan(900);
  await listener.close();
});

test('who has what: a worker whose host lost its power is back before the time-out, and a change that is none costs no listing', async () => {
  await cluster.start('a', undefined, { workerTimeoutMs: 60_000 });
  const deps = { network: cluster.network.host('w'), clock: systemClock, log: silentLog };
  await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, 'a:19998', AbortSignal.timeout(2_000));
  const { method, request } = operations.registerWorker;
  const who = { id: 'ef'.repeat(16), incarnation: '01'.repeat(16), rpcAddress: 'w:29999' };
  await connection.call(method, request.encode({ worker: who }).finish(), { timeoutMs: 2_000 });
  // The connection above stays, as one of a host that is no more.
  const store = new ScriptedStore();
  store.add(7);
  const after = await worker('w', { id: who.id, masters: ['a:19998'] }, store);
  await waitUntil('it is told that it is there already', () => after.links.list()[0]?.trouble.includes('is there') === true, 2_000);
  await waitUntil('it is back', () => counts('a')[0]?.[0] === 1, 10_000);
  expect(counts('a')).toEqual([[1, 'LIVE']]);
  const session = () => known('a')[0]?.session ?? 0;
  const before = session();
  known('a')[0]?.beat?.end(true);
  await waitUntil('it has registered anew', () => session() > before, 5_000);
  store.add(8);
  await waitUntil('the new block is told', () => counts('a')[0]?.[0] === 2, 5_000);
  expect(session()).toBe(before + 1);
});

test('who has what: blocks of the history before a restore are refused, and the worker is told why', async () => {
  await twoMasters();
  const old = await worker('w', { blocksOf: { clusterId: 'memory', incarnationId: '1'.repeat(32) } });
  await waitUntil('it is told', () => old.links.list().some(({ trouble }) => trouble.includes('before it was restored')), 5_000);
  expect(counts('a')).toEqual([]);
  expect(old.links.list().map(({ isRegistered }) => isRegistered)).not.toContain(true);
});
