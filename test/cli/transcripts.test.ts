/**
 * Each command of `fs` and `fsadmin` against real masters: what it prints, its errors and its exit codes, compared with the transcripts in
 * test/cli/transcripts. `npm run golden` writes them anew: what changed there is what scripts of users will see changed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allNodes, commandTree } from '../../src/cli/completion/command-tree.js';
import { CommandContext } from '../../src/cli/context.js';
import { program } from '../../src/cli/program.js';
import { MasterProcess } from '../cluster/master-process.js';
import { WorkerProcess } from '../cluster/worker-process.js';
import { mustBeBuilt } from '../servers/built.js';
import { freePorts } from '../servers/ports.js';
import { tracked } from '../servers/processes.js';
import { waitUntil } from '../servers/wait-until.js';
import { type Ended, mask, replay, wordsOf } from './transcripts/transcript.js';

const FOLDER = path.join(import.meta.dirname, 'transcripts');
const names = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));
const COMMAND_MS_MAX = 25_000;
const masters: MasterProcess[] = [];
const places = new Map<string, string>();
let worker: WorkerProcess | undefined;
let folder = '';
let child: ChildProcess;
let answers: AsyncIterator<string>;
let lines: Interface;

async function run(user: string, args: readonly string[]): Promise<Ended> {
  const [group = '', ...rest] = args.map((arg) => arg.replaceAll('<folder>', folder));
  const who = [`-Dunderstudy.security.login.username=${user}`, '--conf', path.join(folder, 'conf')];
  // Groups within a group take these anywhere, so they go to the end; what follows `--` is no option.
  child.stdin?.write(`${JSON.stringify([group, ...rest, ...(group === 'completion' ? [] : who)])}\n`);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${COMMAND_MS_MAX} ms: ${args.join(' ')}`)), COMMAND_MS_MAX);
  });
  const { value } = await Promise.race([answers.next(), late]).finally(() => clearTimeout(timer));
  return JSON.parse(value);
}

async function mustRun(line: string): Promise<void> {
  const ended = await run('root', wordsOf(line));
  if (ended.exitCode !== 0) throw new Error(`${line}: ${JSON.stringify(ended)}`);
}

beforeAll(async () => {
  mustBeBuilt();
  folder = mkdtempSync(path.join(tmpdir(), 'understudy-transcripts-'));
  const ports = await freePorts(4);
  const [first = 0, second = 0] = ports;
  const confDir = path.join(folder, 'conf');
  mkdirSync(confDir);
  mkdirSync(path.join(folder, 'store', 'logs'), { recursive: true });
  mkdirSync(path.join(folder, 'local', 'below'), { recursive: true });
  for (const name of ['one', 'local/below/two']) writeFileSync(path.join(folder, name), `${name}\n`);
  for (const name of ['a', 'b', 'c']) writeFileSync(path.join(folder, 'store', 'logs', name), name);
  writeFileSync(path.join(folder, 'groups'), 'root: root\nada: staff\nbob: guests\n');
  const settings = {
    'master.hostname': '127.0.0.1',
    'master.bind.host': '127.0.0.1',
    'master.rpc.addresses': `127.0.0.1:${first},127.0.0.1:${second}`,
    'master.journal.folder': path.join(folder, 'journal'),
    'security.login.username': 'root',
    'security.group.mapping.class': 'file',
    'security.group.mapping.file': path.join(folder, 'groups'),
    'user.rpc.retry.max.duration': '20sec',
  };
  const text = Object.entries(settings).map(([key, value]) => `understudy.${key}=${value}`);
  writeFileSync(path.join(confDir, 'understudy-site.properties'), `${text.join('\n')}\n`);
  for (const [at, rpcPort] of [first, second].entries()) {
    masters.push(new MasterProcess({ confDir, rpcPort, webPort: ports[at + 2] ?? 0, metastore: path.join(folder, `metastore-${at}`) }));
    places.set(`127.0.0.1:${rpcPort}`, `127.0.0.1:PORT${at + 1}`);
    places.set(`Rpc Port: ${rpcPort}`, `Rpc Port: PORT${at + 1}`);
    places.set(String(ports[at + 2]), `WEB_${at + 1}`);
  }
  places.set(folder, '<folder>');
  const env = { PATH: process.env.PATH, TZ: 'UTC' };
  child = tracked(
    spawn(process.execPath, [path.join(import.meta.dirname, 'commands-child.mjs')], { env, stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  if (child.stdout === null) throw new Error('no output');
  lines = createInterface({ input: child.stdout });
  answers = lines[Symbol.asyncIterator]();
  await mustRun('format');
  for (const master of masters) {
    await master.start();
    await waitUntil('the first master leads', async () => (await masters[0]?.status())?.state === 'ACTIVE');
  }
  await waitUntil('the second one is sound', async () => (await masters[1]?.status())?.verified === true);
}, 60_000);

afterAll(async () => {
  child.kill('SIGKILL');
  await worker?.remove();
  for (const master of masters) await master.end();
  rmSync(folder, { recursive: true, force: true });
});

// Those of fsadmin look at the masters, and one hands the lead over: they come last.
// That of bytes comes after them: it has a worker.
const order = (name: string) => (name === 'data.txt' ? 3 : 0) + (name.startsWith('fsadmin') ? 1 : 0) + (name.includes('transfer') ? 1 : 0);

for (const name of names.sort((a, b) => order(a) - order(b))) {
  test(`transcripts: ${name}, as it was written`, async () => {
    const file = path.join(FOLDER, name);
    if (name === 'data.txt') {
      worker = await WorkerProcess.prepare(path.join(folder, 'conf'));
      places.set(worker.address, '127.0.0.1:WORKER');
      await worker.start(masters.length);
    }
    const home = `/${name.replace(/\.txt$/, '')}`;
    await mustRun(`fs mkdir ${home}`);
    await mustRun(`fs chown ada:staff ${home}`);
    const text = readFileSync(file, 'utf8');
    const made = await replay(text, run, (shown) => mask(shown, places));
    if (process.env.WRITE_GOLDEN !== undefined) writeFileSync(file, made);
    else expect(made).toBe(text);
  }, 60_000);
}

test('doctor: settings that differ, a master that is gone; secrets are not told', async () => {
  const [, second] = masters;
  await second?.end();
  await second?.start({ 'master.trash.interval': '1h', 'aws.secretKey': 'unspeakable' });
  const doctor = async () => {
    const { exitCode, output } = await run('ada', ['fsadmin', 'doctor']);
    return { exitCode, text: mask(output.map(({ text }) => text).join(''), places) };
  };
  await waitUntil('it is seen', async () => (await doctor()).text.includes('trash.interval'));
  const { exitCode, text } = await doctor();
  expect(exitCode).toBe(1);
  expect(text).toContain('problem (settings): understudy.aws.secretKey differs: ');
  expect(text).toMatch(
    /understudy\.master\.trash\.interval differs: (.*1h \(127\.0\.0\.1:PORT2\)|.*0.*\(127\.0\.0\.1:PORT1\)).*\n {2}to do: /,
  );
  expect(text).not.toContain('unspeakable');
  await second?.end();
  const gone = await doctor();
  expect(gone).toMatchObject({ exitCode: 1, text: expect.stringContaining('problem (masters): 127.0.0.1:PORT2 does not answer') });
}, 60_000);

test('transcripts: every command of fs and fsadmin is in one, with --json where it has that, and with an error', async () => {
  const tree = commandTree(await program(new CommandContext()));
  const all = names.map((name) => readFileSync(path.join(FOLDER, name), 'utf8')).join('\n');
  const commands = allNodes(tree).filter(({ words, commands: below }) => /^fs(admin)?$/.test(words[0] ?? '') && below.length === 0);
  expect(commands.length).toBeGreaterThan(30);
  const missing = commands.flatMap(({ words, options }) => {
    const called = new RegExp(`^[a-z]*\\$ ${words.join(' ')}( .*)?$`, 'm');
    const asJson = new RegExp(`^[a-z]*\\$ ${words.join(' ')} .*--json`, 'm');
    const failed = new RegExp(`^[a-z]*\\$ ${words.join(' ')}( .*)?\\n(?:(?![a-z]*\\$ ).*\\n)*?exit code [123]`, 'm');
    const hasJson = options.some(({ names: written }) => written.includes('--json'));
    return [
      ...(called.test(all) ? [] : [`${words.join(' ')}`]),
      ...(!hasJson || asJson.test(all) ? [] : [`${words.join(' ')} --json`]),
      ...(failed.test(all) ? [] : [`${words.join(' ')}: an error`]),
    ];
  });
  expect(missing).toEqual([]);
});
