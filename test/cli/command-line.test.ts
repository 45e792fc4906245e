import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mustBeBuilt, ROOT } from '../servers/built.js';

const ports: number[] = [];
const masters = new Map<number, ChildProcess>();
let folder = '';
let common: string[] = [];

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(program: string, ...args: string[]): Promise<Ended> {
  const command = [path.join(ROOT, 'bin', program), ...args];
  const done = promisify(execFile)(process.execPath, command, { env: { PATH: process.env.PATH ?? '', TZ: 'UTC' } });
  return done.then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, err: stderr }),
  );
}

const fs = (...args: string[]) => run('fs', ...common, ...args);

function masterArguments(port: number, metastore = path.join(folder, `metastore-${port}`)): string[] {
  return [
    ...common,
    `-Dunderstudy.master.rpc.port=${port}`,
    '-Dunderstudy.master.web.port=0',
    `-Dunderstudy.master.metastore.dir=${metastore}`,
  ];
}

function start(port: number): void {
  masters.set(port, spawn(process.execPath, [path.join(ROOT, 'bin', 'master'), ...masterArguments(port)], { stdio: 'ignore' }));
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve));

beforeAll(async () => {
  mustBeBuilt();
  folder = await mkdtemp(path.join(tmpdir(), 'understudy-cli-'));
  while (ports.length < 3) ports.push(await freePort());
  const addresses = ports.map((port) => `127.0.0.1:${port}`).join(',');
  common = [
    ...['master.hostname', 'master.bind.host', 'master.web.bind.host'].map((key) => `-Dunderstudy.${key}=127.0.0.1`),
    `-Dunderstudy.master.journal.folder=${path.join(folder, 'journal')}`,
    `-Dunderstudy.master.rpc.addresses=${addresses}`,
    '-Dunderstudy.security.login.username=ada',
  ];
});

afterAll(async () => {
  for (const child of masters.values()) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

test('command line: journal not formatted, the master says so in one line and exits with 1', async () => {
  const { code, err } = await run('master', ...masterArguments(ports[0] as number));
  expect(code).toBe(1);
  expect(err).toMatch(/^the master cannot run: .*format it first.*\n$/);
});

test('command line: format, once; a second time it is refused', async () => {
  expect(await run('understudy', 'format', ...common)).toMatchObject({ code: 0, out: expect.stringContaining('Cluster id: cluster-') });
  const again = await run('understudy', 'format', ...common);
  expect(again).toMatchObject({ code: 1, out: '' });
  expect(again.err).toContain('--force');
});

test('command line: no master runs, leader exits with 1 and changes with 3', async () => {
  expect(await fs('leader', '--wait', '0')).toEqual({ code: 1, out: '', err: 'leader: no master serves as leader now\n' });
  const { code, err } = await fs('touch', '/x', '-Dunderstudy.user.rpc.retry.max.duration=300ms');
  expect(code).toBe(3);
  expect(err.split('\n').length).toBe(2);
});

test('command line: the commands of fs against a real master, outputs and exit codes as documented', async () => {
  for (const port of ports) start(port);
  const leader = await fs('leader', '--wait', '20');
  expect(leader).toMatchObject({ code: 0, err: '' });
  expect(ports.map((port) => `127.0.0.1:${port}\n`)).toContain(leader.out);
  expect(await fs('mkdir', '/a')).toEqual({ code: 0, out: 'Successfully created directory /a\n', err: '' });
  expect(await fs('mkdir', '/a')).toMatchObject({ code: 1, err: 'mkdir: path already exists: path=/a\n' });
  expect(await fs('mkdir', '-p', '/a', '/b/c')).toMatchObject({ code: 0 });
  expect(await fs('touch', '/a/f', '/none/x', '/a/g')).toMatchObject({ code: 1, out: '/a/f has been created\n/a/g has been created\n' });
  const { out } = await fs('ls', '-R', '/');
  const lines = out.trimEnd().split('\n');
  expect(lines.map((line) => line.trimEnd().split(' ').at(-1))).toEqual(['/a', '/a/f', '/a/g', '/b', '/b/c']);
  expect(lines[1]).toMatch(/^-rw-r--r-- {2}ada {12}\S+ +0 +NOT_PERSISTED \d\d-\d\d-\d{4} \d\d:\d\d:\d\d:\d{3} 100% \/a\/f $/);
  expect(await fs('stat', '-f', '%n %z %u', '/a/f')).toEqual({ code: 0, out: '/a/f 0 ada\n', err: '' });
  const told = /^told by 127\.0\.0\.1:\d+ as of entry \d+: (it leads|\d+ entries and \d+ ms behind, as far as it knows)\n$/;
  expect(await fs('stat', '--at-least-sn', '1', '-f', '%n', '/')).toMatchObject({ code: 0, err: expect.stringMatching(told) });
  expect(await fs('ls', '--stale', '/')).toMatchObject({ code: 0, err: expect.stringMatching(told) });
  expect((await fs('ls', '--at-least-sn', 'x', '/')).code).toBe(2);
  expect((await fs('test', '-z', '/a/f')).code).toBe(0);
  expect((await fs('test', '-d', '/a/f')).code).toBe(1);
  expect((await fs('test', '-e', '/none')).code).toBe(1);
  expect((await fs('test', '/a')).code).toBe(2);
  expect(await fs('mv', '/a/*', '/b')).toMatchObject({ code: 0, out: 'Renamed /a/f to /b/f\nRenamed /a/g to /b/g\n' });
  expect(await fs('rm', '/b')).toMatchObject({ code: 1, out: '' });
  expect(await fs('rm', '-R', '/b')).toMatchObject({ code: 0, out: '/b has been removed\n' });
  expect(await fs('ls', '/')).toMatchObject({ out: expect.stringMatching(/^d\S+ .* \/a {3}\n$/) });
});

test('command line: port in use, metastore in use, one clear line each', async () => {
  const [port, other] = [ports[0] as number, await freePort()];
  const inUse = await run('master', ...masterArguments(port, path.join(folder, 'metastore-spare')));
  expect(inUse).toMatchObject({ code: 1, err: `the master cannot run: cannot listen: address=127.0.0.1:${port} (EADDRINUSE)\n` });
  const locked = await run('master', ...masterArguments(other, path.join(folder, `metastore-${port}`)));
  expect(locked.code).toBe(1);
  expect(locked.err).toMatch(/^the master cannot run: another process has the metastore folder open: folder=.*\n$/);
});

test('command line: leader killed, another one serves and has what was acknowledged; the one told to stop ends with 0', async () => {
  const old = (await fs('leader')).out.trim();
  expect(await fs('touch', '/a/kept')).toMatchObject({ code: 0 });
  masters.get(Number(old.split(':')[1]))?.kill('SIGKILL');
  expect(await fs('touch', '/a/later')).toMatchObject({ code: 0 });
  expect((await fs('test', '-e', '/a/kept')).code).toBe(0);
  const { out } = await fs('masterInfo', '--json');
  const states = JSON.parse(out).map(({ state }: { state: string }) => state);
  expect(states).toEqual(['ACTIVE', 'PASSIVE', 'UNREACHABLE']);
  const now = (await fs('leader', '--wait', '20')).out.trim();
  expect(now).not.toBe(old);
  const child = masters.get(Number(now.split(':')[1])) as ChildProcess;
  const end = ended(child);
  child.kill('SIGTERM');
  expect(await end).toBe(0);
  expect((await fs('test', '-e', '/a/later')).code).toBe(0);
});

test('command line: wrong usage and configuration, exit code 2 and the nearest key', async () => {
  expect((await run('understudy', 'nonsense')).code).toBe(2);
  expect((await fs('ls')).code).toBe(2);
  const { code, err } = await fs('ls', '/', '-Dunderstudy.master.rpc.prt=1');
  expect(code).toBe(2);
  expect(err).toContain('understudy.master.rpc.port');
});

test('command line: the reader of the output goes away, quiet end', async () => {
  const { code, err } = await promisify(execFile)('/bin/sh', [
    '-c',
    `node ${path.join(ROOT, 'bin', 'understudy')} getConf | head -c 1`,
  ]).then(
    ({ stderr }) => ({ code: 0, err: stderr }),
    ({ code, stderr }) => ({ code, err: stderr }),
  );
  expect({ code, err }).toEqual({ code: 0, err: '' });
});
