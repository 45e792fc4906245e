/** What real masters write down: the audit log, over a hand-over and for HTTP; the log, whose level is changed while they run. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import type { AuditRecord } from '../../src/base/audit-log.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster, SUPERUSER } from './cluster.js';
import type { MasterProcess } from './master-process.js';

const AUDITED = 120;
/** Another address of this machine than the masters'. */
const HTTP_CLIENT = '127.0.0.2';

/** Follows one redirect, as `curl -L`. */
async function send(method: string, url: string, body = ''): Promise<{ status: number; body: string }> {
  const { status, location, told } = await new Promise<{ status: number; location: string | undefined; told: string }>(
    (resolve, reject) => {
      const headers = body === '' ? {} : { 'content-type': 'application/json' };
      const sent = request(url, { method, localAddress: HTTP_CLIENT, agent: false, headers }, async (response) => {
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, told: await text(response) });
      });
      sent.once('error', reject);
      sent.end(body);
    },
  );
  return location === undefined ? { status, body: told } : send(method, location, body);
}

async function startAudited() {
  const cluster = await Cluster.prepare({ masters: 2 });
  await cluster.format();
  const files = new Map(cluster.masters.map((master, at) => [master, path.join(cluster.folder, `audit-${at}.log`)]));
  for (const [master, file] of files) {
    await master.start({ 'master.audit.logging.enabled': 'true', 'master.audit.log.file': file });
  }
  const linesOf = (master: MasterProcess): AuditRecord[] => {
    const lines = readFileSync(files.get(master) ?? '', 'utf8').split('\n');
    return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line));
  };
  return { cluster, linesOf };
}

test('audit log: over HTTP it names the client that sent it; over a hand-over each change is one line', async () => {
  const { cluster, linesOf } = await startAudited();
  const leader = await cluster.leader();
  const [standby] = cluster.others(leader) as [MasterProcess];
  await waitUntil('the standby is sound', async () => (await standby.status()).verified === true);
  const fs = await cluster.client();

  const at = `http://127.0.0.1:${standby.place.webPort}`;
  await waitUntil('it sends to its leader', async () => (await send('GET', `${at}/api/v1/files/?user.name=${SUPERUSER}`)).status === 200);
  expect(await send('PUT', `${at}/api/v1/files/rest?directory=true&user.name=${SUPERUSER}`)).toMatchObject({ status: 201 });
  // A standby sends a WebHDFS client on by an exception.
  expect(await send('PUT', `http://127.0.0.1:${leader.place.webPort}/webhdfs/v1/hdfs?op=MKDIRS&user.name=${SUPERUSER}`)).toMatchObject({
    status: 200,
  });
  expect(await send('DELETE', `${at}/api/v1/files/rest?user.name=ada`)).toMatchObject({ status: 403 });

  const created: Promise<unknown>[] = [];
  for (let index = 0; index < AUDITED; index++) {
    created.push(fs.createDirectory(`/d${index}`));
    if (index % 10 === 9) await Promise.all(created);
    if (index === AUDITED / 2) leader.signal('SIGTERM');
  }
  await Promise.all(created);
  await waitUntil('the leader has ended', () => !leader.isRunning);
  expect(await standby.end('SIGTERM')).toBe(0);

  const [first, second] = [linesOf(leader), linesOf(standby)];
  const byHttp = first.filter(({ from }) => from.startsWith(`${HTTP_CLIENT}:`));
  expect(byHttp.map(({ user, what, paths, result, call }) => ({ user, what, paths, result, call }))).toEqual([
    { user: SUPERUSER, what: 'createDirectory', paths: ['/rest'], result: 'ok', call: undefined },
    { user: SUPERUSER, what: 'createDirectory', paths: ['/hdfs'], result: 'ok', call: undefined },
    { user: 'ada', what: 'remove', paths: ['/rest'], result: 'permission_denied', call: undefined },
  ]);
  const made = [...first, ...second].filter(({ paths: [name = ''] }) => name.startsWith('/d'));
  expect(made.filter(({ result }) => result === 'ok').map(({ paths: [name] }) => name)).toHaveLength(AUDITED);
  expect(new Set(made.map(({ call }) => call)).size).toBe(AUDITED);
  expect(second.length).toBeGreaterThan(0);
}, 60_000);

test('log level: by command and over HTTP, debug lines come and go; a level that is none is refused', async () => {
  const cluster = await Cluster.start({ masters: 1 });
  const master = cluster.master(0);
  const web = `http://127.0.0.1:${master.place.webPort}/api/v1/log/level`;
  const bySuperuser = `${web}?user.name=${SUPERUSER}`;
  const isDebugged = (said: string) => said.includes('connection ended');
  /** A connection that begins and ends, which a master tells at level debug. */
  const connect = () => master.status();
  await connect();
  expect(isDebugged(master.stderr)).toBe(false);

  expect(await cluster.run('understudy', 'logLevel', '--level', 'debug')).toBe(`${master.address} debug\n`);
  await waitUntil('debug lines are there', async () => (await connect()) && isDebugged(master.stderr));
  expect(JSON.parse((await send('GET', web)).body)).toEqual({ level: 'debug' });

  expect(await send('PUT', `${web}?user.name=ada`, '{"level":"info"}')).toMatchObject({ status: 403 });
  expect(JSON.parse((await send('GET', web)).body)).toEqual({ level: 'debug' });
  expect(await send('PUT', bySuperuser, '{"level":"info"}')).toEqual({ status: 200, body: '{"level":"info"}' });
  const changed = () => master.stderr.lastIndexOf('the level of the log was changed');
  const before = changed();
  for (let times = 0; times < 3; times++) await connect();
  await send('PUT', bySuperuser, '{"level":"debug"}');
  await waitUntil('it has said so', () => changed() > before);
  expect(isDebugged(master.stderr.slice(before, changed()))).toBe(false);

  expect(await send('PUT', web, '{"level":"loud"}')).toMatchObject({ status: 400, body: expect.stringContaining('level') });
  await expect(cluster.run('understudy', 'logLevel', '--level', 'loud')).rejects.toThrow('Allowed choices are debug, info, warn, error');
  expect(JSON.parse((await send('GET', web)).body)).toEqual({ level: 'debug' });
}, 60_000);
