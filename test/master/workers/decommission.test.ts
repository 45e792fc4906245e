/** A worker that is taken out of use: until when its blocks need it, as the leader sees it, and the next one. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { understudy } from '#proto/understudy.js';
import { blockIdOf } from '../../../src/blocks/block-id.js';
import type { KnownWorker } from '../../../src/master/workers/known-worker.js';
import { measureWorkers } from '../../../src/master/workers/worker-metrics.js';
import { waitUntil } from '../../servers/wait-until.js';
import { ScriptedWorker } from '../../worker/scripted-worker.js';
import { MemoryCluster } from '../memory-cluster.js';
import { RawClient } from '../raw-client.js';

const LIMIT_MS = 15_000;
let cluster: MemoryCluster;
let workers: ScriptedWorker[];
let client: RawClient;
/** Workers that an operator has taken out of use. */
let outOfUse: string[];

beforeEach(async () => {
  [cluster, workers, outOfUse] = [new MemoryCluster(), [], []];
  await cluster.start('a', undefined, { decommissionedWorkers: outOfUse });
  await waitUntil('a leads', () => cluster.masters[0]?.leadership != null, 5_000);
  client = await RawClient.register(cluster, 'a');
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await cluster.close();
});

/** One that does as it is told; copies it makes only while `copies`. */
async function worker(name: string, copies = () => true): Promise<ScriptedWorker> {
  const started = await ScriptedWorker.start({
    network: cluster.network.host(name),
    address: `${name}:29999`,
    masters: ['a:19998', 'b:19998'],
  });
  started.obey = ({ free, replicate, setEvictable }: understudy.WorkerCommand) => {
    for (const id of free?.blocks ?? []) started.store.remove(blockIdOf(id));
    if (replicate && copies()) started.store.add(replicate.block?.inodeId ?? 0, blockIdOf(replicate.block));
    for (const id of setEvictable?.blocks ?? []) started.store.setEvictable(blockIdOf(id), setEvictable?.evictable ?? false);
  };
  workers.push(started);
  return started;
}

async function file(path: string, attributes: readonly object[] = [], length = 100): Promise<number> {
  const { inode } = await client.mutate('createFile', { path, blockBytes: 100, mode: 0o644 });
  if (length >= 0) await client.mutate('completeFile', { path, length });
  for (const some of attributes) await client.mutate('setAttributes', { path, ...some });
  return inode?.id ?? 0;
}

const STORED = [{ persistence: 1 }, { persistence: 2 }];
const known = ({ address }: ScriptedWorker, master = 0) =>
  cluster.masters[master]?.workers.list().find((one) => one.address === address) as KnownWorker;
const shown = (held: ScriptedWorker): unknown[] => [known(held)?.state, known(held)?.blocksLeft];
const becomes = (held: ScriptedWorker, state: string, left: number | null) =>
  waitUntil(`${held.address} is ${state} with ${left}`, () => shown(held).join() === [state, left].join(), LIMIT_MS);

test('decommission: what only it has is left until others have it; what the storage has, or nobody needs, is not', async () => {
  let isCopying = false;
  const held = await worker('w');
  const [own, twice, open, target, source] = [
    await file('/own'),
    await file('/twice', [{ replicationMin: 2 }]),
    await file('/open', [], -1),
    await file('/t'),
    await file('/s'),
  ];
  const [stored, pinned, wanted] = [
    await file('/stored', STORED),
    await file('/pinned', [...STORED, { pinned: true }]),
    await file('/wanted', [...STORED, { replicationMin: 1 }]),
  ];
  await client.mutate('concat', { path: '/t', sources: ['/s'] });
  const removed = await file('/removed');
  await client.mutate('remove', { path: '/removed' });
  const all = [own, twice, open, target, source, stored, pinned, wanted, removed];
  for (const inodeId of all) held.store.add(inodeId);
  // Behind the end of its file, and of a number that nobody has given out.
  held.store.add(own, { index: 7 });
  held.store.add(1_000_000_000);
  const others = [await worker('x', () => isCopying), await worker('y', () => isCopying)];
  for (const other of others) other.tiers = other.tiers.map((tier) => ({ ...tier }));
  await waitUntil('all is known', () => known(held)?.blocks.count >= all.length, LIMIT_MS);
  expect(shown(held)).toEqual(['LIVE', null]);

  outOfUse.push(held.address);
  await becomes(held, 'DECOMMISSIONING', 7);
  expect(figure('understudy_decommissioning_blocks_left')).toBe(7);
  isCopying = true;
  // Nobody copies of a file that is being written.
  await becomes(held, 'DECOMMISSIONING', 1);
  await client.mutate('completeFile', { path: '/open', length: 100 });
  await becomes(held, 'DECOMMISSIONED', 0);
  const elsewhere = (inodeId: number) => others.filter(({ store }) => store.names.includes(`${inodeId}-0-1`)).length;
  for (const inodeId of [own, open, target, source, pinned, wanted]) expect(elsewhere(inodeId)).toBe(1);
  expect(elsewhere(twice)).toBe(2);

  held.store.add(await file('/late'), { generation: 3 });
  await becomes(held, 'DECOMMISSIONING', 1);
  await becomes(held, 'DECOMMISSIONED', 0);
  expect(figure('understudy_workers{"state":"decommissioned"}')).toBe(1);
  await held.stop();
  await becomes(held, 'LOST', null);
  expect(['decommissioned', 'lost'].map((state) => figure(`understudy_workers{"state":"${state}"}`))).toEqual([0, 0]);
  expect(figure('understudy_decommissioning_blocks_left')).toBe(null);
});

test('decommission: taken back, the worker is live at once, and nothing is known of it when it is taken out again', async () => {
  const held = await worker('w');
  held.store.add(await file('/own'));
  outOfUse.push(held.address);
  await becomes(held, 'DECOMMISSIONING', 1);
  outOfUse.pop();
  await becomes(held, 'LIVE', null);
  outOfUse.push(held.address);
  await waitUntil('it is out of use', () => known(held).isDecommissioned, LIMIT_MS);
  expect(shown(held)).toEqual(['DECOMMISSIONING', null]);
  await becomes(held, 'DECOMMISSIONING', 1);
});

test('decommission: a copy at a worker that is not sure to have it does not count', async () => {
  const held = await worker('w');
  const own = await file('/own');
  held.store.add(own);
  const other = await worker('x', () => false);
  other.store.add(own);
  outOfUse.push(held.address);
  await becomes(held, 'DECOMMISSIONED', 0);
  known(other).isCutOff = true;
  const hear = cluster.masters[0]?.workers as { cutOff(worker: KnownWorker): void };
  await other.links.close();
  hear.cutOff(known(other));
  await becomes(held, 'DECOMMISSIONING', 1);
});

test('decommission: a takeover: the next leader says that it is done once it has seen so itself', async () => {
  await cluster.start('b', undefined, { decommissionedWorkers: outOfUse });
  const held = await worker('w');
  const own = await file('/own');
  held.store.add(own);
  let isCopying = false;
  const other = await worker('x', () => isCopying);
  await waitUntil('both know it', () => cluster.masters.every((_, at) => known(held, at)?.blocks.count === 1), LIMIT_MS);
  outOfUse.push(held.address);
  await becomes(held, 'DECOMMISSIONING', 1);
  await waitUntil('b has heard of it', () => known(held, 1)?.isDecommissioned, LIMIT_MS);
  expect([known(held, 1).state, known(held, 1).blocksLeft]).toEqual(['DECOMMISSIONING', null]);
  cluster.kill('a');
  await waitUntil('b leads', () => cluster.masters[0]?.leadership != null, LIMIT_MS);
  await becomes(held, 'DECOMMISSIONING', 1);
  isCopying = true;
  await becomes(held, 'DECOMMISSIONED', 0);
  expect(other.store.names).toEqual([`${own}-0-1`]);
  cluster.masters[0]?.serving?.stop();
  await becomes(held, 'DECOMMISSIONING', null);
});

/** @returns what the leader's metric of this name and labels tells. */
function figure(wanted: string): number | null | undefined {
  const [master] = cluster.masters;
  const told = new Map<string, number | null>();
  if (master === undefined) return undefined;
  const note = (name: string, _help: string, read: () => number | null | readonly (readonly [object, number])[]) => {
    const now = read();
    if (Array.isArray(now)) for (const [labels, value] of now) told.set(`${name}${JSON.stringify(labels)}`, value);
    else told.set(name, now as number | null);
  };
  const unused = { add() {}, observe() {} };
  measureWorkers(master.workers, () => master.serving?.troubles ?? null, {
    gauge: note,
    count: note,
    counter: () => unused,
    histogram: () => unused,
  });
  return told.get(wanted);
}
