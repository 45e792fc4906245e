/**
 * Every bit of a small directory journal flipped, one at a time: FORMAT, LEDGER (slot, marks, fence), both segments with their trailer, and a
 * checkpoint. What the journal reads of them, it reads through one decoder each: so every bit is tried on its decoder, which must refuse it or say
 * the same; and of each thing that a decoder says, bits at both ends and some by chance are taken through a reader and a claimant of the whole journal
 * (bit-flips.ts has what counts as harmless). Of a checkpoint, one bit of every fourth byte goes there. LONG=1 takes every bit through both.
 *
 * Then a random bit of every 16th byte of a 1 MiB journal, of which only the touched batch is read again.
 */
import { randomInt } from 'node:crypto';
import path from 'node:path';
import { expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { PAGE_BYTES } from '../../src/base/files.js';
import { silentLog } from '../../src/base/log.js';
import { parseBatch } from '../../src/journal/batch-format.js';
import { openDirectoryContext } from '../../src/journal/directory-context.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { decodeFormat } from '../../src/journal/format-file.js';
import { type Batch, endOf, GENESIS } from '../../src/journal/journal.js';
import { Ledger } from '../../src/journal/ledger.js';
import { LogCursor } from '../../src/journal/log-cursor.js';
import { decodeCheckpointHeader, decodeMark, decodeSegmentHeader, decodeSlot, type Place } from '../../src/journal/page-format.js';
import { isZero } from '../../src/journal/stored-bytes.js';
import { decodeTrailer } from '../../src/journal/trailer-format.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import { CHECKPOINT, type Flipped, fill, judge, judgeCheckpoint, judgeClaim, readAll, type Sound, type Verdict } from './bit-flips.js';
import { HeldFiles } from './held-files.js';
import { InstantClock } from './instant-clock.js';

const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 32));
const FOLDER = '/journal';
const IS_LONG = process.env.LONG !== undefined;
const SAMPLED_ONE_OF = 2_000;
const random = new SeededRandom(SEED, 'flips');

console.log(`flipping bits with seed ${SEED}`);

interface Made {
  readonly files: HeldFiles;
  readonly settings: { readonly folder: string; readonly segmentBytes: number; readonly batchBytesMax: number };
  readonly batches: readonly Batch[];
  /** Where each begins. */
  readonly places: readonly Place[];
  readonly markedSn: number;
}

const depsOf = (files: HeldFiles) => ({ files, clock: new InstantClock(), random, log: silentLog });

/** A journal of one epoch, as its leader left it: at rest, both marks written. */
async function make(
  appends: number,
  bytes: number,
  sizes: { segmentBytes: number; batchBytesMax: number },
  checkpointAt = -1,
): Promise<Made> {
  const files = new HeldFiles();
  const settings = { folder: FOLDER, freeBytesReserve: 0, pollIntervalMs: 1, markDelayMs: 1, ...sizes };
  const deps = depsOf(files);
  await formatDirectoryJournal(settings, deps);
  {
    await using journal = await DirectoryJournal.open(settings, deps);
    const endSn = await fill(journal, random, { appends, bytes, checkpointAt });
    const { context } = await openDirectoryContext(settings, deps);
    await using ledger = await Ledger.open(context);
    await expect.poll(async () => (await ledger.read(1)).mark?.committed.point.sn).toBe(endSn);
  }
  await using journal = await DirectoryJournal.open(settings, deps);
  const batches = await readAll(journal, GENESIS);
  return { files, settings, batches, places: await placesOf(settings, files), markedSn: endOf(batches.at(-1) as Batch).sn };
}

async function placesOf(settings: Made['settings'], files: HeldFiles): Promise<Place[]> {
  const { context } = await openDirectoryContext(settings, depsOf(files));
  await using ledger = await Ledger.open(context);
  const slot = await ledger.readSlot(1);
  if (slot === undefined) throw new Error('no slot');
  await using cursor = LogCursor.atStart(context, slot);
  const places: Place[] = [];
  for (let step = await cursor.next(); step.kind === 'batch'; step = await cursor.next()) places.push(step.at);
  return places;
}

const segmentOf = ({ epoch, segment }: Place): string => `${FOLDER}/log/${epoch}-${segment}.seg`;

/** @returns the batch that the byte belongs to; the last one for what belongs to none. */
function batchAt({ places }: Made, file: string, byte: number): number {
  const index = places.findLastIndex((place) => segmentOf(place) === file && place.offset <= byte);
  return index < 0 ? places.length - 1 : index;
}

/** A part of a file that one decoder reads: `decode` tells what that makes of it. */
interface Unit {
  readonly name: string;
  readonly file: string;
  readonly from: number;
  readonly bytes: Buffer;
  decode(bytes: Buffer): string;
}

const UNITS = [
  'FORMAT',
  'batch',
  'behind the last batch',
  'checkpoint head',
  'fence',
  'mark',
  'segment head',
  'slot',
  'trailer and behind',
];

/** @returns what a decoder says, as text; `refused: …` for nothing and for errors, which have to be ours. */
function told(decode: () => unknown): string {
  try {
    const value = decode();
    return value === undefined ? 'refused' : JSON.stringify(value);
  } catch (error) {
    if (isError(error, 'corrupt')) return 'refused: corrupt';
    throw error;
  }
}

function batchTold(bytes: Buffer): unknown {
  const parsed = parseBatch(bytes, 0, 'file=x');
  if (parsed.kind === 'batch') return parsed.stored.bytes.toString('hex');
  return undefined;
}

/** All of the journal, cut as its decoders read it. A batch is read with what follows it. */
function unitsOf({ files, places }: Made): Unit[] {
  // The fence is all zeros as long as the epoch lives.
  const fence = { file: `${FOLDER}/LEDGER`, offset: 7 * PAGE_BYTES, bytes: Buffer.alloc(PAGE_BYTES) };
  const pages = [...files.pages(), fence];
  const unit = (name: string, page: (typeof pages)[number], decode: (bytes: Buffer) => unknown): Unit => ({
    ...{ name, file: page.file, from: page.offset, bytes: page.bytes },
    decode: (bytes) => told(() => decode(bytes)),
  });
  const pagesOf = pages.flatMap((page): Unit[] => {
    const kind = path.relative(FOLDER, page.file).replace(/\/.*/, '');
    if (kind === 'FORMAT') return [unit('FORMAT', page, (bytes) => decodeFormat(bytes, 'f'))];
    if (kind === 'LEDGER') {
      const decoders = [decodeSlot, decodeMark, decodeMark, (bytes: Buffer) => (isZero(bytes) ? 'open' : 'fenced')] as const;
      const index = (page.offset / PAGE_BYTES) % 4;
      return [unit(['slot', 'mark', 'mark', 'fence'][index] ?? '', page, decoders[index] as (bytes: Buffer) => unknown)];
    }
    if (page.offset > 0) return [];
    return kind === 'log' ? [unit('segment head', page, decodeSegmentHeader)] : [unit('checkpoint head', page, decodeCheckpointHeader)];
  });
  return [...pagesOf, ...segmentUnits(pages, places)];
}

/** The batches of each segment, its trailer, and what is left of its last page. */
function segmentUnits(
  pages: readonly { readonly file: string; readonly offset: number; readonly bytes: Buffer }[],
  places: readonly Place[],
): Unit[] {
  return [...new Set(places.map(segmentOf))].flatMap((file) => {
    const data = Buffer.concat(pages.filter((page) => page.file === file && page.offset > 0).map(({ bytes }) => bytes));
    const own = places.filter((place) => segmentOf(place) === file).map(({ offset }) => offset);
    const units = own.map((from): Unit => {
      const bytes = data.subarray(from - PAGE_BYTES);
      const length = bytes.readUInt16LE(6) + bytes.readUInt32LE(12);
      return { name: 'batch', file, from, bytes: bytes.subarray(0, length), decode: (changed) => told(() => batchTold(changed)) };
    });
    const last = units.at(-1);
    const end = (last?.from ?? 0) + (last?.bytes.length ?? 0);
    const behind = data.subarray(end - PAGE_BYTES);
    const isTrailer = decodeTrailer(behind, 0) !== undefined;
    const rest = { name: isTrailer ? 'trailer and behind' : 'behind the last batch', file, from: end, bytes: behind };
    const decode = (changed: Buffer) => told(() => (isTrailer ? decodeTrailer(changed, 0) : (batchTold(changed) ?? 'no batch')));
    return [...units, { ...rest, decode }];
  });
}

const flip = (bytes: Buffer, byte: number, bit: number): void => {
  bytes[byte] = (bytes[byte] ?? 0) ^ (1 << bit);
};

/** @returns the bits of which the whole journal is asked: of each unit those at both ends of each thing that its decoder says, and some by chance. */
function decodeAll(unit: Unit, counts: Map<string, [refused: number, same: number]>): { byte: number; bit: number }[] {
  const before = unit.decode(unit.bytes);
  const bytes = Buffer.from(unit.bytes);
  const ends = new Map<string, { byte: number; bit: number }[]>();
  const chosen: { byte: number; bit: number }[] = [];
  const count = counts.get(unit.name) ?? [0, 0];
  counts.set(unit.name, count);
  for (let byte = 0; byte < bytes.length; byte++) {
    for (let bit = 0; bit < 8; bit++) {
      flip(bytes, byte, bit);
      const after = unit.decode(bytes);
      flip(bytes, byte, bit);
      const isFence = unit.name === 'fence' && after === '"fenced"';
      if (after !== before && !after.startsWith('refused') && !isFence) {
        throw new Error(`violation: ${unit.name} was read otherwise: seed=${SEED} file=${unit.file} byte=${unit.from + byte} bit=${bit}`);
      }
      count[after === before ? 1 : 0] += 1;
      const found = ends.get(after);
      if (found === undefined) ends.set(after, [{ byte, bit }]);
      else found[1] = { byte, bit };
      if (IS_LONG || random.chance(1 / SAMPLED_ONE_OF)) chosen.push({ byte, bit });
    }
  }
  return [...[...ends.values()].flat(), ...chosen];
}

test('a journal of some 32 KiB, every bit: noticed or harmless', { timeout: 3_600_000 }, async () => {
  const made = await make(26, 300, { segmentBytes: 8 << 10, batchBytesMax: 2 << 10 }, 7);
  const { files, settings, batches, markedSn } = made;
  const open = (from: HeldFiles) => DirectoryJournal.open(settings, depsOf(from));
  const flipped: Flipped = { open: () => open(files), openCopy: () => open(files.clone()) };
  const decoded = new Map<string, [refused: number, same: number]>();
  const verdicts = new Map<string, Map<Verdict, number>>();
  const tell = (name: string, verdict: Verdict) => {
    const counts = verdicts.get(name) ?? new Map<Verdict, number>();
    verdicts.set(name, counts.set(verdict, (counts.get(verdict) ?? 0) + 1));
  };
  for (const unit of unitsOf(made)) {
    const sound: Sound = { batches, markedSn, names: new RegExp(unit.file.replace(/[^/\w]/g, '\\$&')) };
    for (const { byte, bit } of decodeAll(unit, decoded)) {
      await files.flipped(unit.file, unit.from + byte, bit, async () => {
        const isCheckpoint = unit.name === 'checkpoint head';
        const verdict = isCheckpoint
          ? judgeCheckpoint(flipped.open, sound, CHECKPOINT)
          : judge(flipped, sound, batchAt(made, unit.file, unit.from + byte));
        tell(unit.name, await verdict.catch(violation(unit.file, unit.from + byte, bit)));
        if (!isCheckpoint)
          tell(`${unit.name}, claimed`, await judgeClaim(flipped, sound).catch(violation(unit.file, unit.from + byte, bit)));
      });
    }
  }
  const checkpointFile = [...files.pages()].find(({ file }) => file.includes('/checkpoint/'))?.file ?? '';
  for (let byte = 0; byte < CHECKPOINT.length; byte += IS_LONG ? 1 : 4) {
    const chosen = random.below(8);
    for (let bit = 0; bit < 8; bit++) {
      if (!IS_LONG && bit !== chosen) continue;
      const sound: Sound = { batches, markedSn, names: /checkpoint/ };
      const run = () => judgeCheckpoint(flipped.open, sound, CHECKPOINT);
      const verdict = await files.flipped(checkpointFile, PAGE_BYTES + byte, bit, run).catch(violation(checkpointFile, byte, bit));
      expect(verdict, 'a checkpoint has no bit that says nothing').toBe('refused');
    }
  }
  let bits = 0;
  for (const [name, [refused, same]] of decoded) {
    bits += refused + same;
    console.log(`every bit of ${name}: refused or fenced ${refused}, same ${same}`);
  }
  for (const [name, counts] of verdicts)
    console.log(`through the whole journal, ${name}: ${[...counts].map((count) => count.join(' ')).join(', ')}`);
  console.log(`bits: ${bits}`);
  expect(bits).toBeGreaterThan(32 * 1024 * 8);
  expect([...decoded.keys()].sort()).toEqual(UNITS);
});

const violation = (file: string, byte: number, bit: number) => (cause: Error) => {
  throw new Error(`violation: seed=${SEED} file=${file} byte=${byte} bit=${bit}: ${cause.message}`, { cause });
};

test('a journal of 1 MiB, a bit of every 16th byte: the touched batch is refused, or is the same', { timeout: 120_000 }, async () => {
  const made = await make(290, 4_000, { segmentBytes: 256 << 10, batchBytesMax: 16 << 10 });
  let bytes = 0;
  let refused = 0;
  for (const unit of segmentUnits([...made.files.pages()], made.places)) {
    if (unit.name !== 'batch') continue;
    const before = unit.decode(unit.bytes);
    bytes += unit.bytes.length;
    const changed = Buffer.from(unit.bytes);
    for (let byte = random.below(16); byte < changed.length; byte += 16) {
      const bit = random.below(8);
      flip(changed, byte, bit);
      const after = unit.decode(changed);
      flip(changed, byte, bit);
      if (after !== before && !after.startsWith('refused'))
        violation(unit.file, unit.from + byte, bit)(new Error('another batch was read'));
      expect(after === before, 'a batch has no bit that says nothing').toBe(false);
      refused += 1;
    }
  }
  console.log(`1 MiB: bytes ${bytes}, flipped ${refused}, refused ${refused}`);
  expect(bytes).toBeGreaterThan(1 << 20);
});
