/**
 * Mounted storage and masters that are killed while it has yet to see changes: a folder, and a bucket.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import type { FileSystem } from '../../src/cli/understudy.js';
import { LocalUnderStore } from '../../src/underfs/local-under-store.js';
import { S3UnderStore } from '../../src/underfs/s3-under-store.js';
import type { UnderStore } from '../../src/underfs/under-store.js';
import { listAll } from '../contract/under-store-contract.js';
import { freePorts } from '../servers/ports.js';
import { CREDENTIALS, startS3 } from '../servers/s3.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster, SUPERUSER } from './cluster.js';

const NAMES = ['a', 'b', 'c', 'd'];
const LIMIT_MS = 30_000;
const AT_ONCE = 8;
const CHANGES = 250;

function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'understudy-mounted-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Makes, moves and removes directories below `/m`, few names again and again: work that is repeated out of turn shows. Several at once, for storage may
 * see changes faster than one client after the other makes them.
 * @param isOver whether `count` changes are enough. @returns how many were made.
 */
async function churn(fs: FileSystem, count: number, seed: number, isOver: () => boolean): Promise<number> {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const some = () => `/m/${Array.from({ length: 1 + random(3) }, () => NAMES[random(NAMES.length)]).join('/')}`;
  let [begun, done] = [0, 0];
  const change = (): Promise<unknown> => {
    const kind = random(10);
    if (kind < 5) return fs.createDirectory(some(), { recursive: true });
    return kind < 9 ? fs.rename(some(), some()) : fs.remove(some(), { recursive: true });
  };
  const changing = async () => {
    while (begun++ < count || !isOver()) {
      await change().then(
        () => done++,
        () => {},
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, changing));
  return done;
}

const queued = async (fs: FileSystem) => (await fs.listMounts())[0]?.queued ?? 0;

async function expectSame(fs: FileSystem, storage: UnderStore): Promise<void> {
  await waitUntil('the storage has seen all changes', async () => (await queued(fs)) === 0, LIMIT_MS);
  const named: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const { name } of fs.list(`/m/${folder}`)) {
      named.push(folder + name);
      await walk(`${folder}${name}/`);
    }
  };
  await walk('');
  const stored = (await listAll(storage, '', { recursive: true })).map(({ name }) => name);
  expect(stored.sort()).toEqual(named.sort());
}

/** Kills the leader while its storage has changes to see, twice. */
async function killInTheMiddle(cluster: Cluster, fs: FileSystem, storage: UnderStore): Promise<void> {
  for (let kill = 0; kill < 2; kill++) {
    let isOver = false;
    const changing = churn(fs, CHANGES, 7 + kill, () => isOver);
    await waitUntil('changes are queued', async () => (await queued(fs)) > 3, LIMIT_MS).finally(() => {
      isOver = true;
    });
    const leader = await cluster.leader();
    await leader.end('SIGKILL');
    expect(await changing).toBeGreaterThan(50);
    await expectSame(fs, storage);
    await leader.start();
  }
  expect(new Set(await cluster.digests()).size).toBe(1);
}

test('a mounted folder: leaders killed in the middle of their work for it, the next ones finish it and it is as the namespace says', async () => {
  const folder = temporaryFolder();
  const cluster = await Cluster.start({ masters: 3 });
  const fs = await cluster.client();
  await fs.mount('/m', folder);
  await killInTheMiddle(cluster, fs, await LocalUnderStore.open({ folder }, { random: systemRandom }));
});

test('a mounted bucket: leaders killed in the middle of their work for it, the next ones finish it and it is as the namespace says', async () => {
  const server = await startS3({ make: 'versitygw' });
  onTestFinished(() => server.close());
  await server.createBucket('mounted');
  const cluster = await Cluster.start({ masters: 3 });
  const fs = await cluster.client();
  const options = {
    'underfs.s3.endpoint': server.endpoint,
    'underfs.s3.disable.dns.buckets': 'true',
    'aws.accessKeyId': CREDENTIALS.accessKeyId,
    'aws.secretKey': CREDENTIALS.secretAccessKey,
  };
  await fs.mount('/m', 's3://mounted/deep', { options });
  const [shown] = await fs.listMounts();
  expect(JSON.stringify(shown)).not.toContain(CREDENTIALS.secretAccessKey);
  const place = { bucket: 'mounted', prefix: 'deep/', endpoint: server.endpoint, region: 'us-east-1', pathStyle: true };
  const settings = { ...place, credentials: CREDENTIALS, requestTimeoutMs: 10_000 };
  await using storage = new S3UnderStore(settings, { clock: systemClock, random: systemRandom });
  await killInTheMiddle(cluster, fs, storage);
});

test('storage to mount: that is not there, no folder, refuses the key, does not answer, is the masters’ own or lies behind another, is refused; others but the superuser are', async () => {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, 'outer/inner'), { recursive: true });
  writeFileSync(path.join(folder, 'file'), 'x');
  const server = await startS3({ make: 'versitygw' });
  onTestFinished(() => server.close());
  await server.createBucket('mounted');
  const cluster = await Cluster.start({ masters: 1 });
  const fs = await cluster.client();
  const mount = (at: string, uri: string, options: Record<string, string> = {}) =>
    fs.mount(at, uri, { options }).then(
      () => 'done',
      (error) => error.errno ?? error.code,
    );
  expect(await mount('/m', path.join(folder, 'absent'))).toBe('not_found');
  expect(await mount('/m', path.join(folder, 'file'))).toBe('failed_precondition');
  const reach = { 'underfs.s3.endpoint': server.endpoint, 'underfs.s3.disable.dns.buckets': 'true', 'aws.accessKeyId': 'understudy' };
  expect(await mount('/m', 's3://mounted', { ...reach, 'aws.secretKey': 'wrong' })).toBe('permission_denied');
  expect(await mount('/m', 's3://absent', { ...reach, 'aws.secretKey': CREDENTIALS.secretAccessKey })).toBe('failed_precondition');
  const unused = `http://127.0.0.1:${(await freePorts(1))[0]}`;
  expect(await mount('/m', 's3://mounted', { ...reach, 'underfs.s3.endpoint': unused, 'aws.secretKey': 'any' })).toBe(
    'failed_precondition',
  );
  symlinkSync(cluster.journal, path.join(folder, 'link'));
  for (const own of [cluster.journal, path.join(cluster.journal, 'log'), path.join(folder, 'link'), cluster.folder, '/']) {
    expect(await mount('/m', own)).toBe('invalid_argument');
  }
  expect(await mount('/m', cluster.master(0).place.metastore)).toBe('invalid_argument');
  expect(await mount('/m', path.join(folder, 'outer'))).toBe('done');
  expect(await mount('/m/inner', 's3://mounted', { ...reach, 'aws.secretKey': CREDENTIALS.secretAccessKey })).toBe('EEXIST');
  expect(await mount('/m/other', 's3://mounted', { ...reach, 'aws.secretKey': CREDENTIALS.secretAccessKey })).toBe('done');

  const bob = await cluster.client({ user: 'bob' });
  for (const uri of [path.join(folder, 'absent'), path.join(folder, 'outer')]) {
    await expect(bob.mount('/x', uri)).rejects.toMatchObject({ errno: 'EPERM' });
  }
  // New options are looked at before they hold.
  await expect(fs.updateMount('/m/other', { options: { ...reach, 'aws.secretKey': 'wrong' } })).rejects.toMatchObject({
    code: 'permission_denied',
  });
  await fs.updateMount('/m/other', { options: { ...reach, 'aws.secretKey': '******' }, readOnly: true });
  await expect(fs.createDirectory('/m/other/d')).rejects.toMatchObject({ errno: 'EROFS' });
  expect((await fs.getStatus('/m')).owner).toBe(SUPERUSER);
  // The keys of storage are in these, for whoever runs masters.
  for (const own of [cluster.journal, cluster.master(0).place.metastore]) expect(statSync(own).mode & 0o777).toBe(0o700);
});
