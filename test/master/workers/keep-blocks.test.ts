import { afterEach, beforeEach, expect, test } from 'vitest';
import type { understudy } from '#proto/understudy.js';
import { blockIdOf, blockName } from '../../../src/blocks/block-id.js';
import { waitUntil } from '../../servers/wait-until.js';
import { ScriptedWorker } from '../../worker/scripted-worker.js';
import { MemoryCluster } from '../memory-cluster.js';
import { RawClient } from '../raw-client.js';

let cluster: MemoryCluster;
let workers: ScriptedWorker[];
let client: RawClient;

beforeEach(async () => {
  cluster = new MemoryCluster();
  workers = [];
  await cluster.start('a');
  await waitUntil('a leads', () => cluster.masters[0]?.leadership != null, 5_000);
  client = await RawClient.register(cluster, 'a');
});

afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await cluster.close();
});

/** A worker that does what it is told. */
async function worker(name: string): Promise<ScriptedWorker> {
  const options = { network: cluster.network.host(name), address: `${name}:29999`, masters: ['a:19998'] };
  const started = await ScriptedWorker.start(options);
  started.obey = ({ free, replicate, setEvictable }: understudy.WorkerCommand) => {
    for (const id of free?.blocks ?? []) started.store.remove(blockIdOf(id));
    if (replicate) started.store.add(replicate.block?.inodeId ?? 0, blockIdOf(replicate.block));
    for (const id of setEvictable?.blocks ?? []) started.store.setEvictable(blockIdOf(id), setEvictable?.evictable ?? false);
  };
  workers.push(started);
  return started;
}

async function file(path: string, length: number, more: object = {}): Promise<number> {
  const { inode } = await client.mutate('createFile', { path, blockBytes: 100, mode: 0o644, ...more });
  if (length >= 0) await client.mutate('completeFile', { path, length });
  return inode?.id ?? 0;
}

const name = (inodeId: number, index = 0, generation = 1) => blockName({ inodeId, index, generation });
const holds = (held: ScriptedWorker, ...names: string[]) =>
  waitUntil(`${held.address} holds ${names.join(' ')}`, () => held.store.names.join() === [...names].sort().join(), 15_000);

/** Resolves once the leader has looked through what a worker holds from its first block to its last. */
async function look(held: ScriptedWorker): Promise<void> {
  for (let times = 0; times < 2; times++) {
    const path = `/marker-${markers++}`;
    const marker = await file(path, 100);
    held.store.add(marker);
    await client.mutate('remove', { path });
    await waitUntil('the marker is freed', () => !held.store.names.includes(name(marker)), 15_000);
  }
}
let markers = 0;

test('keep blocks: those of no file, behind a file’s end and of an older generation are freed, no others', async () => {
  const [gone, kept, open] = [await file('/gone', 100), await file('/kept', 150), await file('/open', -1)];
  const held = await worker('w');
  for (const inodeId of [gone, kept, open]) for (const index of [0, 1, 2]) held.store.add(inodeId, { index });
  held.store.add(kept, { index: 1, generation: 2 });
  held.store.add(1_000_000_000);
  await client.mutate('remove', { path: '/gone' });
  await holds(
    held,
    ...[name(kept, 0), name(kept, 1, 2), name(open, 0), name(open, 1), name(open, 2)],
    // Of a number that this history has not given out: of another one, perhaps.
    name(1_000_000_000),
  );
  expect(cluster.masters[0]?.workers.orphans).toBe(3);
});

test('keep blocks: those of files that were joined to another are kept, and go with it', async () => {
  const [target, source] = [await file('/t', 100), await file('/s', 100)];
  const other = await file('/other', 100);
  const held = await worker('w');
  for (const inodeId of [target, source, other]) held.store.add(inodeId);
  await client.mutate('concat', { path: '/t', sources: ['/s'] });
  await client.mutate('remove', { path: '/other' });
  await holds(held, name(target), name(source));
  await client.mutate('remove', { path: '/t' });
  const [first] = [await file('/first', 100), await file('/second', 100)];
  await client.mutate('concat', { path: '/first', sources: ['/second'] });
  held.store.add(first);
  await holds(held, name(first));
});

test('keep blocks: those of a joined file are copied as its own are, and kept until it is in mounted storage', async () => {
  const [target, source] = [await file('/t', 100), await file('/s', 100)];
  await client.mutate('concat', { path: '/t', sources: ['/s'] });
  const held = await worker('w');
  held.store.add(source, { evictable: true });
  await waitUntil('it may not be evicted', () => [...held.store.blocks()].every(({ evictable }) => !evictable), 15_000);
  await client.mutate('setAttributes', { path: '/t', replicationMin: 2 });
  held.store.add(target);
  await holds(await worker('other'), name(source), name(target));
});

test('keep blocks: a lost worker’s are copied to another up to replication_min, and those above replication_max go', async () => {
  const few = await file('/few', 100, {});
  await client.mutate('setAttributes', { path: '/few', replicationMin: 2, replicationMax: 2 });
  const [one, two] = [await worker('one'), await worker('two')];
  one.store.add(few);
  await holds(two, name(few));
  const three = await worker('three');
  three.store.add(few);
  await waitUntil('one copy goes', () => [one, two, three].filter((each) => each.store.names.length > 0).length === 2, 15_000);
});

test('keep blocks: evictable is what is in mounted storage and not pinned; free gives that up alone', async () => {
  const stored = await file('/stored', 150);
  for (const persistence of [1, 2]) await client.mutate('setAttributes', { path: '/stored', persistence });
  const held = await worker('w');
  const own = await file('/own', 100);
  for (const index of [0, 1]) held.store.add(stored, { index });
  held.store.add(own, { evictable: true });
  const evictable = () => [...held.store.blocks()].filter((block) => block.evictable).map(({ id }) => id.inodeId);
  await waitUntil('they are evictable', () => evictable().join() === [stored, stored].join(), 15_000);
  await client.mutate('setAttributes', { path: '/stored', pinned: true });
  await waitUntil('none is evictable', () => evictable().length === 0, 15_000);
  await expect(client.free('/own')).rejects.toMatchObject({ code: 'failed_precondition' });
  await expect(client.free('/stored')).rejects.toMatchObject({ code: 'failed_precondition' });
  expect(await client.free('/stored', true)).toMatchObject({ copies: 2, bytes: 200 });
  await holds(held, name(own));
});

test('free: a file that is appended to before its being persisted is confirmed, keeps its blocks, new and old', async () => {
  const stored = await file('/stored', 150);
  for (const persistence of [1, 2]) await client.mutate('setAttributes', { path: '/stored', persistence });
  const held = await worker('w');
  for (const index of [0, 1]) held.store.add(stored, { index });
  const { leadership, workers: roster } = cluster.masters[0] ?? {};
  await waitUntil('they are known', () => roster?.list()[0]?.blocks.count === 2, 5_000);
  if (!leadership) throw new Error('nobody leads');
  const release = leadership.release.bind(leadership);
  leadership.release = (released) => {
    leadership.release = release;
    const append = async () => {
      await client.mutate('appendFile', { path: '/stored' });
      held.store.add(stored, { index: 1, generation: 2 });
      await client.mutate('completeFile', { path: '/stored', length: 160 });
      await waitUntil('the new one is known', () => roster?.list()[0]?.blocks.newest(stored, 1)?.id.generation === 2, 5_000);
    };
    void append().finally(() => release(released));
  };
  await expect(client.free('/stored')).rejects.toMatchObject({ code: 'failed_precondition' });
  expect(roster?.list()[0]?.hasCommands).toBe(false);
  expect(held.commands.flatMap(({ free }) => free?.blocks ?? []).filter(({ generation }) => generation === 2)).toEqual([]);
});

test('free: of a file with many blocks at many workers, with turns of the event loop between few looks each', async () => {
  const blocks = 1_000;
  const many = await file('/many', blocks * 100);
  for (const persistence of [1, 2]) await client.mutate('setAttributes', { path: '/many', persistence });
  const roster = cluster.masters[0]?.workers;
  if (!roster) throw new Error('nobody leads');
  for (let at = 0; at < 100; at++) {
    const identity = { id: `${at}`, incarnation: 'i', rpcAddress: `w${at}:29999`, webAddress: '', domainSocket: '', version: '' };
    const { worker } = roster.meet(identity, { change: 0, oldestChange: 0 });
    for (let index = at; index < blocks; index += 100) {
      worker?.blocks.set({ id: { inodeId: many, index, generation: 1 }, bytes: 100, tier: 0, evictable: false });
    }
  }
  let turns = 0;
  const turn = roster.turn.bind(roster);
  roster.turn = () => {
    turns += 1;
    return turn();
  };
  expect(await client.free('/many')).toMatchObject({ copies: blocks, bytes: blocks * 100 });
  expect(turns).toBe(Math.ceil(blocks / roster.blocksAtOnce) - 1);
  expect(roster.blocksAtOnce * 100).toBeLessThanOrEqual(20_000);
  const commanded = roster.list().flatMap((one) => one.takeCommands().flatMap(({ free }) => free?.blocks ?? []));
  expect(new Set(commanded.map(({ index }) => index)).size).toBe(blocks);
});

test('keep blocks: an older generation goes only once enough copies of the newest are sure to be there', async () => {
  const appended = await file('/appended', 100);
  const other = await file('/other', 100);
  await client.mutate('setAttributes', { path: '/appended', replicationMin: 2 });
  const [one, two, three] = [await worker('one'), await worker('two'), await worker('three')];
  for (const each of [one, two]) {
    const { obey } = each;
    each.obey = (command, failed) => (command.replicate ? undefined : obey(command, failed));
  }
  three.store.add(other, { generation: 2 });
  await waitUntil('it is known', () => cluster.masters[0]?.workers.copiesOf(other, 0)?.generation === 2, 5_000);
  await three.links.close();
  for (const held of [one, two]) held.store.add(appended);
  one.store.add(other);
  const four = await worker('four');
  four.store.add(appended, { generation: 2 });
  four.obey = () => {};
  await look(one);
  await look(two);
  expect([one.store.names, two.store.names]).toEqual([[name(appended), name(other)].sort(), [name(appended)]]);
  two.store.add(appended, { generation: 2 });
  await holds(one, name(other));
  await holds(two, name(appended, 0, 2));
});

test('keep blocks: a copy that takes its time is not commanded of other workers, too', async () => {
  const few = await file('/few', 100);
  await client.mutate('setAttributes', { path: '/few', replicationMin: 2 });
  const one = await worker('one');
  const others = [await worker('two'), await worker('three'), await worker('four')];
  const asked: ScriptedWorker[] = [];
  for (const other of others) {
    other.obey = ({ replicate }) => {
      if (!replicate) return;
      asked.push(other);
      // It is no longer the one with the most room.
      other.tiers = other.tiers.map((tier) => ({ ...tier, usedBytes: 100 }));
    };
  }
  one.store.add(few);
  await waitUntil('one is asked', () => asked.length > 0, 15_000);
  await look(one);
  expect(new Set(asked).size).toBe(1);
  asked[0]?.store.add(few);
  await look(one);
  expect(new Set(asked).size).toBe(1);
  await asked[0]?.stop();
  await waitUntil('another one is asked', () => new Set(asked).size === 2, 15_000);
});
