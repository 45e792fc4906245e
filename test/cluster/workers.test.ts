/**
 * Three workers beside one master: files are read through and persisted by them; one that is stopped (SIGSTOP) is lost, and comes back; one is taken out
 * of use, and can go. All the time the bytes are there.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FileSystem } from '../../src/cli/understudy.js';
import { workerReports } from '../../src/client/worker-report.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { Cluster } from './cluster.js';
import { WorkerProcess } from './worker-process.js';

const BLOCK = 1 << 18;
const FILES = 4;
const LIMIT_MS = 30_000;
let zooKeeper: ZooKeeperEnsemble;

beforeAll(async () => {
  zooKeeper = await startZooKeeper(1);
});
afterAll(() => zooKeeper?.[Symbol.asyncDispose]());

async function stateOf(fs: FileSystem, { address }: WorkerProcess): Promise<string | undefined> {
  return (await workerReports(fs.client)).find((worker) => worker.address === address)?.state;
}

/** Waits until each block of the files is on so many workers, those `except` not counted. */
async function copied(fs: FileSystem, files: Iterable<string>, copies: number, except: readonly WorkerProcess[] = []): Promise<void> {
  const left = except.map(({ address }) => address);
  for (const file of files) {
    const isThere = async () => {
      const blocks = await fs.getBlockLocations(file);
      return blocks.every(({ workers }) => workers.filter((address) => !left.includes(address)).length >= copies);
    };
    await waitUntil(`${file} has ${copies} copies`, isThere, LIMIT_MS);
  }
}

test('three workers: reading through, persisting, one that is stopped for a while, and one that is taken out of use', async () => {
  const settings = { 'master.worker.timeout': '3sec' };
  const cluster = await Cluster.start({ masters: 1, zookeeper: `${zooKeeper.connectString}/three`, settings });
  const store = path.join(cluster.folder, 'store');
  mkdirSync(store);
  const workers = [await WorkerProcess.start(cluster), await WorkerProcess.start(cluster), await WorkerProcess.start(cluster)] as const;
  const [first, second] = workers;
  const fs = await cluster.client();
  await fs.mount('/mnt', `file://${store}`);
  const contents = new Map<string, Buffer>();
  const check = async () => {
    for (const [file, bytes] of contents) expect((await fs.readFile(file)).equals(bytes), file).toBe(true);
  };

  const there = randomBytes(3 * BLOCK + 1);
  writeFileSync(path.join(store, 'there'), there);
  utimesSync(path.join(store, 'there'), new Date('2020-01-01T00:00:00Z'), new Date('2020-01-01T00:00:00Z'));
  contents.set('/mnt/there', there);
  for (let at = 0; at < FILES; at++) {
    const bytes = randomBytes(2 * BLOCK + at);
    contents.set(`/mnt/later-${at}`, bytes);
    await fs.writeFile(`/mnt/later-${at}`, bytes, { blockBytes: BLOCK, writeType: 'ASYNC_THROUGH' });
    contents.set(`/only-${at}`, bytes);
    await fs.writeFile(`/only-${at}`, bytes, { blockBytes: BLOCK, writeType: 'MUST_CACHE', replicationMin: 2 });
  }
  await check();
  for (let at = 0; at < FILES; at++) {
    const file = path.join(store, `later-${at}`);
    const isPersisted = async () => (await fs.getStatus(`/mnt/later-${at}`)).persistence === 'PERSISTED';
    await waitUntil(`later-${at} is persisted`, isPersisted, LIMIT_MS);
    await waitUntil('the storage has seen all', async () => (await fs.listMounts())[0]?.queued === 0, LIMIT_MS);
    expect(readFileSync(file).equals(contents.get(`/mnt/later-${at}`) as Buffer)).toBe(true);
  }
  const only = [...contents.keys()].filter((file) => file.startsWith('/only'));
  await copied(fs, only, 2);

  second.signal('SIGSTOP');
  await waitUntil('it is lost', async () => (await stateOf(fs, second)) === 'LOST', LIMIT_MS);
  await copied(fs, only, 2, [second]);
  await check();
  second.signal('SIGCONT');
  await waitUntil('it is back', async () => (await stateOf(fs, second)) === 'LIVE', LIMIT_MS);
  await check();

  await cluster.run('understudy', 'fsadmin', 'decommission', first.address, '--wait', '30s');
  expect(await stateOf(fs, first)).toBe('DECOMMISSIONED');
  for (const file of only) {
    const others = (await fs.getBlockLocations(file)).map(({ workers }) => workers.filter((address) => address !== first.address).length);
    expect(Math.min(...others), file).toBeGreaterThanOrEqual(2);
  }
  await first.remove();
  await check();
  await cluster.run('understudy', 'fsadmin', 'decommission', first.address, '--cancel');
  for (const worker of workers.slice(1)) expect(await worker.end('SIGTERM')).toBe(0);
}, 120_000);
