/** Real processes over one folder: killed in the middle of appends and claims, or stopped and continued, nothing acknowledged is lost. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { endOf } from '../../src/journal/journal.js';
import { claim, readTo } from '../contract/journal-contract.js';
import { compileJournal } from './compiled-sources.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
const ROUNDS = 25;
let root: string;
let sources: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'understudy-crash-'));
  sources = path.join(root, 'sources');
  await compileJournal(sources);
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Child {
  readonly process: ChildProcess;
  readonly acknowledged: Map<number, string>;
  output: string;
  readonly ended: Promise<void>;
}

function start(folder: string, name: string, ...more: string[]): Child {
  const script = path.join(import.meta.dirname, 'crash-child.mjs');
  const child = spawn(process.execPath, [script, sources, folder, name, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  const started: Child = {
    process: child,
    acknowledged: new Map(),
    output: '',
    ended: new Promise((resolve) => {
      child.on('close', () => resolve());
    }),
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    started.output += text;
    const lines = started.output.split('\n');
    for (const line of lines.slice(0, -1)) {
      const [sn, hash] = line.split(' ');
      if (hash?.length === 64) started.acknowledged.set(Number(sn), hash);
    }
    started.output = lines.filter((line) => line.startsWith('dead')).join('\n') || (lines.at(-1) ?? '');
  });
  return started;
}

async function newFolder(name: string): Promise<string> {
  const folder = path.join(root, name);
  await formatDirectoryJournal({ folder }, deps);
  return folder;
}

async function checkNothingLost(folder: string, children: readonly Child[]): Promise<number> {
  await using journal = await DirectoryJournal.open({ folder, freeBytesReserve: 0 }, deps);
  const { delivered, writer } = await claim(journal);
  const hashes = new Map(delivered.map((batch) => [endOf(batch).sn as number, Buffer.from(batch.hash).toString('hex')]));
  let count = 0;
  for (const child of children) {
    for (const [sn, hash] of child.acknowledged) {
      expect(hashes.get(sn), `sn ${sn}`).toBe(hash);
      count += 1;
    }
  }
  expect(await readTo(journal, writer.end)).toHaveLength(delivered.length);
  return count;
}

test('crash: the leader killed again and again at any moment, nothing acknowledged is lost', async () => {
  const folder = await newFolder('killed');
  const children: Child[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const child = start(folder, `p${round}`);
    children.push(child);
    const wanted = (round * 7) % 60;
    await vi.waitFor(() => expect(child.acknowledged.size).toBeGreaterThan(wanted), { timeout: 20_000, interval: 1 });
    child.process.kill('SIGKILL');
    await child.ended;
  }
  expect(await checkNothingLost(folder, children)).toBeGreaterThan(ROUNDS * 20);
}, 120_000);

test('crash: two leaders started one over the other, some stopped and continued, the chain has all that was acknowledged', async () => {
  const folder = await newFolder('stopped');
  const children: Child[] = [];
  for (let round = 0; round < 8; round++) {
    const child = start(folder, `q${round}`);
    children.push(child);
    await vi.waitFor(() => expect(child.acknowledged.size).toBeGreaterThan(10), { timeout: 20_000, interval: 1 });
    if (round % 2 === 0) child.process.kill('SIGSTOP');
    children[round - 1]?.process.kill('SIGCONT');
  }
  for (const child of children) child.process.kill('SIGCONT');
  for (const child of children.slice(0, -1)) {
    await child.ended;
    expect(child.output).toBe('dead fenced');
  }
  const last = children.at(-1);
  last?.process.kill('SIGKILL');
  await last?.ended;
  expect(await checkNothingLost(folder, children)).toBeGreaterThan(80);
}, 120_000);

test('crash: the leader killed again and again while it retains and deletes, an empty master can always begin', async () => {
  const folder = await newFolder('collected');
  const children: Child[] = [];
  let boundarySn = 0;
  let files = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const child = start(folder, `r${round}`, 'retain');
    children.push(child);
    await vi.waitFor(() => expect(child.acknowledged.size).toBeGreaterThan((round * 11) % 90), { timeout: 20_000, interval: 1 });
    child.process.kill('SIGKILL');
    await child.ended;
    await using journal = await DirectoryJournal.open({ folder, freeBytesReserve: 0 }, deps);
    const { boundary, checkpoints } = await journal.checkpoints.published();
    for (const checkpoint of checkpoints) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of journal.checkpoints.read(checkpoint)) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString()).toBe(`state at ${checkpoint.sn} `.repeat(2000));
    }
    expect(boundary?.point.sn ?? 0).toBeGreaterThanOrEqual(boundarySn);
    boundarySn = boundary?.point.sn ?? 0;
    const { writer, delivered } = await claim(journal, boundary?.point);
    const hashes = new Map(delivered.map((batch) => [endOf(batch).sn as number, Buffer.from(batch.hash).toString('hex')]));
    for (const [sn, hash] of child.acknowledged) if (sn > boundarySn) expect(hashes.get(sn), `sn ${sn}`).toBe(hash);
    expect(await readTo(journal, writer.end, boundary?.point)).toHaveLength(delivered.length);
    files = (await readdir(path.join(folder, 'log'))).length + (await readdir(path.join(folder, 'checkpoint'))).length;
  }
  expect(boundarySn).toBeGreaterThan(ROUNDS * 20);
  expect(files).toBeLessThan(30);
}, 120_000);
