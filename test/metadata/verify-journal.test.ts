import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
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
import { MemoryStores } from '../../src/kv/memory-store.js';
import { encodeEntry } from '../../src/metadata/entries.js';
import { type JournalProblem, type Verdict, verifyJournal } from '../../src/metadata/verify-journal.js';
import { LedJournal } from './led-journal.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
let folder: string;
let settings: DirectoryJournalSettings;
let journal: DirectoryJournal;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'understudy-verify-'));
  settings = { folder, segmentBytes: 16 << 10, batchBytesMax: 4 << 10, pollIntervalMs: 1, freeBytesReserve: 0 };
  await formatDirectoryJournal(settings, deps);
  journal = await DirectoryJournal.open(settings, deps);
});
afterEach(async () => {
  await journal.close();
  await rm(folder, { recursive: true, force: true });
});

async function verify(): Promise<{ verdict: Verdict; problems: JournalProblem[] }> {
  await using survey = await DirectorySurvey.open(settings, deps);
  const problems: JournalProblem[] = [];
  const verdict = await verifyJournal({
    survey,
    checkpoints: journal.checkpoints,
    identity: journal,
    clock: systemClock,
    openStore: () => new MemoryStores().open(),
    problem: (problem) => problems.push(problem),
  });
  return { verdict, problems };
}

async function flip(name: string, offset: number): Promise<void> {
  const file = await open(path.join(folder, name), 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  await file.write(Buffer.from([byte[0]! ^ 4]), 0, 1, offset);
  await file.close();
}

/** A leader that makes checkpoints and tells digests, and has ended. @returns the checkpoints' sns. */
async function story(kept: number): Promise<number[]> {
  await using leader = await LedJournal.claim(journal);
  const sns = [];
  for (const name of ['/a', '/b', '/c']) {
    await leader.files(name, 20);
    await leader.tellDigest();
    sns.push((await leader.checkpoint(kept)).sn);
  }
  await leader.tellDigest();
  await leader.files('/d', 5);
  return sns;
}

/** Where the batch that begins at `sn` stands. */
async function find(sn: number): Promise<{ name: string; offset: number }> {
  for (const name of await readdir(path.join(folder, 'log'))) {
    const bytes = await readFile(path.join(folder, 'log', name));
    for (let at = bytes.indexOf('UJB\x01'); at !== -1; at = bytes.indexOf('UJB\x01', at + 1))
      if (bytes.readUInt32LE(at + 32) === sn) return { name: `log/${name}`, offset: at };
  }
  throw new Error(`no batch begins at ${sn}`);
}

test("a sound journal: every checkpoint equals the replay, every digest the leader's", async () => {
  await story(8);
  const { verdict, problems } = await verify();
  expect(problems).toEqual([]);
  expect(verdict).toMatchObject({ fromSn: 0, checkpoints: 3, digests: 3, endSn: verdict.committedSn, trustedSn: verdict.endSn });
  expect(verdict.entries).toBe(verdict.endSn);
});

test('a journal that was collected: checked from its oldest checkpoint on', async () => {
  const [, second] = await story(2);
  const { verdict, problems } = await verify();
  expect(problems).toEqual([]);
  expect(verdict).toMatchObject({ fromSn: second, checkpoints: 2, digests: 2 });
});

test('an empty journal: can be trusted', async () => {
  expect(await verify()).toMatchObject({ problems: [], verdict: { trustedSn: 0, endSn: 0 } });
});

test('a bit flipped in the log: trusted up to the entry before; replay begins again at the checkpoint behind it', async () => {
  const [first = 0, second = 0] = await story(8);
  const { name, offset } = await find(first + 5);
  await flip(name, offset + 130);
  const { verdict, problems } = await verify();
  expect(problems).toMatchObject([{ sn: first + 5, soundFrom: first + 6, offset }]);
  expect(problems[0]?.advice).toContain('masters begin behind them');
  expect(verdict).toMatchObject({ trustedSn: first + 4, checkpoints: 3 });
  expect(second).toBeGreaterThan(first);
});

test('a bit flipped behind the newest checkpoint: says who can go on', async () => {
  const third = (await story(8))[2]!;
  const { name, offset } = await find(third + 3);
  await flip(name, offset + 130);
  const { verdict, problems } = await verify();
  expect(problems).toHaveLength(1);
  expect(problems[0]?.advice).toContain(`masters that have applied sn=${third + 3} go on`);
  expect(verdict.trustedSn).toBe(third + 2);
});

test('a damaged checkpoint: told, and the log still trusted', async () => {
  const sns = await story(8);
  const names = await readdir(path.join(folder, 'checkpoint'));
  await flip(`checkpoint/${names.find((name) => name.startsWith(`${sns[1]}-`))}`, 4096 + 300);
  const { verdict, problems } = await verify();
  expect(problems).toHaveLength(1);
  expect(problems[0]?.what).toContain(`a checkpoint is bad: sn=${sns[1]}`);
  expect(problems[0]?.sn).toBeUndefined();
  expect(verdict).toMatchObject({ checkpoints: 2, trustedSn: verdict.endSn, digests: 3 });
});

test('a checkpoint that is missing: told', async () => {
  const sns = await story(8);
  const name = (await readdir(path.join(folder, 'checkpoint'))).find((one) => one.startsWith(`${sns[2]}-`));
  await rm(path.join(folder, 'checkpoint', name!));
  const { problems } = await verify();
  expect(problems).toHaveLength(1);
  expect(problems[0]?.what).toContain(`sn=${sns[2]}`);
});

test('a checkpoint of another state than the log makes: told, though it is sound by itself', async () => {
  {
    await using leader = await LedJournal.claim(journal);
    await leader.files('/a', 3);
    await leader.checkpoint(8, [Buffer.from('zz'), Buffer.from('a row that nothing made')]);
  }
  const { verdict, problems } = await verify();
  expect(problems).toHaveLength(1);
  expect(problems[0]?.what).toContain('it holds another state than a replay makes');
  expect(verdict.trustedSn).toBe(verdict.endSn);
});

test("a digest that is not the state's: trusted up to the digest before", async () => {
  let good = 0;
  {
    await using leader = await LedJournal.claim(journal);
    await leader.tellDigest();
    good = leader.sn;
    await leader.files('/a', 3);
    await leader.tellDigest();
    await leader.files('/b', 3);
    await leader.writer.append([encodeEntry({ timeMs: leader.timeMs, digest: { ofSn: leader.sn - 4, low: 1, high: 2 } })], leader.timeMs);
  }
  const { verdict, problems } = await verify();
  expect(problems).toHaveLength(1);
  expect(problems[0]?.what).toContain("the state differs from the leader's");
  expect(verdict.trustedSn).toBe(good);
});

test('entries that do not fit: trusted up to the last digest, at least', async () => {
  {
    await using leader = await LedJournal.claim(journal);
    await leader.files('/a', 3);
    await leader.writer.append([encodeEntry({ timeMs: leader.timeMs, remove: { parentId: 77, name: 'nobody' } })], leader.timeMs);
  }
  const { verdict, problems } = await verify();
  expect(problems[0]?.what).toContain('entry names what is not there');
  expect(verdict.problems).toBe(1);
});
