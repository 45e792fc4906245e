/**
 * A worker as a process beside masters that ZooKeeper elects: files are written to it and read from it while leaders go, blocks come from mounted storage.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { Cluster } from './cluster.js';
import { WorkerProcess } from './worker-process.js';

const MIB = 1 << 20;
const ANCIENT = new Date('2020-01-01T00:00:00Z');
let zooKeeper: ZooKeeperEnsemble;

beforeAll(async () => {
  zooKeeper = await startZooKeeper(1);
});
afterAll(() => zooKeeper?.[Symbol.asyncDispose]());

test('a worker: what is written before a leader is killed is read after, and it stops in order', async () => {
  const cluster = await Cluster.start({ masters: 2, zookeeper: `${zooKeeper.connectString}/kill` });
  const worker = await WorkerProcess.start(cluster);
  const fs = await cluster.client();
  expect(await worker.ask('/health/live')).toMatchObject({ status: 200 });
  expect(await worker.ask('/health/ready')).toMatchObject({ status: 200 });

  const bytes = randomBytes(5 * MIB + 1);
  await fs.writeFile('/before', bytes, { blockBytes: 2 * MIB });
  const writer = await fs.create('/during', { blockBytes: 2 * MIB });
  await writer.write(bytes.subarray(0, 3 * MIB));
  const killed = await cluster.leader();
  await killed.end('SIGKILL');
  await writer.write(bytes.subarray(3 * MIB));
  await writer.close();
  expect((await fs.readFile('/before')).equals(bytes)).toBe(true);
  expect((await fs.readFile('/during')).equals(bytes)).toBe(true);
  const [first] = await fs.getBlockLocations('/before');
  expect(first?.workers).toEqual([worker.address]);

  const { text } = await worker.ask('/metrics');
  expect(text).toMatch(/^understudy_worker_blocks 6$/m);
  expect(text).toMatch(/^understudy_worker_used_bytes\{tier="MEM"\} [1-9]/m);
  const { id } = await worker.status();
  expect(await worker.end('SIGTERM')).toBe(0);
  expect(worker.stderr).toContain('worker stopped');
  await worker.start(1);
  expect(await worker.status()).toMatchObject({ id, blocks: 6 });
  expect((await fs.readFile('/before')).equals(bytes)).toBe(true);
}, 90_000);

test('mounted storage: a file is read through and kept; one that has changed there is refused until it is loaded again', async () => {
  const cluster = await Cluster.start({ masters: 1, zookeeper: `${zooKeeper.connectString}/under` });
  const store = path.join(cluster.folder, 'store');
  mkdirSync(store);
  const bytes = randomBytes(3 * MIB + 7);
  const file = path.join(store, 'file');
  writeFileSync(file, bytes);
  utimesSync(file, ANCIENT, ANCIENT);
  const worker = await WorkerProcess.start(cluster);
  const fs = await cluster.client();
  await fs.mount('/mnt', `file://${store}`);

  expect((await fs.readFile('/mnt/file', { readType: 'NO_CACHE' })).equals(bytes)).toBe(true);
  expect(await worker.status()).toMatchObject({ blocks: 0 });
  expect((await fs.readFile('/mnt/file')).equals(bytes)).toBe(true);
  await waitUntil('the block is told', async () => (await fs.getBlockLocations('/mnt/file'))[0]?.workers.length === 1);
  expect(await worker.status()).toMatchObject({ blocks: 1 });
  expect((await worker.ask('/metrics')).text).toMatch(/^understudy_worker_reads_total\{source="under_store"\} [1-9]/m);
  expect((await fs.readFile('/mnt/file')).equals(bytes)).toBe(true);

  writeFileSync(path.join(store, 'other'), bytes);
  utimesSync(path.join(store, 'other'), ANCIENT, ANCIENT);
  expect((await fs.getStatus('/mnt/other')).length).toBe(bytes.length);
  const changed = Buffer.from(bytes).reverse();
  writeFileSync(path.join(store, 'other'), changed);
  await expect(fs.readFile('/mnt/other')).rejects.toMatchObject({ code: 'failed_precondition' });
  await fs.loadMetadata('/mnt/other', { force: true });
  expect((await fs.readFile('/mnt/other')).equals(changed)).toBe(true);
  expect(readFileSync(file).equals(bytes)).toBe(true);

  const written = randomBytes(2 * MIB + 3);
  await fs.writeFile('/mnt/below/written', written, { blockBytes: MIB, recursive: true, writeType: 'CACHE_THROUGH' });
  await cluster.run('fs', 'free', '/mnt/below/written');
  const held = async () => (await fs.getBlockLocations('/mnt/below/written')).flatMap(({ workers }) => workers).length;
  await waitUntil('its blocks are given up', async () => (await held()) === 0);
  expect((await fs.readFile('/mnt/below/written')).equals(written)).toBe(true);
  await waitUntil('its blocks are kept again', async () => (await held()) === 3);

  // Written to, its beginning still stands in the storage, and perhaps nowhere else.
  await cluster.run('fs', 'free', '/mnt/below/written');
  await waitUntil('its blocks are given up', async () => (await held()) === 0);
  const more = randomBytes(MIB);
  const writer = await fs.append('/mnt/below/written');
  await writer.write(more);
  await writer.close();
  expect(await held()).toBe(2);
  const all = Buffer.concat([written, more]);
  expect((await fs.readFile('/mnt/below/written', { readType: 'NO_CACHE' })).equals(all)).toBe(true);
  await fs.truncateFile('/mnt/below/written', MIB + 9);
  expect((await fs.readFile('/mnt/below/written', { readType: 'NO_CACHE' })).equals(all.subarray(0, MIB + 9))).toBe(true);
  await fs.setAttributes('/mnt/below/written', { persistence: 'TO_BE_PERSISTED' });
  await waitUntil('it is persisted again', async () => (await fs.getStatus('/mnt/below/written')).persistence === 'PERSISTED');
  await waitUntil('the storage has it', async () => (await fs.listMounts())[0]?.queued === 0);
  expect(readFileSync(path.join(store, 'below', 'written')).equals(all.subarray(0, MIB + 9))).toBe(true);
  expect(await worker.end('SIGTERM')).toBe(0);
}, 90_000);

test('written through: mounted storage has the file once its writer is closed, or soon, whoever leads by then', async () => {
  const cluster = await Cluster.start({ masters: 2, zookeeper: `${zooKeeper.connectString}/through` });
  const store = path.join(cluster.folder, 'store');
  mkdirSync(store);
  await WorkerProcess.start(cluster);
  const fs = await cluster.client();
  await fs.mount('/mnt', `file://${store}`);
  const bytes = randomBytes(5 * MIB + 1);
  const stored = (name: string) => readFileSync(path.join(store, name));

  for (const [writeType, length] of [
    ['CACHE_THROUGH', bytes.length],
    ['THROUGH', 1],
    ['CACHE_THROUGH', 0],
  ] as const) {
    const name = `${writeType}-${length}`;
    const { status } = await fs.writeFile(`/mnt/deep/${name}`, bytes.subarray(0, length), {
      writeType,
      blockBytes: 2 * MIB,
      recursive: true,
    });
    expect(status).toMatchObject({ persistence: 'PERSISTED', length });
    expect(stored(`deep/${name}`).equals(bytes.subarray(0, length))).toBe(true);
  }
  const freed = '/mnt/deep/THROUGH-1';
  await waitUntil('its blocks are given up', async () => (await fs.getBlockLocations(freed))[0]?.workers.length === 0);
  expect((await fs.readFile(freed)).equals(bytes.subarray(0, 1))).toBe(true);
  await expect(fs.persist('/nowhere')).rejects.toMatchObject({ errno: 'ENOENT' });
  await expect(fs.writeFile('/none', bytes, { writeType: 'CACHE_THROUGH' })).rejects.toMatchObject({ code: 'failed_precondition' });
  expect(await fs.exists('/none')).toBe(false);

  const parts = path.join(store, '.understudy-parts');
  rmSync(parts, { recursive: true });
  writeFileSync(parts, 'in the way');
  await fs.writeFile('/mnt/held-up', bytes, { writeType: 'ASYNC_THROUGH', blockBytes: 2 * MIB });
  await expect(fs.persist('/mnt/held-up', { timeoutMs: 1_500 })).rejects.toMatchObject({
    code: 'deadline_exceeded',
    message: expect.stringMatching(/not in mounted storage yet: path=\/mnt\/held-up reason=.*understudy-parts.*\(worker /),
  });
  rmSync(parts);
  expect((await fs.persist('/mnt/held-up')).persistence).toBe('PERSISTED');
  expect(stored('held-up').equals(bytes)).toBe(true);

  const names = Array.from({ length: 20 }, (_, at) => `later-${at}`);
  await Promise.all(names.map((name) => fs.writeFile(`/mnt/${name}`, bytes, { writeType: 'ASYNC_THROUGH', blockBytes: 2 * MIB })));
  const killed = await cluster.leader();
  await killed.end('SIGKILL');
  await fs.rename('/mnt/later-0', '/mnt/moved');
  for (const name of ['moved', ...names.slice(1)]) {
    await waitUntil(`${name} is persisted`, async () => (await fs.getStatus(`/mnt/${name}`)).persistence === 'PERSISTED', 60_000);
  }
  await waitUntil('the storage has seen all', async () => (await fs.listMounts())[0]?.queued === 0, 30_000);
  for (const name of ['moved', ...names.slice(1)]) expect(stored(name).equals(bytes), name).toBe(true);
  expect(readdirSync(path.join(store, '.understudy-parts'))).toEqual([]);
  expect(readdirSync(store).length).toBe(names.length + 3);
  await fs.loadMetadata('/mnt', { recursive: true, force: true });
  expect((await fs.readFile('/mnt/moved')).equals(bytes)).toBe(true);
}, 120_000);
