/**
 * What a journal makes of flipped bits, one at a time: each has to be noticed, or to be harmless.
 *
 * - **refused**: whoever reads is told `corrupt`, with the file or object (of a checkpoint's parts on an object store also that there is none).
 * - **same**: all is read, byte for byte, from the journal's beginning or from the batch before the flipped one on: the bit says nothing (what fills a
 *   page up, a mark that is not the newest, bytes behind the last batch), or stands twice.
 * - **claimed**: a reader ends short of the end and waits, as it does where an epoch's newest mark is not there yet; a claimant, which reads the log
 *   itself, finds all of it.
 * - **lost tail**: a claimant finds less, and what is missing lies above every mark: a torn tail, which nobody can tell from a batch that was never
 *   acknowledged (I7).
 *
 * Anything else is a **violation**: another entry, a batch that is missing below a mark, an error that says nothing of the place.
 */
import { isError } from '../../src/base/errors.js';
import { sequence } from '../../src/base/ids.js';
import { type Batch, type ChainPoint, endOf, GENESIS, type Journal } from '../../src/journal/journal.js';
import { CheckpointReader } from '../../src/metadata/checkpoint-reader.js';
import type { SeededRandom } from '../simulation/seeded-random.js';
import { goldenFile } from './golden-bytes.js';

export const CHECKPOINT = goldenFile('checkpoint-1.ckpt');

export type Verdict = 'refused' | 'same' | 'claimed' | 'lost tail';

/** The journal as it was before. */
export interface Sound {
  readonly batches: readonly Batch[];
  /** Marks say that the log is committed up to here. */
  readonly markedSn: number;
  /** What refusals name: that of the flipped bit, or of what names it. */
  readonly names: RegExp;
}

export interface Flipped {
  /** The journal with the flipped bit; a claimant's is a copy. */
  open(): Promise<Journal>;
  openCopy(): Promise<Journal>;
}

/** What a leader does to a journal that is new. */
interface Filling {
  readonly appends: number;
  /** Of each entry, at most. */
  readonly bytes: number;
  /** After so many appends a checkpoint is made, and journaled; -1: none. */
  readonly checkpointAt: number;
}

/** Claims, and appends two entries a batch. @returns the last entry's number. */
export async function fill(journal: Journal, random: SeededRandom, { appends, bytes, checkpointAt }: Filling): Promise<number> {
  const writer = await journal.claim({
    from: GENESIS,
    entry: () => ({ bytes: Buffer.from('claim'), timeMs: 1 }),
    deliver: () => undefined,
  });
  for (let i = 0; i < appends; i++) {
    await writer.append([random.bytes(1 + random.below(bytes)), random.bytes(random.below(bytes))], i);
    if (i !== checkpointAt) continue;
    const ref = await journal.checkpoints.write(sequence(writer.end.sn), oneChunk());
    await writer.retain({ checkpoints: [{ sn: ref.sn, id: ref.id }], boundary: null });
  }
  return writer.end.sn;
}

async function* oneChunk(): AsyncGenerator<Uint8Array> {
  yield CHECKPOINT;
}

/** @param from the first of `sound.batches` that is read again. @throws on a violation. */
export async function judge(flipped: Flipped, sound: Sound, from: number): Promise<Verdict> {
  const expected = sound.batches.slice(from);
  const read = await refusable(sound, async () => {
    await using journal = await flipped.open();
    return await readAll(journal, pointBefore(sound, from));
  });
  if (read === 'refused') return 'refused';
  checkPrefix(read, expected);
  return read.length === expected.length ? 'same' : judgeClaim(flipped, sound);
}

/** What a claimant that has nothing makes of it. @throws on a violation. */
export async function judgeClaim(flipped: Flipped, sound: Sound): Promise<Verdict> {
  const claimed = await refusable(sound, async () => {
    await using journal = await flipped.openCopy();
    return await claimAll(journal);
  });
  if (claimed === 'refused') return 'refused';
  const found = claimed.slice(0, -1);
  checkPrefix(found, sound.batches);
  if (found.length === sound.batches.length) return 'claimed';
  const lost = sound.batches[found.length] as Batch;
  if (lost.firstSn <= sound.markedSn) throw new Error(`a committed batch is lost: sn=${lost.firstSn} marked=${sound.markedSn}`);
  return 'lost tail';
}

/** As `judge`, of a checkpoint. */
export async function judgeCheckpoint(open: () => Promise<Journal>, sound: Sound, contents: Buffer): Promise<Verdict> {
  const read = await refusable(sound, async () => {
    await using journal = await open();
    const [ref] = (await journal.checkpoints.published()).checkpoints;
    if (ref === undefined) throw new Error('the checkpoint is not told of any more');
    const chunks: Uint8Array[] = [];
    async function* noted() {
      for await (const chunk of journal.checkpoints.read(ref as NonNullable<typeof ref>)) {
        chunks.push(Uint8Array.from(chunk));
        yield chunk;
      }
    }
    await using reader = await CheckpointReader.open(noted());
    for await (const rows of reader.rows()) if (rows.length === 0) break;
    return Buffer.concat(chunks);
  });
  if (read === 'refused') return 'refused';
  if (!read.equals(contents)) throw new Error('a checkpoint was read that nobody wrote');
  return 'same';
}

async function refusable<T>(sound: Sound, action: () => Promise<T>): Promise<T | 'refused'> {
  try {
    return await action();
  } catch (error) {
    if (isError(error, 'corrupt') && (sound.names.test(error.message) || / offset=\d+/.test(error.message))) return 'refused';
    if (isError(error, 'not_found') && sound.names.test(error.message)) return 'refused';
    // A manifest has no checksum of its own: its version may read as a later one.
    if (isError(error, 'failed_precondition') && /manifest format=/.test(error.message)) return 'refused';
    throw error;
  }
}

function checkPrefix(read: readonly Batch[], expected: readonly Batch[]): void {
  if (read.length > expected.length) throw new Error(`more was read than was written: batches=${read.length} written=${expected.length}`);
  for (const [at, batch] of read.entries()) {
    const wanted = expected[at] as Batch;
    const isSame = Buffer.compare(batch.hash, wanted.hash) === 0 && Buffer.compare(batch.sealed, wanted.sealed) === 0;
    if (!isSame) throw new Error(`a batch was read that nobody wrote: first=${batch.firstSn} written=${wanted.firstSn}`);
  }
}

function pointBefore({ batches }: Sound, index: number): ChainPoint {
  const before = batches[index - 1];
  return before === undefined ? GENESIS : endOf(before);
}

/** @returns what a reader is given until it waits for more. */
export async function readAll(journal: Journal, from: ChainPoint): Promise<Batch[]> {
  const abort = new AbortController();
  const batches: Batch[] = [];
  for await (const batch of journal.read({ from, signal: abort.signal, onIdle: () => abort.abort() })) batches.push(batch);
  return batches;
}

async function claimAll(journal: Journal): Promise<Batch[]> {
  const delivered: Batch[] = [];
  const entry = () => ({ bytes: Buffer.from('claim'), timeMs: 9 });
  await journal.claim({ from: GENESIS, entry, deliver: (batch) => void delivered.push(batch) });
  return delivered;
}
