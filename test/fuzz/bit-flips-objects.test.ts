/**
 * Every bit of a small journal on an object store flipped, one at a time: each object of the log, FORMAT, the boundary, a checkpoint's manifest and
 * part. The log's objects go through their decoder, which must refuse each, and bits by chance through a reader and a claimant of the whole journal;
 * all bits of the others go through what reads them (of a checkpoint, one of 32; all with LONG=1). Then a random bit of every 16th byte of a 1 MiB
 * journal, of which only the touched object is read again. What counts as harmless: bit-flips.ts.
 */
import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { decodeFormat } from '../../src/journal/format-file.js';
import { formatObjectJournal } from '../../src/journal/format-object-journal.js';
import { type Batch, endOf, GENESIS } from '../../src/journal/journal.js';
import { MemoryObjects } from '../../src/journal/memory-object-store.js';
import { parseObject } from '../../src/journal/object-format.js';
import { ObjectJournal } from '../../src/journal/object-journal.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import { CHECKPOINT, type Flipped, fill, judge, judgeCheckpoint, judgeClaim, readAll, type Sound, type Verdict } from './bit-flips.js';
import { InstantClock } from './instant-clock.js';

const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 32));
const SETTINGS = { pollIntervalMs: 1, batchBytesMax: 16 << 10, giveUpMs: 50 };
const SAMPLED_ONE_OF = process.env.LONG === undefined ? 2_000 : 1;
/** Its lines take less. */
const FORMAT_TEXT_BITS = 200 * 8;
const random = new SeededRandom(SEED, 'object flips');

console.log(`flipping bits with seed ${SEED}`);

const newObjects = () => new MemoryObjects({ clock: new InstantClock() });
const open = (objects: MemoryObjects) =>
  ObjectJournal.open(SETTINGS, { store: objects.open(), clock: new InstantClock(), random, log: silentLog });

/** @param checkpointAt after so many appends one is made, and the boundary. */
async function make(appends: number, bytes: number, checkpointAt = -1): Promise<{ objects: MemoryObjects; batches: readonly Batch[] }> {
  const objects = newObjects();
  await formatObjectJournal(SETTINGS, { store: objects.open(), clock: new InstantClock(), random, log: silentLog });
  await using journal = await open(objects);
  await fill(journal, random, { appends, bytes, checkpointAt });
  return { objects, batches: await readAll(journal, GENESIS) };
}

function copyOf({ objects }: MemoryObjects): MemoryObjects {
  const copy = newObjects();
  for (const [key, bytes] of objects) copy.objects.set(key, bytes);
  return copy;
}

function refuses(bytes: Buffer, key: string): boolean {
  try {
    parseObject(bytes, key);
    return false;
  } catch (error) {
    if (isError(error, 'corrupt') && error.message.includes(key)) return true;
    throw error;
  }
}

/** What fills FORMAT's page up is read by its decoder alone, and by the journal only now and then. */
function sameFormat(bytes: Buffer, sound: Buffer): Verdict {
  expect(decodeFormat(bytes, 'FORMAT')).toEqual(decodeFormat(sound, 'FORMAT'));
  return 'same';
}

test('a journal of objects, every bit: noticed or harmless', { timeout: 3_600_000 }, async () => {
  const { objects, batches } = await make(72, 300, 30);
  const flipped: Flipped = { open: () => open(objects), openCopy: () => open(copyOf(objects)) };
  const verdicts = new Map<string, Map<Verdict, number>>();
  let bits = 0;
  for (const [key, sound] of objects.objects) {
    const [, kind = key] = key.split('/');
    const what = key.endsWith('manifest') ? 'manifest' : kind;
    const counts = verdicts.get(what) ?? new Map<Verdict, number>();
    verdicts.set(what, counts);
    const slot = kind === 'log' ? Number(key.slice(-20)) : batches.length;
    const state: Sound = { batches, markedSn: endOf(batches.at(-1) as Batch).sn, names: new RegExp(`${key}|checkpoint/|boundary/`) };
    const bytes = Buffer.from(sound);
    objects.objects.set(key, bytes);
    for (let at = 0; at < bytes.length * 8; at++) {
      if (what === 'checkpoint' && SAMPLED_ONE_OF > 1 && !random.chance(1 / 32)) continue;
      bits += 1;
      const mask = 1 << (at % 8);
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ mask;
      try {
        if (kind === 'log') {
          expect(refuses(bytes, key), 'an object was read that nobody wrote').toBe(true);
          counts.set('refused', (counts.get('refused') ?? 0) + 1);
          if (!random.chance(1 / SAMPLED_ONE_OF)) continue;
          expect(await judge(flipped, state, slot - 1)).toBe('refused');
          expect(await judgeClaim(flipped, state)).toBe('refused');
        } else {
          const isFill = kind === 'FORMAT' && at >= FORMAT_TEXT_BITS && !random.chance(1 / 100);
          const verdict = isFill ? sameFormat(bytes, sound) : await judgeCheckpoint(flipped.open, state, CHECKPOINT);
          counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
        }
      } catch (cause) {
        throw new Error(`violation: seed=${SEED} object=${key} bit=${at}: ${(cause as Error).message}`, { cause });
      } finally {
        bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ mask;
      }
    }
  }
  for (const [kind, counts] of verdicts) console.log(`every bit of ${kind}: ${[...counts].map((count) => count.join(' ')).join(', ')}`);
  console.log(`bits: ${bits}`);
  expect(bits).toBeGreaterThan(32 * 1024 * 8);
  expect([...verdicts.keys()].sort()).toEqual(['FORMAT', 'boundary', 'checkpoint', 'log', 'manifest']);
});

test('a journal of objects of 1 MiB, a bit of every 16th byte: the touched object is refused', { timeout: 120_000 }, async () => {
  const { objects } = await make(260, 4_200);
  let flips = 0;
  let total = 0;
  for (const [key, sound] of objects.objects) {
    if (!key.includes('/log/')) continue;
    const bytes = Buffer.from(sound);
    total += bytes.length;
    for (let at = random.below(16); at < bytes.length; at += 16, flips++) {
      const mask = 1 << random.below(8);
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      if (!refuses(bytes, key)) throw new Error(`violation: seed=${SEED} object=${key} byte=${at}: an object was read that nobody wrote`);
      bytes[at] = (bytes[at] ?? 0) ^ mask;
    }
  }
  console.log(`1 MiB: bytes ${total}, flipped and refused ${flips}`);
  expect(total).toBeGreaterThan(1 << 20);
});
