/** What a directory journal makes of bytes that are torn, flipped, missing, foreign or too new. */
import { copyFile, mkdtemp, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { sequence } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { SystemFile, systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { encodeBatch } from '../../src/journal/batch-format.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import type { DirectoryJournalSettings } from '../../src/journal/directory-layout.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { type ChainPoint, GENESIS, type JournalWriter } from '../../src/journal/journal.js';
import { decodeSegmentHeader, encodeSegmentHeader } from '../../src/journal/page-format.js';
import { bytesOf, claim, errorOf, readTo, textOf } from '../contract/journal-contract.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
const PAGE = 4096;
let folder: string;
let settings: DirectoryJournalSettings;
const journals: DirectoryJournal[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'understudy-damage-'));
  settings = { folder, segmentBytes: 64 << 10, batchBytesMax: 8 << 10, pollIntervalMs: 1, freeBytesReserve: 0 };
  await formatDirectoryJournal(settings, deps);
});
afterEach(async () => {
  for (const journal of journals.splice(0)) await journal.close();
  await rm(folder, { recursive: true, force: true });
});

async function openJournal(): Promise<DirectoryJournal> {
  const journal = await DirectoryJournal.open(settings, deps);
  journals.push(journal);
  return journal;
}

/** Epoch 1 with entries x0 … , then closed: as a leader leaves it. @returns the end of each batch, the claim's first. */
async function written(count: number, size = 1): Promise<ChainPoint[]> {
  const journal = await openJournal();
  const { writer } = await claim(journal);
  const ends = [writer.end];
  for (let i = 0; i < count; i++) ends.push(await writer.append([Buffer.from(`x${i}`.padEnd(size, '.'))], i));
  await journal.close();
  return ends;
}

const segment = (epoch: number, index = 0): string => path.join(folder, 'log', `${epoch}-${index}.seg`);
const ledger = (): string => path.join(folder, 'LEDGER');

async function patch(file: string, offset: number, change: (bytes: Buffer) => void, bytes = 1): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const buffer = Buffer.alloc(bytes);
    await handle.read(buffer, 0, bytes, offset);
    change(buffer);
    await handle.write(buffer, 0, bytes, offset);
  } finally {
    await handle.close();
  }
}
const flip = (bytes: Buffer): void => {
  bytes[0] = (bytes[0] ?? 0) ^ 0x40;
};
const blank = (bytes: Buffer): void => void bytes.fill(0);

/** Where each batch of a segment begins, the end of the last one included. */
async function offsets(file: string): Promise<number[]> {
  const bytes = await readFile(file);
  const found = [PAGE];
  for (let at = PAGE; bytes.toString('latin1', at, at + 3) === 'UJB'; found.push(at))
    at += bytes.readUInt16LE(at + 6) + bytes.readUInt32LE(at + 12);
  return found;
}

/** The checksum is of all bytes but its own. */
function seal(bytes: Buffer): void {
  bytes.writeUInt32LE(crc32(bytes.subarray(12), crc32(bytes.subarray(0, 8))), 8);
}

const marksOf = (epoch: number): [number, number] => [(epoch * 4 + 1) * PAGE, (epoch * 4 + 2) * PAGE];
async function loseMarks(epoch: number): Promise<void> {
  for (const at of marksOf(epoch)) await patch(ledger(), at, blank, PAGE);
}

for (const [name, change] of [
  ['flipped', flip],
  ['never written', blank],
] as const) {
  test(`tail: the last batch's bytes ${name} and no mark covers it, the log ends before it`, async () => {
    await written(5);
    await loseMarks(1);
    const at = (await offsets(segment(1)))[5]!;
    await patch(segment(1), at + 60, change, name === 'flipped' ? 1 : 80);
    const next = await claim(await openJournal());
    expect(textOf(next.delivered)).toEqual(['claim 1', 'x0', 'x1', 'x2', 'x3', 'claim 2']);
    expect(textOf(await readTo(await openJournal(), next.writer.end))).toEqual(textOf(next.delivered));
  });
}

test('tail: torn at every length, the log ends at the batch before', async () => {
  await written(3);
  await loseMarks(1);
  const before = await readFile(segment(1));
  const [from, to] = (await offsets(segment(1))).slice(3, 5) as [number, number];
  for (let kept = 0; kept < to - from; kept += 13) {
    const torn = Buffer.from(before);
    torn.fill(0, from + kept, to);
    await writeFile(segment(1), torn);
    const next = await claim(await openJournal());
    expect(textOf(next.delivered).filter((text) => text.startsWith('x'))).toEqual(['x0', 'x1']);
    await forget();
  }
});

test('damage: a flipped byte anywhere below a mark, stops readers and claimants with corrupt, and names file, offset and sn', async () => {
  const ends = await written(6);
  const at = await offsets(segment(1));
  for (const batch of [0, 2, 6]) {
    for (const inside of [0, 5, 9, 13, 17, 30, 45, 75, 105]) {
      const offset = at[batch]! + inside;
      await patch(segment(1), offset, flip);
      for (const error of [await errorOf(readTo(await openJournal(), ends[6]!)), await errorOf(claim(await openJournal()))]) {
        expect(isError(error, 'corrupt'), `${error.message} at ${batch}+${inside}`).toBe(true);
        expect(error.message).toContain(`file=${segment(1)} offset=${at[batch]} sn=${batch + 1}`);
      }
      await patch(segment(1), offset, flip);
    }
    await forget();
  }
});

/** Takes back the claims that found damage, as if nobody had tried. */
async function forget(): Promise<void> {
  for (let epoch = 2; epoch < 40; epoch++) {
    await rm(path.join(folder, 'claims', String(epoch)), { force: true });
    await rm(segment(epoch), { force: true });
    await patch(ledger(), epoch * 4 * PAGE, blank, 4 * PAGE);
  }
  await patch(ledger(), 7 * PAGE, blank, PAGE);
}

test('damage: a bad batch before sound ones and no mark, is damage and not a tear', async () => {
  await written(5);
  await loseMarks(1);
  const at = await offsets(segment(1));
  for (const change of [flip, blank]) {
    const whole = await readFile(segment(1));
    await patch(segment(1), at[4]!, change, change === flip ? 1 : at[5]! - at[4]!);
    const error = await errorOf(claim(await openJournal()));
    expect(isError(error, 'corrupt'), error.message).toBe(true);
    expect(error.message).toContain(`offset=${at[4]} sn=5`);
    await writeFile(segment(1), whole);
  }
});

test('damage: in a sealed segment, readers that are past it go on', async () => {
  const ends = await written(40, 4000);
  await patch(segment(1), PAGE + 200, flip);
  const error = await errorOf(readTo(await openJournal(), ends[40]!));
  expect(isError(error, 'corrupt')).toBe(true);
  expect(error.message).toContain(`file=${segment(1)} offset=`);
  expect(await readTo(await openJournal(), ends[40]!, ends[30]!)).toHaveLength(10);
  const next = await claim(await openJournal(), ends[40]!);
  expect(textOf(next.delivered)).toEqual(['claim 2']);
});

/** The file and the offset of a batch of epoch 1, the claim being 0. */
async function locate(batch: number): Promise<[string, number]> {
  let left = batch;
  for (let index = 0; ; index++) {
    const found = await offsets(segment(1, index));
    if (left < found.length - 1) return [segment(1, index), found[left]!];
    left -= found.length - 1;
  }
}

for (const [name, count, size, damaged] of [
  ['in its only segment', 9, 1, 3],
  ['in the claim', 9, 1, 0],
  ['in the last of many segments', 40, 4000, 37],
  ['in the first batch of a segment', 40, 4000, 15],
  ['in the batch before the last', 9, 1, 8],
] as const) {
  test(`damage: ${name}, whoever is past it reads on and claims, whoever is not says corrupt`, async () => {
    const ends = await written(count, size);
    const [file, at] = await locate(damaged);
    await patch(file, at + 50, flip);
    const last = ends[count]!;
    for (const from of [damaged, damaged + 1, count - 1, count]) {
      if (from > count) continue;
      expect(await readTo(await openJournal(), last, ends[from]!), `from ${from}`).toHaveLength(count - from);
    }
    const behind = damaged === 0 ? GENESIS : ends[damaged - 1]!;
    const error = await errorOf(readTo(await openJournal(), last, behind));
    expect(isError(error, 'corrupt'), error.message).toBe(true);
    expect(error.message).toContain(`file=${file} offset=${at} sn=${damaged + 1}`);
    expect(isError(await errorOf(claim(await openJournal(), behind)), 'corrupt')).toBe(true);
    const next = await claim(await openJournal(), ends[damaged]!);
    expect(next.delivered).toHaveLength(count - damaged + 1);
    expect(await readTo(await openJournal(), next.writer.end, ends[damaged]!)).toHaveLength(count - damaged + 1);
  });
}

test('damage: the last batch of all, whoever has it reads on', async () => {
  const ends = await written(4);
  await patch(segment(1), (await offsets(segment(1)))[4]! + 50, flip);
  expect(await readTo(await openJournal(), ends[4]!, ends[4]!)).toHaveLength(0);
  expect(isError(await errorOf(readTo(await openJournal(), ends[4]!, ends[3]!)), 'corrupt')).toBe(true);
  expect(textOf((await claim(await openJournal(), ends[4]!)).delivered)).toEqual(['claim 2']);
});

test('damage: above all marks, a claimant that has applied past it takes over, another says corrupt', async () => {
  const ends = await written(9);
  await loseMarks(1);
  await patch(segment(1), (await offsets(segment(1)))[3]! + 50, flip);
  for (const from of [GENESIS, ends[2]!]) {
    expect(isError(await errorOf(claim(await openJournal(), from)), 'corrupt')).toBe(true);
  }
  const next = await claim(await openJournal(), ends[6]!);
  expect(textOf(next.delivered)).toEqual(['x6', 'x7', 'x8', 'claim 4']);
  await next.writer.append([bytesOf('after')], 1);
  expect(textOf(await readTo(await openJournal(), next.writer.end, ends[5]!))).toEqual(['x5', 'x6', 'x7', 'x8', 'claim 4', 'after']);
});

test('damage: in copies below a slot that was never durable, whoever is past it goes on after a power cut too', async () => {
  const points: ChainPoint[] = [];
  for (const epoch of [1, 2, 3]) {
    const journal = await openJournal();
    points.push((await claim(journal, points.at(-1))).writer.end);
    await journal.close();
    await loseMarks(epoch);
  }
  const hangs = (at: string) => (at === 'slotted' ? Promise.reject(new Error('hangs')) : undefined);
  await errorOf(claim(await DirectoryJournal.open(settings, { ...deps, pause: hangs })));
  await patch(segment(4), PAGE + 50, flip);

  const slot = 4 * 4 * PAGE;
  let isDurable = false; // the slot's holder hung before its sync: the page is what others write and sync
  const { writeAll, dataSync } = SystemFile.prototype;
  const written = new Set<SystemFile>();
  vi.spyOn(SystemFile.prototype, 'writeAll').mockImplementation(function (this: SystemFile, buffer, position) {
    if (this.path === ledger() && position === slot) written.add(this);
    return writeAll.call(this, buffer, position);
  });
  vi.spyOn(SystemFile.prototype, 'dataSync').mockImplementation(async function (this: SystemFile) {
    await dataSync.call(this);
    isDurable ||= written.has(this);
  });
  const next = await claim(await openJournal(), points[1]);
  expect(textOf(next.delivered)).toEqual(['claim 3', 'claim 5']);
  vi.restoreAllMocks();
  if (!isDurable) await patch(ledger(), slot, blank, PAGE);

  expect(textOf(await readTo(await openJournal(), next.writer.end, points[0]))).toEqual(['claim 2', 'claim 3', 'claim 5']);
  expect(textOf((await claim(await openJournal(), points[0])).delivered)).toEqual(['claim 2', 'claim 3', 'claim 5', 'claim 6']);
});

test('damage: a wrong hash past it, says corrupt and not that the position has diverged', async () => {
  const ends = await written(9);
  await patch(segment(1), (await offsets(segment(1)))[3]! + 50, flip);
  const error = await errorOf(readTo(await openJournal(), ends[9]!, { sn: ends[6]!.sn, hash: new Uint8Array(32) }));
  expect(isError(error, 'corrupt'), error.message).toBe(true);
});

test('tail: torn in an entry that holds the bytes of a batch of its epoch, the log ends there all the same', async () => {
  const header = {
    epoch: 1,
    writerId: new Uint8Array(16),
    previous: { sn: sequence(50), hash: new Uint8Array(32) },
    committedSn: 1,
    timeMs: 1,
  };
  const forged = encodeBatch(Buffer.alloc(200), header, [bytesOf('forged')]).bytes;
  const later = Buffer.from(forged);
  later.writeUInt16LE(9, 4);
  seal(later);
  const journal = await openJournal();
  const { writer } = await claim(journal);
  await writer.append([Buffer.concat([bytesOf('name of an owner'), forged, later])], 1);
  await journal.close();
  await loseMarks(1);
  await patch(segment(1), (await offsets(segment(1)))[1]! + 110, flip);
  expect(textOf((await claim(await openJournal())).delivered)).toEqual(['claim 1', 'claim 2']);
});

test('slot: void, its segment is read no further than its copies and one batch', async () => {
  await written(2);
  await writeFile(path.join(folder, 'claims', '2'), '');
  await patch(ledger(), 7 * PAGE, (bytes) => void bytes.fill(1), PAGE);
  const bytes = await readFile(segment(1));
  const header = encodeSegmentHeader({ ...decodeSegmentHeader(bytes.subarray(0, PAGE))!, epoch: 2, sizeBytes: 64 << 20 });
  await writeFile(segment(2), Buffer.concat([header, bytes.subarray(PAGE)]));
  await truncate(segment(2), 64 << 20);
  const read = vi.spyOn(SystemFile.prototype, 'readSome');
  try {
    await claim(await openJournal());
    const ofVoid = read.mock.contexts.flatMap((file, i) =>
      (file as SystemFile).path === segment(2) ? [read.mock.calls[i]![0].length] : [],
    );
    expect(ofVoid.length).toBeGreaterThan(0);
    expect(ofVoid.reduce((a, b) => a + b)).toBeLessThan(256 << 10);
  } finally {
    read.mockRestore();
  }
});

test('damage: a flipped trailer hides the next segment, and is found by what stands there', async () => {
  const ends = await written(40, 4000);
  await loseMarks(1);
  const at = await offsets(segment(1));
  await patch(segment(1), at.at(-1)! + 20, flip);
  expect(isError(await errorOf(claim(await openJournal())), 'corrupt')).toBe(true);
  await patch(segment(1), at.at(-1)! + 20, flip);
  expect((await claim(await openJournal())).delivered).toHaveLength(42);
  expect(ends).toHaveLength(41);
});

test('damage: a missing segment, says corrupt and names it', async () => {
  const ends = await written(40, 4000);
  await rename(segment(1, 1), `${segment(1, 1)}.away`);
  const error = await errorOf(readTo(await openJournal(), ends[40]!));
  expect(isError(error, 'corrupt')).toBe(true);
  expect(error.message).toContain(segment(1, 1));
});

test('slot: torn and its epoch wrote nothing, is void', async () => {
  await written(2);
  await writeFile(path.join(folder, 'claims', '2'), '');
  await patch(ledger(), 7 * PAGE, (bytes) => void bytes.fill(1), PAGE);
  await patch(ledger(), 8 * PAGE + 100, (bytes) => void bytes.fill(7), 300);
  const next = await claim(await openJournal());
  expect(textOf(next.delivered)).toEqual(['claim 1', 'x0', 'x1', 'claim 3']);
});

test('slot: torn although its epoch wrote batches, says corrupt', async () => {
  const ends = await written(2);
  await patch(ledger(), 4 * PAGE + 100, flip);
  expect(isError(await errorOf(claim(await openJournal())), 'corrupt')).toBe(true);
  expect(isError(await errorOf(readTo(await openJournal(), ends[2]!)), 'corrupt')).toBe(true);
  await loseMarks(1);
  expect(isError(await errorOf(claim(await openJournal())), 'corrupt')).toBe(true);
});

test('claims: their names lost, no number is used twice', async () => {
  await written(2);
  await claim(await openJournal());
  for (const epoch of [1, 2]) await rm(path.join(folder, 'claims', String(epoch)));
  const next = await claim(await openJournal());
  expect(next.writer.epoch).toBe(3);
  expect(textOf(next.delivered)).toEqual(['claim 1', 'x0', 'x1', 'claim 2', 'claim 3']);
});

test('marks: one damaged, the other counts; both damaged, says corrupt', async () => {
  const journal = await openJournal();
  const { writer } = await claim(journal);
  await settled(writer, 4);
  const end = writer.end;
  await journal.close();
  const [first, second] = marksOf(1);
  await patch(ledger(), first + 50, flip);
  expect(textOf((await claim(await openJournal())).delivered)).toHaveLength(6);
  await patch(ledger(), second + 50, flip);
  const error = await errorOf(readTo(await openJournal(), end));
  expect(isError(error, 'corrupt'), error.message).toBe(true);
  expect(error.message).toContain(`file=${ledger()} offset=${marksOf(1)[0]}`);
});

test('marks: the newest one torn, what a leader had made known before is known still', async () => {
  const journal = await openJournal();
  const { writer } = await claim(journal);
  await settled(writer, 3);
  const checkpoint = await journal.checkpoints.write(writer.end.sn, (async function* () {})());
  const retention = { checkpoints: [{ sn: checkpoint.sn, id: checkpoint.id }], boundary: null };
  await writer.retain(retention);
  await settled(writer, 1);
  await journal.close();
  const counters: number[] = [];
  for (const at of marksOf(1)) await patch(ledger(), at, (page) => counters.push(page.readUInt32LE(24)), PAGE);
  const newest = marksOf(1)[counters.indexOf(Math.max(...counters))] ?? 0;
  await patch(ledger(), newest + 50, flip);
  expect(await (await openJournal()).checkpoints.published()).toEqual(retention);
});

/** Appends until both marks have been written. */
async function settled(writer: JournalWriter, appends: number): Promise<void> {
  for (let i = 0; i < appends; i++) {
    await writer.append([bytesOf(`x${i}`)], i);
    await vi.waitFor(async () => {
      const pages = await open(ledger(), 'r');
      const bytes = Buffer.alloc(2 * PAGE);
      await pages.read(bytes, 0, 2 * PAGE, marksOf(1)[0]);
      await pages.close();
      expect(Math.max(bytes.readUInt32LE(56), bytes.readUInt32LE(PAGE + 56))).toBe(writer.end.sn);
    });
  }
}

test('fence: a single byte of it is enough', async () => {
  const { writer } = await claim(await openJournal());
  await patch(ledger(), 7 * PAGE + 4095, flip);
  expect(isError(await errorOf(writer.confirm()), 'fenced')).toBe(true);
});

test('rotation: across many segments, claims and readers find everything', async () => {
  const ends = await written(60, 4000);
  expect(await offsets(segment(1, 3))).not.toHaveLength(1);
  const next = await claim(await openJournal(), ends[20]!);
  expect(next.delivered).toHaveLength(41);
  for (const from of [0, 1, 14, 15, 16, 33, 59]) {
    const journal = await openJournal();
    expect(await readTo(journal, next.writer.end, ends[from]!)).toHaveLength(61 - from);
  }
});

test('open: of what is no journal, another cluster, a damaged FORMAT or a later version, is refused', async () => {
  const refused = async (some: Partial<DirectoryJournalSettings>, code: 'failed_precondition' | 'corrupt', text: string): Promise<void> => {
    const error = await errorOf(DirectoryJournal.open({ ...settings, ...some }, deps));
    expect(isError(error, code), error.message).toBe(true);
    expect(error.message).toContain(text);
  };
  await refused({ folder: path.join(folder, 'log') }, 'failed_precondition', 'format it first');
  await refused({ clusterId: 'other' }, 'failed_precondition', 'another cluster');
  const file = path.join(folder, 'FORMAT');
  const text = (await readFile(file, 'utf8')).trimEnd();
  const rewrite = async (lines: string): Promise<void> => {
    const crc = crc32(lines).toString(16).padStart(8, '0');
    await writeFile(file, `${lines}crc=${crc}\n`.padEnd(PAGE, '\n'));
  };
  const lines = text.slice(0, text.lastIndexOf('crc='));
  await rewrite(`${lines}colour=green\n`);
  await (await openJournal()).close();
  await rewrite(lines.replace('version=1', 'version=2'));
  await refused({}, 'failed_precondition', 'needs version');
  await writeFile(file, text.replace('cluster=', 'cluster=x').padEnd(PAGE, '\n'));
  await refused({}, 'corrupt', 'FORMAT is damaged');
});

test('batch header: fields of a later version of the same format, are passed over', async () => {
  const ends = await written(1);
  const [claimAt, at, end] = (await offsets(segment(1))) as [number, number, number];
  const bytes = (await readFile(segment(1))).subarray(at, end);
  const longer = Buffer.concat([bytes.subarray(0, 104), Buffer.from('later!!!'), bytes.subarray(104)]);
  longer.writeUInt16LE(112, 6);
  seal(longer);
  await loseMarks(1);
  await patch(segment(1), at, (into) => void longer.copy(into), longer.length);
  expect(textOf((await claim(await openJournal(), ends[0]!)).delivered)).toEqual(['x0', 'claim 2']);
  expect(claimAt).toBe(PAGE);
});

test('batch: of a later format version, says what it needs', async () => {
  const ends = await written(1);
  const at = (await offsets(segment(1)))[1]!;
  const end = (await offsets(segment(1)))[2]!;
  await patch(
    segment(1),
    at,
    (bytes) => {
      bytes.writeUInt16LE(2, 4);
      seal(bytes);
    },
    end - at,
  );
  const error = await errorOf(readTo(await openJournal(), ends[1]!));
  expect(isError(error, 'failed_precondition')).toBe(true);
  expect(error.message).toContain('needs version');
});

test('writer: another journal at its path, dies', async () => {
  const { writer } = await claim(await openJournal());
  await copyFile(path.join(folder, 'FORMAT'), path.join(folder, 'FORMAT.new'));
  const format = (await readFile(path.join(folder, 'FORMAT'), 'utf8')).trimEnd();
  const lines = format.slice(0, format.lastIndexOf('crc=')).replace(/incarnation=.{4}/, 'incarnation=dead');
  const crc = crc32(lines).toString(16).padStart(8, '0');
  await writeFile(path.join(folder, 'FORMAT'), `${lines}crc=${crc}\n`.padEnd(PAGE, '\n'));
  await vi.waitFor(() => expect(isError(writer.dead.reason, 'unavailable')).toBe(true), { timeout: 4000 });
  expect(isError(await errorOf(writer.append([bytesOf('x')], 1)), 'unavailable')).toBe(true);
});

test('writer: free space below the reserve, refuses appends and lives on; a claim goes through', async () => {
  const full = await DirectoryJournal.open({ ...settings, freeBytesReserve: Number.MAX_SAFE_INTEGER }, deps);
  journals.push(full);
  const { writer } = await claim(full, GENESIS);
  expect(isError(await errorOf(writer.append([bytesOf('x')], 1)), 'unavailable')).toBe(true);
  await writer.confirm();
  expect(writer.dead.aborted).toBe(false);
  expect(writer.end.sn).toBe(sequence(1));
});
