/** Mount points with files below them that their storage does not have yet: they stay until those are persisted, or gone. */
import { beforeEach, expect, test } from 'vitest';
import type { understudy } from '../../generated/understudy.js';
import type { KvStore } from '../../src/kv/kv-store.js';
import type { Master } from '../../src/master/master.js';
import { OPEN_FILE_RANGE, TO_PERSIST_RANGE } from '../../src/metadata/keys.js';
import { partPath } from '../../src/metadata/parts.js';
import { PARTS_FOLDER } from '../../src/underfs/under-path.js';
import { MemoryCluster } from './memory-cluster.js';
import { RawClient } from './raw-client.js';

const soon = { timeout: 8_000, interval: 5 };
let cluster: MemoryCluster;
let master: Master;
let client: RawClient;

beforeEach(async () => {
  cluster = new MemoryCluster();
  ({ master } = await cluster.start('a'));
  await expect.poll(() => master.leadership !== null, soon).toBe(true);
  client = await RawClient.register(cluster, 'a');
  for (const name of ['m', 'n']) {
    cluster.underFiles(`/${name}-data`);
    await client.mutate('mount', { path: `/${name}`, uri: `/${name}-data`, shared: true });
  }
  return () => cluster.close();
});

const replica = () => master.replica as NonNullable<Master['replica']>;
const queued = () =>
  replica()
    .state.allMounts()
    .map(({ workSeq, workDone }) => workSeq - workDone);
const settled = () => expect.poll(queued, soon).toEqual([0, 0]);
const flushed = () =>
  expect.poll(() => [...replica().state.toPersist.table.changedKeys(), ...replica().state.openFiles.table.changedKeys()], soon).toEqual([]);
const unmount = (path: string) => client.mutate('unmount', { path });

async function create(path: string, more: object = {}): Promise<understudy.Inode.$Properties> {
  const { inode } = await client.mutate('createFile', {
    path,
    completeLength: 3,
    blockBytes: 100,
    persist: true,
    recursive: true,
    ...more,
  });
  return inode ?? {};
}

/** As a worker does it. */
async function persist({ id = 0, generation = 0, length = 0 }: understudy.Inode.$Properties): Promise<void> {
  const of = { inodeId: id ?? 0, generation: generation ?? 0 };
  const part = partPath({ clusterId: 'memory', ...of });
  const storage = cluster.underFiles('/m-data');
  storage.makeFolders(PARTS_FOLDER);
  storage.put(part, { bytes: Buffer.alloc(length ?? 0) });
  await client.mutate('commitPersist', { ...of, length, mountId: 1, part });
}

const CHANGED = async () => {};

test.each([
  ['changed just now', CHANGED],
  ['in the store', flushed],
])('files to be persisted, %s: no unmount, which says how many and names one, until they are persisted or removed', async (_, then) => {
  const file = await create('/m/a/file');
  await create('/m/other');
  await create('/m/cached', { persist: false });
  await settled();
  await then();
  await expect(unmount('/m')).rejects.toMatchObject({
    errno: 'EBUSY',
    message: expect.stringMatching(/files=2 example=\/m\/(a\/file|other)$/),
  });
  await unmount('/n');
  await persist(file);
  await expect.poll(() => replica().state.mounts.get(1)?.workDone, soon).toBe(replica().state.mounts.get(1)?.workSeq);
  await expect(unmount('/m')).rejects.toMatchObject({ message: expect.stringMatching(/files=1 example=\/m\/other$/) });
  await client.mutate('remove', { path: '/m/other' });
  await unmount('/m');
  await expect(client.status('/m')).rejects.toMatchObject({ code: 'not_found' });
});

test.each([
  ['changed just now', CHANGED],
  ['in the store', flushed],
])('a file to be persisted that is being appended to, %s: no unmount', async (_, then) => {
  await create('/m/file');
  await client.mutate('appendFile', { path: '/m/file' });
  await then();
  await expect(unmount('/m')).rejects.toMatchObject({ errno: 'EBUSY' });
  await client.mutate('completeFile', { path: '/m/file', length: 3 });
  await expect(unmount('/m')).rejects.toMatchObject({ errno: 'EBUSY' });
});

/** Has `work` done when the store has been gone through, so many times. */
function afterTheLook(work: () => Promise<unknown>, times = 1): void {
  const { kv } = replica() as { kv: KvStore };
  const snapshot = kv.snapshot.bind(kv);
  let left = times;
  kv.snapshot = () => {
    const taken = snapshot();
    return {
      close: () => taken.close(),
      async *rows(...range) {
        yield* taken.rows(...range);
        if (left === 0 || (range[0] !== TO_PERSIST_RANGE && range[0] !== OPEN_FILE_RANGE)) return;
        left -= 1;
        await work();
      },
    };
  };
}

test('a file that is made during the look, and in the store before its end: no unmount', async () => {
  afterTheLook(async () => {
    await create('/m/late');
    await flushed();
  });
  await expect(unmount('/m')).rejects.toMatchObject({ errno: 'EBUSY', message: expect.stringContaining('files=1 example=/m/late') });
});

test('files in other mounts that change during the look: the mount goes', async () => {
  afterTheLook(async () => {
    await create('/n/late');
    await flushed();
  });
  await unmount('/m');
});

test('more files in other mounts than are noted at once: the mount goes; at once below it or elsewhere: no unmount', async () => {
  let made = 0;
  const make = async (count: number) => {
    for (let left = count; left > 0; left -= 50) await Promise.all(Array.from({ length: 50 }, () => create(`/n/${made++}`)));
  };
  afterTheLook(() => make(700), 2);
  await unmount('/m');
  await client.mutate('mount', { path: '/m', uri: '/m-data', shared: true });
  afterTheLook(() => make(1_100));
  await expect(unmount('/m')).rejects.toMatchObject({ errno: 'EBUSY', message: expect.stringContaining('try again') });
  await unmount('/m');
});

test('another mount in its place by the end of the look: no unmount', async () => {
  afterTheLook(async () => {
    await unmount('/m');
    await client.mutate('mount', { path: '/m', uri: '/m-data', shared: true });
    await create('/m/file');
  });
  await expect(unmount('/m')).rejects.toMatchObject({ errno: 'EBUSY', message: expect.stringContaining('the mount table changes') });
});

test('in a fork, where nothing is ever persisted: the mount goes', async () => {
  await create('/m/file');
  await master.leadership?.append(() => ({ fork: { fork: { clusterId: 'other', sn: 1, forkedMs: 1 } } }));
  await unmount('/m');
});
