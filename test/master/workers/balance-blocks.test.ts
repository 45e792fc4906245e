/** How full workers are, evened out by the leader: workers that do as they are told, and tell how full they are. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { understudy } from '#proto/understudy.js';
import { systemClock } from '../../../src/base/system-clock.js';
import { blockIdOf, blockName } from '../../../src/blocks/block-id.js';
import type { MasterSettings } from '../../../src/master/master-settings.js';
import { ranksHigher } from '../../../src/master/workers/copy-rank.js';
import { KnownWorker } from '../../../src/master/workers/known-worker.js';
import { waitUntil } from '../../servers/wait-until.js';
import { ScriptedWorker } from '../../worker/scripted-worker.js';
import { MemoryCluster } from '../memory-cluster.js';
import { RawClient } from '../raw-client.js';

const CAPACITY = 1_000;
const BYTES = 25;
/** What copying a block takes a worker. */
const COPY_MS = 60;
const LIMIT_MS = 20_000;

let cluster: MemoryCluster;
let workers: ScriptedWorker[];
let client: RawClient;
/** Copies that were freed while no other was there. */
let lost: string[];

beforeEach(() => {
  [workers, lost, cluster] = [[], [], new MemoryCluster()];
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await cluster.close();
});

async function lead(settings: Partial<MasterSettings> = {}): Promise<void> {
  await cluster.start('a', undefined, settings);
  await waitUntil('a leads', () => cluster.masters[0]?.leadership != null, 5_000);
  client = await RawClient.register(cluster, 'a');
}

const used = (worker: ScriptedWorker) => [...worker.store.blocks()].reduce((sum, { bytes }) => sum + bytes, 0);
const copies = (name: string) => workers.filter(({ store }) => store.names.includes(name)).length;

async function worker(name: string): Promise<ScriptedWorker> {
  const options = { network: cluster.network.host(name), address: `${name}:29999`, masters: ['a:19998', 'b:19998'] };
  const started = await ScriptedWorker.start({ ...options, id: Buffer.from(name.padEnd(16)).toString('hex') });
  const tier = { name: 'MEM', capacityBytes: CAPACITY, directories: 1, failedDirectories: 0 };
  Object.defineProperty(started, 'tiers', { get: () => [{ ...tier, usedBytes: used(started) }] });
  started.obey = ({ free, replicate }: understudy.WorkerCommand) => {
    const copy = () => started.store.add(replicate?.block?.inodeId ?? 0, { ...blockIdOf(replicate?.block), bytes: replicate?.bytes ?? 0 });
    if (replicate) systemClock.setTimer(COPY_MS, copy);
    for (const id of free?.blocks ?? []) {
      const name = blockName(blockIdOf(id));
      if (copies(name) < 2) lost.push(name);
      started.store.remove(blockIdOf(id));
    }
  };
  workers.push(started);
  return started;
}

async function file(path: string, attributes: object | null = null): Promise<number> {
  const { inode } = await client.mutate('createFile', { path, blockBytes: 100, mode: 0o644 });
  await client.mutate('completeFile', { path, length: BYTES });
  if (attributes !== null) await client.mutate('setAttributes', { path, ...attributes });
  return inode?.id ?? 0;
}

const fill = async (prefix: string, count: number, attributes: object | null = null) =>
  Promise.all(Array.from({ length: count }, (_, at) => file(`/${prefix}${at}`, attributes)));

test('balance: blocks go from a full worker to empty ones until all are within the threshold, each copied before it is freed', async () => {
  await lead();
  const [one, two, three] = [await worker('first'), await worker('second'), await worker('third')];
  for (const inodeId of await fill('f', 24)) one.store.add(inodeId, { bytes: BYTES });
  // A mean of 0.2, or 200: it goes down to 300.
  await waitUntil('one is emptier', () => used(one) <= 300, LIMIT_MS);
  await waitUntil('nothing is there twice', () => used(one) + used(two) + used(three) === 600, LIMIT_MS);
  expect(used(one)).toBe(300);
  expect([used(two) > 0, used(three) > 0]).toEqual([true, true]);
  expect(lost).toEqual([]);
  expect(cluster.masters[0]?.workers.balancedBytes).toBe(600 - used(one));
});

test('balance: pinned blocks stay, replication_min is kept, a worker that is emptier than all others gets blocks from those', async () => {
  await lead({ balanceThreshold: 0.3 });
  const [one, two] = [await worker('first'), await worker('second')];
  const [pinned, twice] = [await fill('p', 2, { pinned: true }), await fill('t', 14, { replicationMin: 2 })];
  for (const holder of [one, two]) for (const inodeId of [...pinned, ...twice]) holder.store.add(inodeId, { bytes: 2 * BYTES });
  const three = await worker('third');
  await waitUntil('three has blocks', () => used(three) >= 200, LIMIT_MS);
  for (const inodeId of pinned) for (const holder of [one, two]) expect(holder.store.names).toContain(`${inodeId}-0-1`);
  await waitUntil('all have two copies', () => twice.every((inodeId) => copies(`${inodeId}-0-1`) === 2), LIMIT_MS);
  expect([lost, three.store.names.some((name) => pinned.includes(Number.parseInt(name, 10)))]).toEqual([[], false]);
});

test('balance: switched off, nothing moves', async () => {
  await lead({ balanceEnabled: false });
  const [one, two] = [await worker('first'), await worker('second')];
  for (const inodeId of await fill('f', 24)) one.store.add(inodeId, { bytes: BYTES });
  const known = cluster.masters[0]?.workers;
  await waitUntil('its use is known', () => known?.list().some(({ usedBytes }) => usedBytes === 600) === true, LIMIT_MS);
  const removed = await file('/removed');
  for (const each of [one, two]) each.store.add(removed, { bytes: BYTES });
  await client.mutate('remove', { path: '/removed' });
  await waitUntil('a look through the blocks is over', () => !two.store.names.includes(`${removed}-0-1`), LIMIT_MS);
  expect([used(one), used(two)]).toEqual([600, 0]);
});

test('balance: a leader that dies in the middle of it: the next one goes on, and no block is freed by both', async () => {
  await lead();
  await cluster.start('b');
  const [one] = [await worker('first'), await worker('second'), await worker('third')];
  const ids = await fill('f', 24);
  for (const inodeId of ids) one.store.add(inodeId, { bytes: BYTES });
  await waitUntil('some have moved', () => used(one) <= 575, LIMIT_MS);
  cluster.kill('a');
  await waitUntil('b leads', () => cluster.masters[0]?.leadership != null, LIMIT_MS);
  await waitUntil('the others have moved', () => used(one) <= 300, LIMIT_MS);
  for (const inodeId of ids) expect(copies(`${inodeId}-0-1`)).toBeGreaterThan(0);
  expect(lost).toEqual([]);
});

test('balance: a block whose move ended with its target is moved to another one', async () => {
  await lead();
  const [one, two] = [await worker('first'), await worker('second')];
  const idOf = (name: string) => Buffer.from(name.padEnd(16)).toString('hex');
  const known = (name: string) =>
    new KnownWorker({ id: idOf(name), incarnation: '', rpcAddress: '', webAddress: '', domainSocket: '', version: '' }, 0);
  const ranks = (inodeId: number, higher: string) => ranksHigher({ inodeId, index: 0, generation: 1 }, known(higher), known('first'));
  const free = (await fill('f', 40)).find((inodeId) => ranks(inodeId, 'second') && ranks(inodeId, 'third')) ?? 0;
  two.obey = () => {};
  for (const inodeId of await fill('p', 5, { pinned: true })) one.store.add(inodeId, { bytes: 100 });
  one.store.add(free, { bytes: BYTES });
  await waitUntil('its copy is commanded', () => two.commands.some(({ replicate }) => replicate), LIMIT_MS);
  await two.stop();
  const three = await worker('third');
  await waitUntil('it has moved', () => three.store.names.join() === `${free}-0-1` && copies(`${free}-0-1`) === 1, LIMIT_MS);
});

test('copies are ranked alike by all, each block’s in its own order', () => {
  const known = (id: string) => new KnownWorker({ id, incarnation: '', rpcAddress: '', webAddress: '', domainSocket: '', version: '' }, 0);
  const three = ['1', '2', '3'].map((digit) => known(digit.repeat(32)));
  const firsts = new Map<string, number>();
  for (let inodeId = 1; inodeId <= 300; inodeId++) {
    const id = { inodeId, index: 0, generation: 1 };
    const [first, ...others] = [...three].sort((a, b) => (ranksHigher(id, a, b) ? -1 : 1));
    if (first === undefined) throw new Error('none');
    for (const other of others) expect([ranksHigher(id, first, other), ranksHigher(id, other, first)]).toEqual([true, false]);
    firsts.set(first.identity.id, (firsts.get(first.identity.id) ?? 0) + 1);
  }
  for (const count of firsts.values()) expect(count).toBeGreaterThan(60);
});
