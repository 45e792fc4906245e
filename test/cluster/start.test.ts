/**
 * Masters that cannot run: each says why in one line, and ends with 1.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { freePorts } from '../servers/ports.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import type { MasterProcess } from './master-process.js';

async function expectRefusal(master: MasterProcess, reason: RegExp, overrides: Record<string, string> = {}): Promise<void> {
  const { exitCode, stderr } = await master.run(overrides);
  const lines = stderr.trimEnd().split('\n');
  expect(lines.at(-1)).toMatch(/^the master cannot run: /);
  expect(lines.at(-1)).toMatch(reason);
  expect(lines.filter((line) => /ERROR|^\s+at |node:internal/.test(line))).toEqual([]);
  expect(exitCode).toBe(1);
}

test('start: no journal in the folder, refused', async () => {
  const cluster = await Cluster.prepare({ masters: 1 });
  await expectRefusal(cluster.master(0), /format it first: folder=/);
});

test('start: the metastore folder of a running master, refused', async () => {
  const cluster = await Cluster.start({ masters: 1 });
  const second = await Cluster.prepare({ masters: 1, journal: cluster.journal });
  const { metastore } = cluster.master(0).place;
  await expectRefusal(second.master(0), /another process has the metastore folder open: folder=/, { 'master.metastore.dir': metastore });
  expect((await cluster.leader()).isRunning).toBe(true);
});

test('start: a port in use, refused', async () => {
  const cluster = await Cluster.start({ masters: 1 });
  const second = await Cluster.prepare({ masters: 1, journal: cluster.journal });
  const port = String(cluster.master(0).place.rpcPort);
  await expectRefusal(second.master(0), new RegExp(`cannot listen: address=127.0.0.1:${port} \\(EADDRINUSE\\)`), {
    'master.rpc.port': port,
  });
  expect((await cluster.leader()).isRunning).toBe(true);
});

test('start: the journal of another cluster, refused', async () => {
  const cluster = await Cluster.start({ masters: 1 });
  const other = await Cluster.prepare({ masters: 1 });
  await other.format();
  // Flushes: the metastore knows whose it is.
  await cluster.master(0).digest();
  await cluster.master(0).end('SIGTERM');
  await expectRefusal(cluster.master(0), /belongs to another cluster/, { 'master.journal.folder': other.journal });
  await cluster.master(0).start();
});

test('start: a journal of a newer format, refused', async () => {
  const cluster = await Cluster.prepare({ masters: 1 });
  await cluster.format();
  const format = path.join(cluster.journal, 'FORMAT');
  const text = readFileSync(format, 'utf8').replace('version=1', 'version=2');
  const lines = text.slice(0, text.indexOf('crc='));
  writeFileSync(format, `${lines}crc=${crc32(lines).toString(16).padStart(8, '0')}\n`.padEnd(4096, '\n'));
  await expectRefusal(cluster.master(0), /needs version: .*journal format=2 known=1 file=/);
});

test('start: folders that cannot be folders, refused', async () => {
  const cluster = await Cluster.prepare({ masters: 1 });
  const file = path.join(cluster.folder, 'file');
  writeFileSync(file, '');
  await expectRefusal(cluster.master(0), new RegExp(`file=${file}/FORMAT errno=ENOTDIR`), { 'master.journal.folder': file });
  await cluster.format();
  await expectRefusal(cluster.master(0), new RegExp(file), { 'master.metastore.dir': file });
});

test('start: an address that is none of this machine, refused', async () => {
  const cluster = await Cluster.prepare({ masters: 1 });
  await cluster.format();
  await expectRefusal(cluster.master(0), /192\.0\.2\.1/, { 'master.bind.host': '192.0.2.1' });
});

test('start: ZooKeeper does not answer, the master waits, says so, and can be stopped', async () => {
  const [port = 0] = await freePorts(1);
  const cluster = await Cluster.prepare({ masters: 1, zookeeper: `127.0.0.1:${port}` });
  await cluster.format();
  const master = cluster.master(0);
  await master.start();
  await waitUntil('it says so', () => new RegExp(`WARN .*zookeeper.*127.0.0.1:${port}`).test(master.stderr));
  expect(await master.status()).toMatchObject({ state: 'PASSIVE' });
  expect(await master.end('SIGTERM')).toBe(0);
});
