/**
 * A test instance beside production: a fork of a live cluster's journal, in a folder and in a bucket, with a master of its own.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { FileSystem } from '../../src/cli/understudy.js';
import { s3Settings, startS3 } from '../servers/s3.js';
import { Cluster } from './cluster.js';

/** Every path of the namespace with what is told of it. */
async function treeOf(fs: FileSystem): Promise<string[]> {
  const lines: string[] = [];
  for await (const status of fs.list('/', { recursive: true })) lines.push(JSON.stringify(status));
  return lines.sort();
}

/** Every file below `folder` with its bytes and its times. */
function snapshotOf(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    const at = path.join(folder, name);
    const { mtimeMs, ctimeMs } = statSync(at);
    const bytes = statSync(at).isFile() && name !== 'LEDGER' ? readFileSync(at, 'base64') : '';
    found[name] = `${mtimeMs} ${ctimeMs} ${bytes}`;
  }
  return found;
}

async function refusal(command: Promise<string>): Promise<string> {
  return await command.then(
    (out) => `it was done: ${out}`,
    ({ stderr }: { stderr: string }) => stderr,
  );
}

async function production(settings: Record<string, string>): Promise<{ cluster: Cluster; fs: FileSystem; mounted: string }> {
  const cluster = await Cluster.start({ masters: 1, settings });
  const fs = await cluster.client();
  const mounted = path.join(cluster.folder, 'mounted');
  mkdirSync(mounted);
  writeFileSync(path.join(mounted, 'kept'), 'bytes');
  await fs.mount('/m', mounted);
  expect(await fs.exists('/m/kept')).toBe(true);
  for (let at = 0; at < 20; at++) await fs.createFile(`/tree/${at % 3}/file-${at}`, { recursive: true, completeLength: at });
  return { cluster, fs, mounted };
}

/** Forks, and starts a master of the fork, which has the metadata of production, takes changes, and writes to no mounted storage. */
async function tryFork(
  from: Cluster,
  fs: FileSystem,
  to: string,
  settings: Record<string, string>,
  mounted: string,
  isShown = false,
): Promise<void> {
  const before = await treeOf(fs);
  const { sn, digest } = await from.master(0).digest();
  const told = await from.run('understudy', 'fork', '--at', String(sn), '--to', to);
  const { clusterId } = await from.master(0).status();
  expect(told).toContain(`Forked ${clusterId} as of sn ${sn}, digest: ${digest}, to ${to}`);

  const fork = await Cluster.prepare({ masters: 1, journal: to, settings });
  await fork.master(0).start();
  await fork.leader();
  const forked = await fork.client();
  expect((await fork.master(0).status()).clusterId).not.toBe(clusterId);
  expect(await treeOf(forked)).toEqual(before);
  await forked.createFile('/tree/0/only-in-the-fork', { completeLength: 1 });
  await expect(forked.createDirectory('/m/never')).rejects.toThrow(
    `in a fork all mounts are read-only: path=/m/never uri=${mounted} forked_from=${clusterId} at=${sn}`,
  );
  await expect(forked.remove('/m/kept')).rejects.toMatchObject({ errno: 'EROFS' });
  await expect(forked.updateMount('/m', { readOnly: false })).rejects.toMatchObject({ errno: 'EROFS' });
  expect(await forked.exists('/m/kept')).toBe(true);
  expect(readdirSync(mounted)).toEqual(['kept']);
  if (isShown) {
    expect(await fork.run('understudy', 'fsadmin', 'report')).toContain(`Fork of: ${clusterId} as of sn ${sn}`);
    expect(await fork.run('understudy', 'journal', 'dump')).toMatch(
      new RegExp(`^${sn + 2} .* fork fork=\\{clusterId=${clusterId},sn=${sn},forkedMs=\\d+\\}$`, 'm'),
    );
    expect(await fork.run('understudy', 'journal', 'info')).toMatch(new RegExp(`^Forked from +${clusterId}@${sn}$`, 'm'));
    expect(await fork.run('understudy', 'journal', 'verify')).toContain('can be trusted');
  }
  await fork.master(0).end('SIGTERM');

  expect(await treeOf(fs)).toEqual(before);
  await fs.createFile(`/tree/0/only-in-production-${sn}`, { completeLength: 1 });
}

test('fork: of a live journal in a folder, into a folder and a bucket; of one that rests, which is not written to; of one in a bucket', async () => {
  const server = await startS3({ make: 'versitygw' });
  onTestFinished(() => server.close());
  await server.createBucket('forks');
  const settings = s3Settings(server.endpoint, 'forks');
  const { 'master.journal.folder': bucket = '', ...connection } = settings;
  const { cluster, fs, mounted } = await production(connection);
  await tryFork(cluster, fs, path.join(cluster.folder, 'fork'), connection, mounted, true);
  await tryFork(cluster, fs, bucket, connection, mounted);

  await cluster.master(0).end('SIGKILL');
  const before = snapshotOf(cluster.journal);
  const fork = (...args: string[]) => cluster.run('understudy', 'fork', ...args);
  const to = path.join(cluster.folder, 'again');
  expect(await fork('--to', to)).toContain('Forked');
  expect(await refusal(fork('--to', to))).toContain('there is a journal already');
  expect(await refusal(fork('--to', path.join(cluster.journal, 'fork')))).toContain('a fork has a place of its own');
  expect(await refusal(fork('--to', `${to}-2`, '--at', '100000'))).toContain('the journal ends earlier: sn=100000');
  expect(snapshotOf(cluster.journal)).toEqual(before);
  expect(await fork('--from', bucket, '--to', path.join(cluster.folder, 'back'))).toMatch(
    /^Forked cluster-\w+ as of sn \d+, digest: \w+, to /,
  );
}, 240_000);
