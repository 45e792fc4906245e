/** The compiled quickstart as a user runs it, on a folder of its own; and its comparison, which has to notice what it is there for. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compareFolder } from '../../src/cli/quickstart/compare.js';
import type { Place } from '../../src/cli/quickstart/folder-walk.js';
import { type FileStatus, fileStatus } from '../../src/client/file-status.js';
import { mustBeBuilt, ROOT } from '../servers/built.js';
import { tracked } from '../servers/processes.js';
import { waitUntil } from '../servers/wait-until.js';

const PROGRAM = path.join(ROOT, 'dist/cli/quickstart/main.js');
const FILES = 60;

let scratch: string;
/** What the quickstart loads. */
let from: string;
/** Where it keeps its data. */
let temporary: string;

beforeEach(async () => {
  mustBeBuilt();
  scratch = await mkdtemp(path.join(tmpdir(), 'quickstart-test-'));
  from = path.join(scratch, 'a folder');
  temporary = path.join(scratch, 'tmp');
  await mkdir(temporary);
});

afterEach(() => rm(scratch, { recursive: true, force: true }));

async function makeFolder(): Promise<void> {
  for (const name of ['empty', 'deep/deeper/deepest', 'naïve 名前']) await mkdir(path.join(from, name), { recursive: true });
  for (let index = 0; index < FILES; index += 1) {
    const file = path.join(from, index % 3 === 0 ? 'deep/deeper' : 'naïve 名前', `file ${index}`);
    await writeFile(file, 'x'.repeat(index));
    await chmod(file, index % 2 === 0 ? 0o4755 : 0o400);
    await utimes(file, 1_000_000_000 + index, 1_000_000_000.25 + index);
  }
  await symlink('nowhere at all', path.join(from, 'link'));
}

function start(...options: string[]): { child: ChildProcess; output: () => string } {
  const env = { ...process.env, TMPDIR: temporary, UNDERSTUDY_MASTER_RPC_PORT: '1', UNDERSTUDY_ZOOKEEPER_ENABLED: 'true' };
  const child = tracked(spawn(process.execPath, [PROGRAM, ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] }));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data) => {
      output += data;
    });
  return { child, output: () => output };
}

/** Checks that no process and no file of `temporary` is left. */
async function expectNothingLeft(): Promise<void> {
  expect(await readdir(temporary)).toEqual([]);
  expect(processesOf(temporary)).toEqual([]);
}

function processesOf(folder: string): string[] {
  const lines = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(folder));
}

describe('quickstart', { timeout: 60_000 }, () => {
  test('quickstart: a folder with the leader killed half-way, nothing is lost or duplicated and nothing is left behind', async () => {
    await makeFolder();
    const { child, output } = start('--once', '--json', '--from', from);
    const [code] = await once(child, 'close');
    const figures = JSON.parse(output().trimEnd().split('\n').at(-1) ?? '');
    expect(figures).toMatchObject({
      entries: FILES + 6,
      acknowledged: FILES + 6,
      directories: 5,
      files: FILES + 1,
      compared: FILES + 6,
      lost: 0,
      duplicated: 0,
      wrong: 0,
      changed: 0,
      skipped: 0,
      storedFiles: FILES,
      storedBytes: (FILES * (FILES - 1)) / 2,
      wrongContents: 0,
      changedContents: 0,
    });
    expect(figures.gapMs).toBeGreaterThan(0);
    expect(figures.createsPerSecond).toBeGreaterThan(0);
    expect(figures.nextLeader).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(figures.nextLeader).not.toBe(figures.killedLeader);
    expect(code).toBe(0);
    await expectNothingLeft();
  });

  test('quickstart: left up, its commands work when pasted, and Ctrl-C leaves nothing behind', async () => {
    await makeFolder();
    const { child, output } = start('--from', from);
    await waitUntil('the commands are told', () => output().includes('Ctrl-C'), 40_000);
    const commands = output()
      .split('\n')
      .filter((line) => /^ {4}(\S*understudy|'.*understudy'|kill) /.test(line));
    expect(commands).toHaveLength(3);
    const [listing, , leader] = commands.map((command) => execFileSync('bash', ['-c', command], { encoding: 'utf8' }));
    expect(listing).toContain('/a folder/link');
    expect(leader?.trim()).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(processesOf(temporary)).not.toEqual([]);
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([130, null]);
    await expectNothingLeft();
  });

  test('quickstart: told to stop while masters start, leaves nothing behind', async () => {
    await makeFolder();
    const { child } = start('--once', '--from', from);
    await waitUntil('a master starts', () => processesOf(temporary).some((line) => line.includes('understudy master')));
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([143, null]);
    await expectNothingLeft();
  });

  test('quickstart: nothing to load, says so', async () => {
    await mkdir(from);
    const { child, output } = start('--once', '--from', from);
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(output()).toContain('there is nothing below');
    await expectNothingLeft();
  });
});

describe('comparison', () => {
  const TIME_MS = 1_000_000_000_000;
  const later = Date.now() + 3_600_000;
  const place = (): Place => ({ folder: from, path: '/top' });

  async function makeTwoFiles(): Promise<void> {
    await mkdir(path.join(from, 'sub'), { recursive: true });
    await chmod(path.join(from, 'sub'), 0o750);
    for (const name of ['one', 'sub/two']) {
      await writeFile(path.join(from, name), 'abc');
      await chmod(path.join(from, name), 0o640);
      await utimes(path.join(from, name), TIME_MS / 1000, TIME_MS / 1000);
    }
  }

  function status(at: string, fields: Partial<FileStatus> = {}): FileStatus {
    return { ...fileStatus(at, { id: 1, mode: 0o640, length: 3, complete: true, modifiedMs: TIME_MS }), ...fields };
  }

  const one = () => status('/top/one');
  const sub = () => status('/top/sub', { directory: true, mode: 0o750, length: 0 });
  const two = () => status('/top/sub/two');

  /** Compares the folder with a namespace in which directories have these entries. */
  function compare(listings: Record<string, FileStatus[]>, sinceMs = later) {
    const listPages = async function* (directory: string) {
      yield { entries: listings[directory] ?? [], sn: 1 };
    };
    return compareFolder({ listPages }, place(), sinceMs);
  }

  beforeEach(makeTwoFiles);

  test('comparison: the same, finds nothing', async () => {
    expect(await compare({ '/top': [one(), sub()], '/top/sub': [two()] })).toEqual({
      compared: 3,
      lost: 0,
      extra: 0,
      wrong: 0,
      changed: 0,
      problems: [],
    });
  });

  test('comparison: a directory is missing, it and all below are lost', async () => {
    expect(await compare({ '/top': [one()] })).toMatchObject({ compared: 1, lost: 2, extra: 0, wrong: 0 });
  });

  test('comparison: an entry too many and one listed twice, are extra', async () => {
    const found = await compare({ '/top': [one(), one(), sub(), status('/top/zero')], '/top/sub': [two()] });
    expect(found).toMatchObject({ compared: 3, lost: 0, extra: 2, wrong: 0 });
  });

  test.each([
    ['kind', { directory: true }, 'a directory, and should be a file'],
    ['mode', { mode: 0o600 }, 'mode 600 instead of 640'],
    ['length', { length: 4 }, 'length 4 instead of 3'],
    ['time', { modifiedMs: TIME_MS + 1 }, `modified ${TIME_MS + 1} instead of ${TIME_MS}`],
    ['completeness', { complete: false }, 'not complete'],
  ])('comparison: another %s, is wrong', async (_, fields, problem) => {
    const found = await compare({ '/top': [{ ...one(), ...fields }, sub()], '/top/sub': [two()] });
    expect(found).toMatchObject({ compared: 3, lost: 0, extra: 0, wrong: 1, problems: [`/top/one: ${problem}`] });
  });

  test('comparison: the folder changed meanwhile, is told as that', async () => {
    const found = await compare({ '/top': [status('/top/one', { length: 4 }), status('/top/gone')] }, 0);
    expect(found).toMatchObject({ compared: 1, lost: 0, extra: 0, wrong: 0, changed: 4, problems: [] });
  });
});
