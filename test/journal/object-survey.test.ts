/** What a tool sees of a journal on an object store that is sound, damaged, or not there. */
import { beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { formatObjectJournal } from '../../src/journal/format-object-journal.js';
import { endOf } from '../../src/journal/journal.js';
import type { JournalDamage } from '../../src/journal/journal-survey.js';
import { MemoryObjects } from '../../src/journal/memory-object-store.js';
import { ObjectJournal } from '../../src/journal/object-journal.js';
import { slotKey } from '../../src/journal/object-layout.js';
import { ObjectSurvey } from '../../src/journal/object-survey.js';
import { bytesOf, chunksOf, claim, errorOf } from '../contract/journal-contract.js';

const settings = { batchBytesMax: 32 << 10, pollIntervalMs: 1, giveUpMs: 2_000 };
let objects: MemoryObjects;
const deps = () => ({ clock: systemClock, random: systemRandom, log: silentLog, store: objects.open() });
let key: (slot: number) => string;

/** Two epochs; slot n holds the entry n. */
beforeEach(async () => {
  objects = new MemoryObjects({ clock: systemClock });
  const format = await formatObjectJournal(settings, deps());
  key = (slot) => slotKey(format, slot);
  for (let epoch = 0; epoch < 2; epoch++) {
    await using journal = await ObjectJournal.open(settings, deps());
    const { writer } = await claim(journal);
    for (let i = 0; i < 20; i++) await writer.append([bytesOf(`entry ${i}`)], i);
  }
});

async function look(): Promise<{ sns: number[]; damage: Pick<JournalDamage, 'sn' | 'soundFrom'>[]; files: string[] }> {
  await using survey = await ObjectSurvey.open(settings, deps());
  const sns: number[] = [];
  const found: JournalDamage[] = [];
  for await (const step of survey.scan()) {
    if (step.kind === 'batch') sns.push(endOf(step.batch).sn);
    if (step.kind === 'damage') found.push(step.damage);
  }
  const damage = found.map(({ sn, soundFrom }) => ({ sn, ...(soundFrom === undefined ? {} : { soundFrom }) }));
  return { sns, damage, files: found.map(({ file }) => file) };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function flip(slot: number): Promise<void> {
  const store = objects.open();
  const bytes = (await store.get(key(slot)))!;
  bytes[bytes.length - 2]! ^= 1;
  await store.put(key(slot), bytes);
}

test('a sound journal: every batch once, and how far it goes', async () => {
  expect(await look()).toEqual({ sns: range(1, 42), damage: [], files: [] });
  await using survey = await ObjectSurvey.open(settings, deps());
  expect(await survey.summary()).toMatchObject({
    epoch: 2,
    committedSn: 42,
    end: { sn: 42 },
    boundary: null,
    log: { files: 42 },
    damage: [],
  });
});

test('no journal: refused', async () => {
  objects = new MemoryObjects({ clock: systemClock });
  expect(await errorOf(ObjectSurvey.open(settings, deps()))).toMatchObject({ code: 'failed_precondition' });
});

test('bits flipped in three objects, two of them neighbours: each gap told once, with its object', async () => {
  for (const slot of [5, 6, 30]) await flip(slot);
  const { sns, damage, files } = await look();
  expect(damage).toEqual([
    { sn: 5, soundFrom: 7 },
    { sn: 30, soundFrom: 31 },
  ]);
  expect(files.map((file) => file.slice(-key(5).length))).toEqual([key(5), key(30)]);
  expect(sns).toEqual([...range(1, 4), ...range(7, 29), ...range(31, 42)]);
});

test('objects that are gone, more than are fetched at once: told, and the log read on behind them', async () => {
  const store = objects.open();
  for (const slot of range(8, 25)) await store.delete(key(slot));
  const { sns, damage } = await look();
  expect(damage).toEqual([{ sn: 8, soundFrom: 26 }]);
  expect(sns).toEqual([...range(1, 7), ...range(26, 42)]);
});

test("an object in another's place: told", async () => {
  const store = objects.open();
  await store.put(key(10), (await store.get(key(11)))!);
  expect((await look()).damage).toEqual([{ sn: 10, soundFrom: 11 }]);
});

test('the last object damaged: told by the scan and by the summary', async () => {
  await flip(42);
  expect((await look()).damage).toEqual([{ sn: 42 }]);
  await using survey = await ObjectSurvey.open(settings, deps());
  expect(await survey.summary()).toMatchObject({ end: null, damage: [{ offset: 0 }] });
});

test('an object that is gone just where the end is looked for: told by the summary, not taken for the end', async () => {
  await objects.open().delete(key(31));
  await using survey = await ObjectSurvey.open(settings, deps());
  const { end, committedSn, damage } = await survey.summary();
  expect([end, committedSn]).toEqual([null, 30]);
  expect(damage).toMatchObject([{ sn: 31, file: expect.stringContaining(key(31)) }]);
});

test('collection overtakes the search for the end: the summary is of what is kept then', async () => {
  await using leading = await ObjectJournal.open(settings, deps());
  const { writer } = await claim(leading);
  const { bytes: _, ...checkpoint } = await leading.checkpoints.write(writer.end.sn, chunksOf([bytesOf('state')]));
  const boundary = { epoch: writer.epoch, point: { sn: writer.end.sn, hash: Uint8Array.from(writer.end.hash) } };
  await writer.append([bytesOf('retention')], 1);
  let isFirst = true;
  objects.intercept = async ({ operation, key: name }) => {
    if (!isFirst || operation !== 'get' || name !== key(3)) return undefined;
    isFirst = false;
    await writer.retain({ checkpoints: [checkpoint], boundary });
    return undefined;
  };
  await using survey = await ObjectSurvey.open(settings, deps());
  expect(await survey.summary()).toMatchObject({ committedSn: 44, end: { sn: 44 }, boundary: { sn: 43 }, damage: [] });
});
