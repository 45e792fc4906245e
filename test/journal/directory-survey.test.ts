/** What a tool sees of a directory journal that is damaged, cut short, alive, or not there. */
import { mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import type { DirectoryJournalSettings } from '../../src/journal/directory-layout.js';
import { DirectorySurvey } from '../../src/journal/directory-survey.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { endOf, GENESIS } from '../../src/journal/journal.js';
import type { JournalSummary, SurveyStep } from '../../src/journal/journal-survey.js';
import { bytesOf, claim, errorOf } from '../contract/journal-contract.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
const PAGE = 4096;
let folder: string;
let settings: DirectoryJournalSettings;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'understudy-survey-'));
  settings = { folder, segmentBytes: 64 << 10, batchBytesMax: 8 << 10, pollIntervalMs: 1, freeBytesReserve: 0 };
  await formatDirectoryJournal(settings, deps);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An epoch of so many batches of one entry, left as a leader leaves it that closes. */
async function lead(batches: number, size = 1): Promise<void> {
  await using journal = await DirectoryJournal.open(settings, deps);
  const { writer } = await claim(journal);
  for (let i = 0; i < batches; i++) await writer.append([bytesOf(`e${writer.epoch} ${i}`.padEnd(size, '.'))], i);
}

interface Seen {
  readonly sns: number[];
  readonly damage: { sn: number; soundFrom: number | undefined; file: string; offset: number }[];
  readonly isTorn: boolean;
  readonly summary: JournalSummary;
}

async function look(): Promise<Seen> {
  await using survey = await DirectorySurvey.open(settings, deps);
  const steps: SurveyStep[] = [];
  for await (const step of survey.scan()) steps.push(step);
  const damage = steps.flatMap((step) => (step.kind === 'damage' ? [step.damage] : []));
  const last = steps.at(-1);
  return {
    sns: steps.flatMap((step) => (step.kind === 'batch' ? [endOf(step.batch).sn] : [])),
    damage: damage.map(({ sn, soundFrom, file, offset }) => ({ sn, soundFrom, file: path.basename(file), offset })),
    isTorn: last?.kind === 'end' && last.isTorn,
    summary: await survey.summary(),
  };
}

async function change(name: string, offset: number, bytes: Uint8Array | 'flip'): Promise<void> {
  const file = await open(path.join(folder, name), 'r+');
  try {
    const old = Buffer.alloc(1);
    await file.read(old, 0, 1, offset);
    const fresh = bytes === 'flip' ? Buffer.from([(old[0] ?? 0) ^ 1]) : bytes;
    await file.write(fresh, 0, fresh.length, offset);
  } finally {
    await file.close();
  }
}

/** Where each batch of a segment begins, the end of the last one included. */
async function offsets(name: string): Promise<number[]> {
  const bytes = await readFile(path.join(folder, name));
  const found = [PAGE];
  for (let at = PAGE; bytes.toString('latin1', at, at + 3) === 'UJB'; found.push(at))
    at += bytes.readUInt16LE(at + 6) + bytes.readUInt32LE(at + 12);
  return found;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('a sound journal: every batch of every epoch once, and how far it goes', async () => {
  await lead(3);
  await lead(40, 4000);
  await lead(0);
  const { sns, damage, isTorn, summary } = await look();
  expect(sns).toEqual(range(1, 46));
  expect(damage).toEqual([]);
  expect(isTorn).toBe(false);
  expect(summary).toMatchObject({
    backend: 'directory',
    location: folder,
    epoch: 3,
    committedSn: 46,
    claims: 3,
    boundary: null,
    damage: [],
  });
  expect(summary.end?.sn).toBe(46);
  expect(summary.log.files).toBe((await readdir(path.join(folder, 'log'))).length);
});

test('the ledger has lost all pages of the last epoch, whose batches stand: damage, as a claimant says, and not the end of the log', async () => {
  await lead(3);
  await lead(5);
  await change('LEDGER', 2 * 4 * PAGE, Buffer.alloc(3 * PAGE));
  await using journal = await DirectoryJournal.open(settings, deps);
  expect(await errorOf(claim(journal))).toMatchObject({ code: 'corrupt' });
  const { damage, summary } = await look();
  expect(damage).toMatchObject([{ file: 'LEDGER', offset: 2 * 4 * PAGE }]);
  expect(summary).toMatchObject({ end: null, damage: [{ offset: 2 * 4 * PAGE }] });
});

test('a claimant that died before it had a slot, and one that died before its claim: nothing is wrong', async () => {
  await lead(3);
  for (const at of ['copied', 'slotted'] as const) {
    const pause = (step: string) => (step === at ? Promise.reject(new Error('killed')) : undefined);
    await using journal = await DirectoryJournal.open(settings, { ...deps, pause });
    await errorOf(claim(journal));
  }
  const { sns, damage, summary } = await look();
  expect([sns, damage, summary.end?.sn, summary.damage]).toEqual([range(1, 4), [], 4, []]);
});

test('a journal that nobody has led: empty, and nothing wrong with it', async () => {
  const { sns, damage, summary } = await look();
  expect([sns, damage]).toEqual([[], []]);
  expect(summary).toMatchObject({ epoch: 0, committedSn: 0, claims: 0, end: GENESIS });
});

test('no journal: refused, by name', async () => {
  await rm(path.join(folder, 'FORMAT'));
  expect(await errorOf(DirectorySurvey.open(settings, deps))).toMatchObject({ code: 'failed_precondition' });
});

test('a bit flipped in a batch: told with its place, and the log goes on behind it', async () => {
  await lead(9);
  const [, , , at = 0] = await offsets('log/1-0.seg');
  await change('log/1-0.seg', at + 110, 'flip');
  const { sns, damage, summary } = await look();
  expect(damage).toEqual([{ sn: 4, soundFrom: 5, file: '1-0.seg', offset: at }]);
  expect(sns).toEqual([1, 2, 3, ...range(5, 10)]);
  expect(summary.committedSn).toBe(10);
});

test('bits flipped in two segments of one epoch, and in its head: each told, once', async () => {
  await lead(60, 4000);
  await lead(2);
  const first = await offsets('log/1-0.seg');
  const second = await offsets('log/1-1.seg');
  await change('log/1-0.seg', first[2]! + 8, 'flip');
  await change('log/1-1.seg', second[1]! + 200, 'flip');
  const { damage, sns } = await look();
  expect(damage.map(({ sn, soundFrom, file }) => ({ sn, soundFrom, file }))).toEqual([
    { sn: 3, soundFrom: 4, file: '1-0.seg' },
    { sn: first.length + 1, soundFrom: first.length + 2, file: '1-1.seg' },
  ]);
  expect(sns).toHaveLength(64 - 2);
});

test('the last batches of a lower epoch damaged: the log goes on in the epoch above', async () => {
  await lead(5);
  await lead(5);
  const at = await offsets('log/1-0.seg');
  for (const offset of at.slice(4, 6)) await change('log/1-0.seg', offset + 20, 'flip');
  const { damage, sns } = await look();
  expect(damage).toEqual([{ sn: 5, soundFrom: 7, file: '1-0.seg', offset: at[4] }]);
  expect(sns).toEqual([1, 2, 3, 4, ...range(7, 12)]);
});

test('a segment that is missing: told, and the next one read', async () => {
  await lead(60, 4000);
  const held = (await offsets('log/1-0.seg')).length + (await offsets('log/1-1.seg')).length - 2;
  await rename(path.join(folder, 'log/1-1.seg'), path.join(folder, 'lost'));
  const { damage, sns } = await look();
  expect(damage).toMatchObject([{ soundFrom: held + 1, file: '1-1.seg' }]);
  expect(sns.at(-1)).toBe(61);
});

test('a tail that no mark covers, torn: an end, no damage', async () => {
  await lead(5);
  const at = await offsets('log/1-0.seg');
  for (const mark of [5, 6]) await change('LEDGER', mark * PAGE, Buffer.alloc(PAGE));
  await change('log/1-0.seg', at[5]! + 60, Buffer.alloc(60, 7));
  const { damage, sns, isTorn, summary } = await look();
  expect({ damage, sns, isTorn }).toEqual({ damage: [], sns: range(1, 5), isTorn: true });
  expect(summary.end?.sn).toBe(5);
});

test('a tail that a mark covers, torn: damage', async () => {
  await lead(5);
  const at = await offsets('log/1-0.seg');
  await change('log/1-0.seg', at[5]! + 60, Buffer.alloc(60, 7));
  const { damage, sns, summary } = await look();
  expect(damage).toEqual([{ sn: 6, soundFrom: undefined, file: '1-0.seg', offset: at[5] }]);
  expect(sns).toEqual(range(1, 5));
  expect(summary).toMatchObject({ committedSn: 6, end: { sn: 6 } });
});

test('both marks, then the slot, of the highest epoch damaged: told, and what the other slots show is read', async () => {
  await lead(3);
  await lead(3);
  for (const mark of [9, 10]) await change('LEDGER', mark * PAGE + 20, 'flip');
  const marks = await look();
  expect(marks.damage).toMatchObject([{ sn: 0, file: 'LEDGER', offset: 9 * PAGE }]);
  expect(marks.sns).toEqual(range(1, 8));
  await change('LEDGER', 8 * PAGE + 20, 'flip');
  const slot = await look();
  expect(slot.damage[0]).toMatchObject({ sn: 0, file: 'LEDGER' });
  expect(slot.sns).toEqual(range(1, 4));
});

test('a live journal: looking changes nothing of it', async () => {
  await using journal = await DirectoryJournal.open(settings, deps);
  const { writer } = await claim(journal);
  let isDone = false;
  const writing = (async () => {
    for (let i = 0; !isDone; i++) await writer.append([bytesOf(`x${i}`.padEnd(3000, '.'))], i);
  })();
  for (let i = 0; i < 5; i++) {
    const { damage, sns } = await look();
    expect(damage).toEqual([]);
    expect(sns).toEqual(range(1, sns.length));
  }
  isDone = true;
  await writing;
  await writer.confirm();
  expect(await readdir(path.join(folder, 'claims'))).toEqual(['1']);
});

test('a batch that no mark covers damaged before sound ones: damage, no end', async () => {
  await lead(6);
  const at = await offsets('log/1-0.seg');
  for (const mark of [5, 6]) await change('LEDGER', mark * PAGE, Buffer.alloc(PAGE));
  await change('log/1-0.seg', at[4]! + 108, 'flip');
  const { damage, sns } = await look();
  expect(damage).toEqual([{ sn: 5, soundFrom: 6, file: '1-0.seg', offset: at[4] }]);
  expect(sns).toEqual([1, 2, 3, 4, 6, 7]);
});
