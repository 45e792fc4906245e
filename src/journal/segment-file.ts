/**
 * Segment files: a header page, then batches, then (if the epoch went on in another segment) a trailer. Made at full size, sparse, so
 * that no reader depends on a file's size; what has not been written reads as zeros.
 */
import type { Clock } from '../base/clock.js';
import { isError, UnderstudyError } from '../base/errors.js';
import { errnoOf, isGone, type OpenFile, PAGE_BYTES, SHARED_FILE_BYTES_MIN } from '../base/files.js';
import { sleep } from '../base/wait.js';
import { BATCH_HEADER_BYTES, BATCH_MAGIC, type ParsedBatch, parseBatch, type StoredBatch } from './batch-format.js';
import { type DirectoryContext, formatPath, logFolder, segmentPath } from './directory-layout.js';
import { readFormat } from './format-file.js';
import { decodeSegmentHeader, encodeSegmentHeader, type SegmentHeader } from './page-format.js';

/** Where the first batch of a segment begins. */
export const SEGMENT_DATA_OFFSET = PAGE_BYTES;
/** A name that must exist may be missing from another machine's cache for a while. */
const OPEN_TRIES = 5;
const SCAN_BYTES = 1 << 20;
const ZEROS = Buffer.alloc(1 << 20);

/** A segment opened for reading. */
export interface OpenSegment {
  readonly file: OpenFile;
  readonly header: SegmentHeader;
}

export interface MadeSegment {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Refusals that leave nothing written: room, or descriptors, may come back. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']);

/**
 * Makes the segment, with `contents` behind its header; file and name are durable on return. An epoch's segments are its holder's alone, so
 * the name is free: one that is not would be of another journal, which has come to the path.
 *
 * @throws `unavailable` where there was no room, before anything was synced: what was made is removed, and it may be tried again.
 * @throws `outcome_unknown` where anything else failed: a failed sync is never asked again (I8).
 *
 * @param place with a size, made a multiple of a page, where it is not the usual one.
 * @param options.fillWhile zeros are written as long as it says so: an append need not allocate blocks then.
 */
export async function createSegment(
  context: DirectoryContext,
  place: { readonly epoch: number; readonly segment: number; readonly sizeBytes?: number },
  options: { readonly contents?: readonly Uint8Array[]; readonly fillWhile?: () => boolean } = {},
): Promise<MadeSegment> {
  const { folder, segmentBytes, batchBytesMax } = context.settings;
  const header = { sizeBytes: segmentBytes, ...place, incarnation: context.incarnation, batchBytesMax };
  const at = segmentPath(folder, header.epoch, header.segment);
  const sizeBytes = Math.ceil(header.sizeBytes / PAGE_BYTES) * PAGE_BYTES;
  let isSynced = false;
  let isMade = false;
  try {
    await using file = await context.deps.files.open(at, { write: true, create: 'exclusive' });
    isMade = true;
    await file.truncate(context.direct ? Math.max(sizeBytes, SHARED_FILE_BYTES_MIN) : sizeBytes);
    await file.writeAll(encodeSegmentHeader({ ...header, sizeBytes }), 0);
    let position = SEGMENT_DATA_OFFSET;
    for (const part of options.contents ?? []) {
      await file.writeAll(part, position);
      position += part.length;
    }
    while (options.fillWhile?.() === true && position < sizeBytes) {
      const zeros = ZEROS.subarray(0, Math.min(ZEROS.length, sizeBytes - position));
      await file.writeAll(zeros, position);
      isSynced = true;
      await file.dataSync(); // in small portions, for it shares the disk with appends
      position += zeros.length;
    }
    isSynced = true;
    await file.sync();
    await context.deps.files.syncFolder(logFolder(folder));
    return { path: at, sizeBytes };
  } catch (error) {
    if (!isSynced && NO_ROOM.has(errnoOf(error) ?? '')) {
      if (isMade) await context.deps.files.removeFile(at);
      throw error;
    }
    throw new UnderstudyError('outcome_unknown', `cannot make a segment: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

/**
 * Opens a segment that must exist: tries for a while where it seems not to.
 *
 * @throws `corrupt` where it is missing from a journal that is there, or is not what its name says; `unavailable`.
 */
export async function openSegment(context: DirectoryContext, epoch: number, segment: number): Promise<OpenSegment> {
  const at = segmentPath(context.settings.folder, epoch, segment);
  for (let tries = 1; ; tries++) {
    try {
      const file = await context.deps.files.open(at, { direct: context.direct });
      const header = await readHeader(context, file, epoch, segment);
      if (header !== undefined) return { file, header };
      await file.close();
      if (tries >= OPEN_TRIES) throw new UnderstudyError('corrupt', `the head of a segment is damaged: file=${at} offset=0 epoch=${epoch}`);
    } catch (error) {
      if (!isGone(error)) throw error;
      if (tries >= OPEN_TRIES) {
        if (errnoOf(error) !== 'ENOENT') throw error;
        await readFormat(context.deps.files, formatPath(context.settings.folder), context.direct);
        throw new UnderstudyError('corrupt', `a segment is missing: file=${at} epoch=${epoch}`, { cause: error });
      }
    }
    await pauseBetween(context.deps.clock, context.settings.pollIntervalMs);
  }
}

/** As `openSegment`, once. @returns undefined where it is missing, or its head is not (yet) what it should be. */
export async function tryOpenSegment(context: DirectoryContext, epoch: number, segment: number): Promise<OpenSegment | undefined> {
  try {
    const file = await context.deps.files.open(segmentPath(context.settings.folder, epoch, segment), { direct: context.direct });
    const header = await readHeader(context, file, epoch, segment);
    if (header !== undefined) return { file, header };
    await file.close();
    return undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

async function readHeader(context: DirectoryContext, file: OpenFile, epoch: number, segment: number): Promise<SegmentHeader | undefined> {
  const page = file.buffers.take(PAGE_BYTES);
  try {
    await file.readExactly(page, 0);
    const header = decodeSegmentHeader(page, `file=${file.path}`);
    if (header === undefined || header.epoch !== epoch || header.segment !== segment) return undefined;
    if (!context.incarnation.every((byte, i) => byte === header.incarnation[i])) {
      throw new UnderstudyError('corrupt', `a segment of another incarnation: file=${file.path} offset=0`);
    }
    return header;
  } catch (error) {
    await file.close();
    if (isError(error, 'unavailable') && errnoOf(error) === undefined) return undefined; // shorter than a page: being made
    throw error;
  } finally {
    file.buffers.give(page);
  }
}

/** @returns a copy of the bytes [offset, offset + bytes) of the segment, fewer at its end. */
async function readRange(segment: OpenSegment, offset: number, bytes: number): Promise<Buffer> {
  const from = Math.floor(offset / PAGE_BYTES) * PAGE_BYTES;
  const to = Math.min(Math.ceil((offset + bytes) / PAGE_BYTES) * PAGE_BYTES, segment.header.sizeBytes);
  if (to <= offset) return Buffer.alloc(0);
  const aligned = segment.file.buffers.take(2 ** Math.ceil(Math.log2(to - from)));
  try {
    await segment.file.readExactly(aligned.subarray(0, to - from), from);
    return Buffer.from(aligned.subarray(offset - from, Math.min(offset - from + bytes, to - from)));
  } finally {
    segment.file.buffers.give(aligned);
  }
}

/** @returns what stands at `offset`, freshly read. */
export async function readBatchAt(segment: OpenSegment, offset: number): Promise<ParsedBatch> {
  let bytes = BATCH_HEADER_BYTES;
  for (;;) {
    const range = await readRange(segment, offset, bytes);
    const parsed = parseBatch(range, 0, `file=${segment.file.path} offset=${offset}`);
    if (parsed.kind !== 'short') return parsed;
    if (range.length < bytes || offset + parsed.bytes > segment.header.sizeBytes)
      return { kind: 'bad', reason: 'past the end of the segment' };
    bytes = parsed.bytes;
  }
}

/**
 * @returns the first sound batch that begins in [from, to), wherever that is, and that `accepts` takes. It has to look closely: entries may
 *   hold anything, bytes that read as a batch included, of a later version too.
 */
export async function findBatch(
  segment: OpenSegment,
  [from, to]: readonly [number, number],
  accepts: (stored: StoredBatch) => boolean,
): Promise<{ offset: number; stored: StoredBatch } | undefined> {
  const { sizeBytes } = segment.header;
  const end = Math.min(to, sizeBytes);
  const overlap = BATCH_MAGIC.length - 1;
  const last = Math.min(Math.ceil((end + overlap) / PAGE_BYTES) * PAGE_BYTES, sizeBytes);
  const window = segment.file.buffers.take(SCAN_BYTES);
  try {
    for (let at = from; at < end; ) {
      const first = Math.floor(at / PAGE_BYTES) * PAGE_BYTES;
      const bytes = Math.min(SCAN_BYTES, last - first);
      await segment.file.readExactly(window.subarray(0, bytes), first);
      const range = window.subarray(at - first, Math.min(bytes, end + overlap - first));
      for (let hit = range.indexOf(BATCH_MAGIC); hit !== -1; hit = range.indexOf(BATCH_MAGIC, hit + 1)) {
        const stored = await knownBatchAt(segment, at + hit);
        if (stored !== undefined && accepts(stored)) return { offset: at + hit, stored };
      }
      if (first + bytes === last) break;
      at = first + bytes - overlap;
    }
  } finally {
    segment.file.buffers.give(window);
  }
  return undefined;
}

async function knownBatchAt(segment: OpenSegment, offset: number): Promise<StoredBatch | undefined> {
  try {
    const parsed = await readBatchAt(segment, offset);
    return parsed.kind === 'batch' ? parsed.stored : undefined;
  } catch (error) {
    if (isError(error, 'failed_precondition')) return undefined; // of a later version
    throw error;
  }
}

function pauseBetween(clock: Clock, pollIntervalMs: number): Promise<void> {
  return sleep(clock, pollIntervalMs * 2);
}
