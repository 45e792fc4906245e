/**
 * Files that are to be persisted, by whole masters over the memory twins and workers that write parts: once each, with the right bytes, whoever leads
 * and whatever is repeated; and no part is left.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { understudy } from '#proto/understudy.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { deferred } from '../../src/base/wait.js';
import type { Master } from '../../src/master/master.js';
import { persistFiles } from '../../src/master/persist-files.js';
import { StorageTroubles } from '../../src/master/storage-troubles.js';
import { sweepParts } from '../../src/master/sweep-parts.js';
import type { KnownWorker } from '../../src/master/workers/known-worker.js';
import { partPath } from '../../src/metadata/parts.js';
import type { MemoryUnderFiles } from '../../src/underfs/memory-under-store.js';
import { PARTS_FOLDER } from '../../src/underfs/under-path.js';
import { UnderStores } from '../../src/underfs/under-stores.js';
import type { PersistFailed } from '../../src/worker/master-link.js';
import { waitUntil } from '../servers/wait-until.js';
import { ScriptedWorker } from '../worker/scripted-worker.js';
import { MemoryCluster } from './memory-cluster.js';
import { RawClient } from './raw-client.js';

/** Of the journal's twin. */
const CLUSTER = 'memory';
const PERSISTED = 2;
const soon = { timeout: 8_000, interval: 5 };
let cluster: MemoryCluster;
let storage: MemoryUnderFiles;
let client: RawClient;

beforeEach(async () => {
  cluster = new MemoryCluster();
  storage = cluster.underFiles('/data');
  await cluster.start('a');
  await waitUntil('a leads', () => cluster.masters[0]?.leadership !== null, 8_000);
  client = await RawClient.register(cluster, 'a');
  await client.mutate('mount', { path: '/m', uri: '/data', shared: true });
});
afterEach(async () => {
  storage.intercept = undefined;
  await cluster.close();
});

const leader = (): Master => cluster.masters.find(({ leadership }) => leadership !== null) as Master;
const queued = () => {
  const mount = leader()?.replica?.state.mounts.get(1);
  return mount ? mount.workSeq - mount.workDone : undefined;
};
const settled = () => expect.poll(queued, soon).toBe(0);
const stored = () => [...storage.nodes].filter(([path, { bytes }]) => path !== '' && bytes !== undefined).map(([path]) => path);
const textAt = (path: string) => Buffer.from(storage.nodes.get(path)?.bytes ?? []).toString();
const isToPersist = ({ id }: understudy.Inode.$Properties) => leader().replica?.state.toPersist.get(id ?? 0) === true;

async function create(path: string, length: number): Promise<understudy.Inode.$Properties> {
  const { inode } = await client.mutate('createFile', { path, completeLength: length, blockBytes: 100, persist: true, mode: 0o640 });
  return inode ?? {};
}

function commitOf({ id = 0, generation = 0, length = 0 }: understudy.Inode.$Properties) {
  const of = { clusterId: CLUSTER, inodeId: id ?? 0, generation: generation ?? 0 };
  return { inodeId: of.inodeId, generation: of.generation, length: length ?? 0, mountId: 1, part: partPath(of) };
}

/** As a worker does it. */
async function writePart(inode: understudy.Inode.$Properties, contents: string): Promise<void> {
  storage.makeFolders(PARTS_FOLDER);
  storage.put(commitOf(inode).part, { bytes: Buffer.from(contents) });
}

const inodeAt = (name: string) => {
  const state = (leader().replica as NonNullable<Master['replica']>).state;
  const folder = state.child(1, 'm');
  return name === '' ? folder : state.child(folder?.id ?? 0, name);
};

test('a part that is committed: takes the place of the file, which has the mode and then the time of the storage, and is not taken for another', async () => {
  const inode = await create('/m/f', 3);
  expect(isToPersist(inode)).toBe(true);
  await writePart(inode, 'abc');
  const { inode: after } = await client.mutate('commitPersist', commitOf(inode));
  expect(after).toMatchObject({ id: inode.id, persistence: PERSISTED });
  expect(isToPersist(inode)).toBe(false);
  await settled();
  expect(stored()).toEqual(['f']);
  expect(textAt('f')).toBe('abc');
  expect(storage.nodes.get('f')?.mode).toBe(0o640);
  expect(inodeAt('f')?.modifiedMs).toBe(storage.nodes.get('f')?.modifiedMs);
  storage.put('g', { bytes: Buffer.from('new') });
  await leader().loader?.loadChildren(inodeAt('')?.id ?? 0, { looked: 0, made: 0, changed: 0, gone: 0 });
  expect(inodeAt('g')).toMatchObject({ persistence: PERSISTED });
  expect(inodeAt('f')).toMatchObject({ id: inode.id });
});

test('committed again, by whoever: is done once; what was written to since, or removed: is refused, and its part is swept', async () => {
  const [one, two, three] = [await create('/m/1', 1), await create('/m/2', 1), await create('/m/3', 1)];
  for (const inode of [one, two, three]) await writePart(inode, 'x');
  await client.mutate('commitPersist', commitOf(one));
  await client.mutate('commitPersist', commitOf(one));
  await client.mutate('truncateFile', { path: '/m/2', length: 0 });
  await expect(client.mutate('commitPersist', commitOf(two))).rejects.toMatchObject({ errno: 'EBUSY' });
  await client.mutate('remove', { path: '/m/3' });
  await expect(client.mutate('commitPersist', commitOf(three))).rejects.toMatchObject({ errno: 'ENOENT' });
  await settled();
  expect(stored().sort()).toEqual([commitOf(two).part, commitOf(three).part, '1'].sort());
  const waits = await create('/m/4', 1);
  await writePart(waits, 'x');
  const others = `${PARTS_FOLDER}/othercluster-1-0.part`;
  storage.put(others, { bytes: Buffer.from('y') });
  expect(await sweep()).toBe(2);
  expect(stored().sort()).toEqual([commitOf(waits).part, others, '1'].sort());
});

function sweep(): Promise<number> {
  const { replica, leadership } = leader();
  const mount = replica?.state.mounts.get(1);
  if (!replica || !leadership || !mount) throw new Error('nobody leads');
  const underStores = new UnderStores(async () => storage.open('sweeper'));
  return sweepParts(mount, { replica, leadership, underStores, clock: systemClock, log: silentLog, clusterId: CLUSTER });
}

const workers: ScriptedWorker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
});

/** One that has all blocks of these files, and writes what it is told to. */
async function worker(name: string, files: readonly understudy.Inode.$Properties[]): Promise<ScriptedWorker> {
  const masters = ['a:19998', 'b:19998'];
  const started = await ScriptedWorker.start({ network: cluster.network.host(name), address: `${name}:29999`, masters });
  workers.push(started);
  for (const { id } of files) started.store.add(id ?? 0, { generation: 0 });
  return started;
}

const told = (one: ScriptedWorker) => one.commands.flatMap(({ persist }) => (persist ? [persist.inodeId] : []));

async function persistAsTold({ persist }: understudy.WorkerCommand): Promise<unknown> {
  if (!persist) return;
  const { inodeId, generation, length, mountId, part } = persist;
  await storage.open('worker').create(part ?? '', Buffer.alloc(length ?? 0, String(inodeId)));
  return await client.mutate('commitPersist', { inodeId, generation, length, mountId, part });
}

test('files that are to be persisted: the worker that has them is told, with their blocks; those that nobody has wait, and hold up none', async () => {
  const [lost, one, empty] = [await create('/m/lost', 3), await create('/m/1', 3), await create('/m/empty', 0)];
  const writer = await worker('w', [one]);
  writer.obey = (command) => void persistAsTold(command).catch(() => {});
  await expect.poll(() => [inodeAt('1')?.persistence, inodeAt('empty')?.persistence], soon).toEqual([PERSISTED, PERSISTED]);
  await settled();
  expect(stored().sort()).toEqual(['1', 'empty']);
  expect(textAt('1')).toBe(String(one.id).repeat(3));
  expect(told(writer)).not.toContain(lost.id);
  const { persist } = writer.commands.find((command) => command.persist?.inodeId === one.id) ?? {};
  expect(persist?.blocks).toMatchObject([{ inodeId: one.id, index: 0, length: 3, workers: [writer.address] }]);
  writer.store.add(lost.id ?? 0, { generation: 0 });
  await expect.poll(() => inodeAt('lost')?.persistence, soon).toBe(PERSISTED);
  await settled();
  expect(isToPersist(empty)).toBe(false);
});

test('files whose worker is busy: wait until it has time, and come then', async () => {
  const files = await Promise.all(Array.from({ length: 12 }, (_, at) => create(`/m/${at}`, 3)));
  await worker('idle', []);
  const writer = await worker('w', files);
  await expect.poll(() => new Set(told(writer)).size, soon).toBe(4);
  writer.obey = (command) => void persistAsTold(command).catch(() => {});
  for (const command of writer.commands) writer.obey(command, () => {});
  await expect.poll(() => files.map((_, at) => inodeAt(`${at}`)?.persistence), soon).toEqual(files.map(() => PERSISTED));
});

test('files whose worker is busy: are not looked for again before it has time', async () => {
  const files = await Promise.all(Array.from({ length: 6 }, (_, at) => create(`/m/${at}`, 3)));
  const live = ['idle', 'w'].map((address) => ({ address, state: 'LIVE', takeFailures: () => [] }) as unknown as KnownWorker);
  const looked: number[] = [];
  const begun = new Set<number>();
  const workers = {
    list: () => live,
    copiesOf: (inodeId: number) => {
      looked.push(inodeId);
      return { workers: ['w'], generation: 0 };
    },
    command: (_: KnownWorker, { persist }: understudy.WorkerCommand.$Properties) => Boolean(begun.add(persist?.inodeId ?? 0)),
    blocksAtOnce: 1_000,
    turn: async () => {},
  };
  const replica = leader().replica as NonNullable<Master['replica']>;
  const stop = new AbortController();
  let rounds = 0;
  const troubles = Object.defineProperty(new StorageTroubles(), 'filesWaiting', { set: () => void rounds++ });
  const deps = { replica, workers, clusterId: CLUSTER, troubles, clock: systemClock, log: silentLog };
  const running = persistFiles(deps, stop.signal);
  try {
    await expect.poll(() => new Set(looked).size, soon).toBe(files.length);
    const [lookedBefore, roundsBefore] = [looked.length, rounds];
    expect(begun.size).toBe(4);
    await expect.poll(() => rounds, soon).toBeGreaterThan(roundsBefore + 1);
    expect(looked).toHaveLength(lookedBefore);
    const file = files.find(({ id }) => begun.has(id ?? 0)) ?? {};
    await writePart(file, 'abc');
    await client.mutate('commitPersist', commitOf(file));
    await expect.poll(() => begun.size, soon).toBe(5);
  } finally {
    stop.abort();
    await running;
  }
});

test('a worker that is lost before it has committed: another that has the file is told', async () => {
  const file = await create('/m/f', 3);
  const first = await worker('w', [file]);
  await expect.poll(() => told(first), soon).toEqual([file.id]);
  await first.stop();
  cluster.network.crash('w');
  const second = await worker('v', [file]);
  second.obey = (command) => void persistAsTold(command).catch(() => {});
  await expect.poll(() => inodeAt('f')?.persistence, soon).toBe(PERSISTED);
  await settled();
  expect(stored()).toEqual(['f']);
});

test('a worker that cannot write a file says why: whoever waits is told, and another worker has it soon', async () => {
  const file = await create('/m/f', 3);
  const reason = 'the storage is full: path=.understudy-parts';
  const fails = ({ persist }: understudy.WorkerCommand, failed: PersistFailed) => {
    const { inodeId = 0, generation = 0 } = persist ?? {};
    if (persist) failed({ inodeId, generation, reason });
  };
  const first = await worker('w', [file]);
  first.obey = fails;
  await expect.poll(async () => (await client.status('/m/f')).persistTrouble, soon).toBe(`${reason} (worker ${first.address})`);
  const second = await worker('v', [file]);
  let renames = 0;
  storage.intercept = ({ operation }) => (operation === 'rename' && ++renames < 12 ? 'lost' : undefined);
  second.obey = (command) => void persistAsTold(command).catch(() => {});
  await expect.poll(async () => (await client.mounts()).mounts[0]?.trouble, soon).toMatch(/did not answer/);
  expect(inodeAt('f')?.persistence).toBe(PERSISTED);
  expect((await client.status('/m/f')).persistTrouble).toBe('');
  storage.intercept = undefined;
  await settled();
  expect((await client.mounts()).mounts[0]?.trouble).toBe('');
  expect(textAt('f')).toBe(String(file.id).repeat(3));
});

test.each(['told', 'written', 'committed', 'renamed'] as const)(
  'a takeover once the file is %s: it is persisted once, and no part is left',
  async (when) => {
    await cluster.start('b');
    await cluster.settled();
    const file = await create('/m/f', 3);
    const writer = await worker('w', [file]);
    const kill = async () => {
      if (when !== 'renamed') cluster.kill('a');
      await waitUntil('b leads', () => cluster.masters[0]?.leadership !== null, 8_000);
      await client.goTo('b');
      moved.resolve();
    };
    const gate = deferred<undefined>();
    const killed = deferred<void>();
    const moved = deferred<void>();
    storage.intercept = (request) => {
      const isRename = request.operation === 'rename' && request.handle === 'a';
      if (!isRename || when === 'told' || when === 'written') return undefined;
      if (when === 'renamed') {
        // The storage has it; the journal is not told any more.
        cluster.kill('a');
        killed.resolve();
        return 'answer lost';
      }
      killed.resolve();
      return gate.promise;
    };
    let isFirst = true;
    writer.obey = (command) => {
      const { persist } = command;
      if (!persist) return;
      const work = async () => {
        if (isFirst && when === 'told') {
          isFirst = false;
          return killed.resolve();
        }
        if (isFirst && when === 'written') {
          isFirst = false;
          await storage.open('worker').create(persist.part ?? '', Buffer.alloc(persist.length ?? 0, String(persist.inodeId)));
          return killed.resolve();
        }
        if (!isFirst) await moved.promise;
        await persistAsTold(command);
      };
      void work().catch(() => {});
    };
    await killed.promise;
    await kill();
    gate.resolve(undefined);
    await expect.poll(() => [inodeAt('f')?.persistence, queued()], soon).toEqual([PERSISTED, 0]);
    expect(stored()).toEqual(['f']);
    expect(textAt('f')).toBe(String(file.id).repeat(3));
    await sweep();
    expect(stored()).toEqual(['f']);
    expect(inodeAt('f')?.modifiedMs).toBe(storage.nodes.get('f')?.modifiedMs);
  },
);
