/**
 * Files of every size by every way of writing and reading, end to end: client, worker, mounted storage (a folder, a bucket of a real server), while
 * leaders are killed at each step of a write.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import type { FileSystem } from '../../src/cli/understudy.js';
import type { ReadType, WriteType } from '../../src/client/data/read-write-types.js';
import { LocalUnderStore } from '../../src/underfs/local-under-store.js';
import { S3UnderStore } from '../../src/underfs/s3-under-store.js';
import type { UnderStore } from '../../src/underfs/under-store.js';
import { memoryFolder, ownFolder } from '../servers/own-folder.js';
import { CREDENTIALS, startS3 } from '../servers/s3.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { Cluster } from './cluster.js';
import { madeUpBytes } from './made-up-bytes.js';
import { WorkerProcess } from './worker-process.js';

const MIB = 1 << 20;
const BLOCK = MIB;
const SIZES = { 'no byte': 0, 'one byte': 1, 'a block': BLOCK, 'a block and a byte': BLOCK + 1 };
const WRITE_TYPES: readonly WriteType[] = ['MUST_CACHE', 'CACHE_THROUGH', 'THROUGH', 'ASYNC_THROUGH'];
const READ_TYPES: readonly ReadType[] = ['NO_CACHE', 'CACHE', 'CACHE_PROMOTE'];
const LARGE = 2 ** 31 + 1;
const WORKER = { 'worker.ramdisk.size': '3GB' };

interface Mounted {
  readonly fs: FileSystem;
  readonly worker: WorkerProcess;
  readonly storage: UnderStore;
}

async function folder(): Promise<Mounted> {
  const cluster = await Cluster.start({ masters: 1 });
  // In memory, as the bucket: gigabytes on their way to a disk would keep the journals of other tests waiting there.
  const { path: place, remove } = ownFolder('mounted', memoryFolder());
  onTestFinished(remove);
  const worker = await WorkerProcess.start(cluster, WORKER);
  const fs = await cluster.client();
  await fs.mount('/m', `file://${place}`);
  return { fs, worker, storage: await LocalUnderStore.open({ folder: place }, { random: systemRandom }) };
}

async function bucket(): Promise<Mounted> {
  const server = await startS3({ make: 'versitygw' });
  onTestFinished(() => server.close());
  await server.createBucket('mounted');
  const cluster = await Cluster.start({ masters: 1 });
  const keys = { 'aws.accessKeyId': CREDENTIALS.accessKeyId, 'aws.secretKey': CREDENTIALS.secretAccessKey };
  const worker = await WorkerProcess.start(cluster, { ...WORKER, ...keys });
  const fs = await cluster.client();
  const options = { 'underfs.s3.endpoint': server.endpoint, 'underfs.s3.disable.dns.buckets': 'true', ...keys };
  await fs.mount('/m', 's3://mounted/deep', { options });
  const place = { bucket: 'mounted', prefix: 'deep/', endpoint: server.endpoint, region: 'us-east-1', pathStyle: true };
  const settings = { ...place, credentials: CREDENTIALS, requestTimeoutMs: 10_000 };
  return { fs, worker, storage: new S3UnderStore(settings, { clock: systemClock, random: systemRandom }) };
}

async function sha(runs: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const run of runs) hash.update(run);
  return hash.digest('hex');
}

function* madeUp(length: number): Generator<Uint8Array> {
  for (let at = 0; at < length; at += MIB) yield madeUpBytes('large', at, Math.min(length, at + MIB));
}

for (const [name, mounted] of Object.entries({ folder, bucket })) {
  describe(`a mounted ${name}`, () => {
    test('each size, each way to write, each way to read: the same bytes, and in the storage what belongs there', async () => {
      const { fs, worker, storage } = await mounted();
      for (const writeType of WRITE_TYPES) {
        for (const [what, length] of Object.entries(SIZES)) {
          const at = `${writeType}-${what.replaceAll(' ', '-')}`;
          const bytes = randomBytes(length);
          await fs.writeFile(`/m/${at}`, bytes, { writeType, blockBytes: BLOCK });
          if (writeType === 'ASYNC_THROUGH')
            await waitUntil(`${at} is in the storage`, async () => (await storage.stat(at)) !== undefined, 30_000);
          if (writeType === 'MUST_CACHE') expect(await storage.stat(at), at).toBeUndefined();
          else expect(await sha(storage.open(at)), at).toBe(await sha([bytes]));
          for (const readType of READ_TYPES) {
            expect((await fs.readFile(`/m/${at}`, { readType })).equals(bytes), `${at} ${readType}`).toBe(true);
          }
        }
      }
      const names: string[] = [];
      for await (const page of storage.list('')) names.push(...page.map((entry) => entry.name));
      expect(names, 'nothing else').toHaveLength(3 * Object.keys(SIZES).length);
      expect((await worker.status()).blocks).toBeGreaterThan(0);
    }, 180_000);

    test('2 GiB and a byte: written through and read, in streams', async () => {
      const { fs, storage } = await mounted();
      const hash = createHash('sha256');
      const writer = await fs.create('/m/large', { writeType: 'CACHE_THROUGH' });
      for (const run of madeUp(LARGE)) {
        hash.update(run);
        await writer.write(run);
      }
      await writer.close();
      const expected = hash.digest('hex');
      expect(await storage.stat('large')).toMatchObject({ length: LARGE });
      await using reader = await fs.open('/m/large');
      expect(await sha(reader.chunks())).toBe(expected);
      expect(await sha(storage.open('large'))).toBe(expected);
    }, 300_000);
  });
}

describe('leaders that are killed', () => {
  let zooKeeper: ZooKeeperEnsemble;
  beforeAll(async () => {
    zooKeeper = await startZooKeeper(1);
  });
  afterAll(() => zooKeeper?.[Symbol.asyncDispose]());

  test('at each step of a write: every byte is there, and in the storage once', async () => {
    const cluster = await Cluster.start({ masters: 2, zookeeper: `${zooKeeper.connectString}/steps` });
    const place = path.join(cluster.folder, 'store');
    mkdirSync(place);
    await WorkerProcess.start(cluster);
    const fs = await cluster.client();
    await fs.mount('/m', `file://${place}`);
    const storage = await LocalUnderStore.open({ folder: place }, { random: systemRandom });
    const kill = async () => {
      const leader = await cluster.leader();
      await leader.end('SIGKILL');
      return leader;
    };
    const steps = ['created', 'within a block', 'behind a block', 'while it is closed', 'closed'] as const;
    for (const step of steps) {
      const at = step.replaceAll(' ', '-');
      const bytes = randomBytes(2 * BLOCK + 100);
      const killed: Awaited<ReturnType<typeof kill>>[] = [];
      const now = async (here: (typeof steps)[number]) => {
        if (here === step) killed.push(await kill());
      };
      const writer = await fs.create(`/m/${at}`, { writeType: 'ASYNC_THROUGH', blockBytes: BLOCK });
      await now('created');
      await writer.write(bytes.subarray(0, BLOCK / 2));
      await now('within a block');
      await writer.write(bytes.subarray(BLOCK / 2, BLOCK + 10));
      await now('behind a block');
      await writer.write(bytes.subarray(BLOCK + 10));
      const closing = writer.close();
      await now('while it is closed');
      await closing;
      await now('closed');
      expect((await fs.readFile(`/m/${at}`)).equals(bytes), step).toBe(true);
      await waitUntil(`${at} is in the storage`, async () => (await storage.stat(at)) !== undefined, 30_000);
      expect(await sha(storage.open(at)), step).toBe(await sha([bytes]));
      for (const master of killed) await master.start();
    }
    const names: string[] = [];
    for await (const page of storage.list('')) names.push(...page.map((entry) => entry.name));
    expect(names.sort()).toEqual(steps.map((step) => step.replaceAll(' ', '-')).sort());
  }, 180_000);
});
