import { afterEach, beforeEach, expect, test } from 'vitest';
import { PERSISTENCE } from '../../../src/metadata/records.js';
import { waitUntil } from '../../servers/wait-until.js';
import { ScriptedStore, ScriptedWorker } from '../../worker/scripted-worker.js';
import { MemoryCluster } from '../memory-cluster.js';
import { RawClient } from '../raw-client.js';

const TIMEOUT_MS = 1_000;
const ID = 'ab'.repeat(16);

let cluster: MemoryCluster;
let client: RawClient;
let workers: ScriptedWorker[];

beforeEach(() => {
  [cluster, workers] = [new MemoryCluster(), []];
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await cluster.close();
});

async function worker(name: string, id: string, store = new ScriptedStore()): Promise<ScriptedWorker> {
  const options = { network: cluster.network.host(name), address: `${name}:29999`, masters: ['a:19998'], id };
  const started = await ScriptedWorker.start(options, store);
  workers.push(started);
  return started;
}

async function file(path: string, length: number, persistence: readonly number[] = []): Promise<number> {
  const { inode } = await client.mutate('createFile', { path, blockBytes: 100, mode: 0o644 });
  if (length >= 0) await client.mutate('completeFile', { path, length });
  for (const state of persistence) await client.mutate('setAttributes', { path, persistence: state });
  return inode?.id ?? 0;
}

async function listed(recursive = false): Promise<Record<string, number>> {
  const entries = await client.list('/', recursive);
  return Object.fromEntries(entries.map(({ name, inode }) => [name ?? '', inode?.persistence ?? 0]));
}

/** @returns what the status, the listing and the listing of all tell, which is the same. */
async function shown(): Promise<Record<string, number>> {
  const told = await listed();
  for (const name of Object.keys(told)) expect((await client.status(`/${name}`)).inode?.persistence ?? 0, name).toBe(told[name]);
  expect(await listed(true)).toEqual(told);
  return told;
}

test('lost files: those of which no worker has all blocks, and nothing else has them; no longer when the worker is back', async () => {
  await cluster.start('a', undefined, { workerTimeoutMs: TIMEOUT_MS });
  await waitUntil('a leads', () => cluster.masters[0]?.leadership != null, 5_000);
  client = await RawClient.register(cluster, 'a');
  const { toBePersisted: soon, persisted, lost } = PERSISTENCE;
  const one = await file('/one', 250);
  const two = await file('/two', 100, [soon]);
  const both = await file('/both', 100);
  const stored = await file('/stored', 100, [soon, persisted]);
  const open = await file('/open', -1);
  await file('/empty', 0);
  await client.mutate('createDirectory', { path: '/folder' });
  const states = { both: 0, empty: 0, folder: 0, one: 0, open: 0, stored: persisted, two: soon };
  const roster = cluster.masters[0]?.workers;
  // No worker was ever there: nothing is known to be lost.
  expect(await shown()).toEqual(states);

  const [first, second] = [await worker('first', ID), await worker('second', 'cd'.repeat(16))];
  for (const index of [0, 1, 2]) first.store.add(one, { index });
  for (const inodeId of [two, both, stored, open]) first.store.add(inodeId);
  second.store.add(both);
  await waitUntil('all is known', () => roster?.isComplete === true && roster.copiesOf(open, 0) !== undefined, 5_000);
  expect(await shown()).toEqual(states);
  first.store.remove({ inodeId: one, index: 2, generation: 1 });
  await waitUntil('a block of one is lost', async () => (await listed()).one === lost, 5_000);
  expect(await shown()).toEqual({ ...states, one: lost });

  await first.stop();
  await waitUntil('its worker is lost', async () => (await listed()).two === lost, 5_000);
  expect(await shown()).toEqual({ ...states, one: lost, two: lost });
  // All of one, and two.
  await waitUntil('they are counted', () => cluster.masters[0]?.serving?.troubles.blocksLost === 4, 15_000);
  first.store.add(one, { index: 2 });
  await worker('first', ID, first.store);
  await waitUntil('all is there again', async () => !Object.values(await listed()).includes(lost), 5_000);
  expect(await shown()).toEqual(states);

  await waitUntil('nothing is counted as lost', () => cluster.masters[0]?.serving?.troubles.blocksLost === 0, 15_000);
  await file('/now', 100);
  expect((await client.status('/now')).inode?.persistence ?? 0).toBe(0);
  await waitUntil('nobody has told of it for long', async () => (await listed()).now === lost, 5_000);
  await second.links.close();
  await waitUntil('one is cut off: it may have it', async () => (await listed()).now === 0, 5_000);
});
