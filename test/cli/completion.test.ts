/**
 * The completion scripts in real shells: bash's function is called, zsh is typed to.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MasterProcess } from '../cluster/master-process.js';
import { mustBeBuilt, ROOT } from '../servers/built.js';
import { freePorts } from '../servers/ports.js';
import { waitUntil } from '../servers/wait-until.js';

let folder = '';
let master: MasterProcess | undefined;
let env: NodeJS.ProcessEnv = {};

async function run(program: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(program, args, { env, timeout: 60_000 });
  return stdout.split('\n').slice(0, -1);
}

const inBash = (...lines: string[]) => run('bash', path.join(import.meta.dirname, 'complete-in-bash.sh'), ...lines);
const inZsh = (...lines: string[]) => run('zsh', '-f', path.join(import.meta.dirname, 'complete-in-zsh.zsh'), ...lines);

beforeAll(async () => {
  mustBeBuilt();
  folder = mkdtempSync(path.join(tmpdir(), 'understudy-completion-'));
  const [rpcPort = 0, webPort = 0] = await freePorts(2);
  const confDir = path.join(folder, 'conf');
  mkdirSync(confDir);
  const settings = {
    'master.hostname': '127.0.0.1',
    'master.bind.host': '127.0.0.1',
    'master.rpc.port': rpcPort,
    'master.journal.folder': path.join(folder, 'journal'),
  };
  const lines = Object.entries(settings).map(([key, value]) => `understudy.${key}=${value}\n`);
  writeFileSync(path.join(confDir, 'understudy-site.properties'), lines.join(''));
  env = { PATH: `${path.join(ROOT, 'bin')}:${process.env.PATH}`, HOME: folder, UNDERSTUDY_CONF_DIR: confDir, TERM: 'xterm' };
  await run('understudy', 'format');
  master = new MasterProcess({ confDir, rpcPort, webPort, metastore: path.join(folder, 'metastore') });
  await master.start();
  await waitUntil('it leads', async () => (await master?.status())?.state === 'ACTIVE');
  await run('understudy', 'fs', 'mkdir', '-p', '/q/odd name/in', '/q/other', '/q/st\\*r');
}, 60_000);

afterAll(async () => {
  await master?.end();
  rmSync(folder, { recursive: true, force: true });
});

test('completion: bash, commands, options, words and paths', async () => {
  const lines = ['understudy f', 'understudy fs getf', 'understudy fs ls --js', 'understudy fsadmin report m', 'understudy fs ls --sort '];
  expect(await inBash(...lines)).toEqual(['fs|fsadmin|format|fork', 'getfacl|getfattr', '--json', 'masters|mounts|metrics', '']);
  const paths = ['understudy fs ls ', 'understudy fs ls /q/', 'understudy fs rm -R /q/od', 'understudy fs ls /none/'];
  expect(await inBash(...paths)).toEqual(['/q/', '/q/odd\\ name/|/q/other/|/q/st\\\\\\*r/', '/q/odd\\ name/', '']);
});

test('completion: zsh, commands, options, words and paths', async () => {
  const lines = [
    'understudy fsa',
    'understudy fs getfat',
    'understudy fs ls --jso',
    'understudy fsadmin report mou',
    'understudy fs ls /q/ot',
  ];
  const done = ['understudy fsadmin ', 'understudy fs getfattr ', 'understudy fs ls --json ', 'understudy fsadmin report mounts '];
  expect(await inZsh(...lines, 'understudy fs ls /q/od')).toEqual([
    ...done,
    'understudy fs ls /q/other/',
    'understudy fs ls /q/odd\\ name/',
  ]);
}, 60_000);

test('completion: no master answers, nothing is offered, soon', async () => {
  await master?.end();
  const startedMs = performance.now();
  expect(await inBash('understudy fs ls /q')).toEqual(['']);
  expect(performance.now() - startedMs).toBeLessThan(15_000);
});
