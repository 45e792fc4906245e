/**
 * The log of the head (the highest epoch that has a slot), to its last sound batch, whatever its marks say: what a claimant takes over.
 *
 * A tail is torn only where nothing sound that the epoch itself wrote follows it, and where it ends at or past everything known to be
 * committed; anything else is damage.
 */
import { UnderstudyError } from '../base/errors.js';
import type { StoredBatch } from './batch-format.js';
import type { DirectoryContext } from './directory-layout.js';
import { isOwn, placeBehind } from './epoch-chain.js';
import type { ChainPoint } from './journal.js';
import type { EpochPages, Ledger } from './ledger.js';
import { LogCursor } from './log-cursor.js';
import type { Mark, Place, Slot } from './page-format.js';
import { findBatch, type OpenSegment, openSegment, readBatchAt, SEGMENT_DATA_OFFSET, tryOpenSegment } from './segment-file.js';

export interface Head {
  readonly epoch: number;
  readonly slot: Slot;
  readonly mark: Mark | undefined;
}

export interface HeadLog {
  /** Up to here the epoch's own marks cover its log; where it has none, its own base. */
  readonly base: Place;
  /** All sound batches behind the base. */
  readonly suffix: readonly StoredBatch[];
  readonly end: Place;
  /** The base is what the reader had applied, behind damage: nothing that was read tells that the head's slot is durable. */
  readonly isPassed: boolean;
}

/**
 * @param committed a lower epoch that is known to have committed: it has a slot. 0: none.
 * @returns the highest epoch below `epoch` that has a slot.
 * @throws `corrupt` where an epoch wrote batches and its slot is unreadable.
 */
export async function findHead(context: DirectoryContext, ledger: Ledger, epoch: number, committed: number): Promise<Head | undefined> {
  for (let at = epoch - 1; at >= Math.max(committed, 1); at--) {
    const pages = await ledger.read(at);
    if (pages.slot !== undefined) return { epoch: at, slot: pages.slot, mark: pages.mark };
    await checkVoid(context, ledger, pages);
  }
  return undefined;
}

/** @param pages of an epoch without a slot. @throws `corrupt` where it wrote batches all the same. */
export async function checkVoid(context: DirectoryContext, ledger: Ledger, pages: EpochPages): Promise<void> {
  const segment = await tryOpenSegment(context, pages.epoch, 0);
  try {
    const own = segment === undefined ? undefined : await firstOwnBatch(segment);
    if (own === undefined && pages.mark === undefined) return;
    const sn = own?.batch.firstSn ?? pages.mark?.committed.point.sn;
    throw new UnderstudyError(
      'corrupt',
      `the slot of an epoch that wrote batches is damaged: file=${ledger.file.path} offset=${ledger.offset(pages.epoch)} epoch=${pages.epoch} sn=${sn}`,
    );
  } finally {
    await segment?.file.close();
  }
}

/** @returns the first batch that the segment's epoch itself wrote: it follows the copies, or, were that one damaged, the length of a batch behind. */
async function firstOwnBatch(segment: OpenSegment): Promise<StoredBatch | undefined> {
  const isOurs = ({ batch }: StoredBatch): boolean => batch.epoch === segment.header.epoch;
  let at = SEGMENT_DATA_OFFSET;
  for (;;) {
    const parsed = await readBatchAt(segment, at);
    if (parsed.kind !== 'batch') break;
    if (isOurs(parsed.stored)) return parsed.stored;
    at += parsed.stored.bytes.length;
  }
  return (await findBatch(segment, [at + 1, at + segment.header.batchBytesMax + 1], isOurs))?.stored;
}

/**
 * @param from what the reader has applied: damage before it is passed over, and what has been applied is known to be committed, so it becomes the base.
 * @throws `corrupt`; a stale read can look like it, so callers that may be reading one try again.
 */
export async function readHeadLog(context: DirectoryContext, head: Head, from: ChainPoint): Promise<HeadLog> {
  const { slot, mark } = head;
  const start: Place = { epoch: head.epoch, segment: 0, offset: SEGMENT_DATA_OFFSET, point: slot.base.point };
  const isMarked = mark !== undefined && mark.committed.point.sn > slot.copiesEnd.point.sn;
  let base = isMarked ? mark.committed : slot.base;
  let suffix: { stored: StoredBatch; end: Place }[] = [];
  let isPassed = false;
  await using cursor = new LogCursor(context, isMarked ? mark.committed : start);
  for (;;) {
    let step = await cursor.next();
    if (step.kind === 'end') {
      const behind = cursor.place.point.sn < from.sn ? await placeBehind(context, cursor.place, from) : undefined;
      if (behind !== undefined) {
        await cursor.moveTo(behind);
        [base, suffix, isPassed] = [behind, [], true];
        continue;
      }
      const later = await batchPast(context, slot, cursor.place);
      if (later === undefined) break;
      step = await cursor.next(); // a live writer may have gone on meanwhile
      if (step.kind === 'end') throw cursor.damage(`a damaged batch before sound ones: ${step.reason}: next=${later}`);
    }
    suffix.push({ stored: step.stored, end: cursor.place });
    if (!isOwn(step.stored, slot) || step.stored.committedSn <= base.point.sn) continue;
    const { committedSn } = step.stored;
    const covered = suffix.findLastIndex((one) => one.end.point.sn <= committedSn);
    base = suffix[covered]?.end ?? base;
    suffix = suffix.slice(covered + 1);
  }
  if (cursor.place.point.sn < slot.copiesEnd.point.sn) throw cursor.damage('copies end short of what the slot says');
  return { base, suffix: suffix.map((one) => one.stored), end: cursor.place, isPassed };
}

/** @returns where a batch stands that the epoch wrote behind `end`, if there is one. */
export async function batchPast(context: DirectoryContext, slot: Slot, end: Place): Promise<string | undefined> {
  const writerId = await writerIdOf(context, slot, end.segment);
  const isItsOwn = (stored: StoredBatch): boolean =>
    stored.batch.epoch === slot.epoch && (writerId === undefined || Buffer.compare(stored.writerId, writerId) === 0);
  const segment = await openSegment(context, end.epoch, end.segment);
  const successor = await tryOpenSegment(context, end.epoch, end.segment + 1);
  try {
    // Only one batch can be torn, so what follows it begins no further than its length.
    const later = await findBatch(segment, [end.offset + 1, end.offset + segment.header.batchBytesMax + 1], isItsOwn);
    if (later !== undefined) return `${segment.file.path}:${later.offset}`;
    const front = [SEGMENT_DATA_OFFSET, SEGMENT_DATA_OFFSET + 1] as const;
    const first = successor === undefined ? undefined : await findBatch(successor, front, isItsOwn);
    return first === undefined ? undefined : `${successor?.file.path}:${first.offset}`;
  } finally {
    await segment.file.close();
    await successor?.file.close();
  }
}

/**
 * @returns who wrote the epoch's batches, by its claim, or, where that has been collected, by the first batch of `segment`; undefined where
 *   neither can be read: the epoch alone has to tell then.
 */
async function writerIdOf(context: DirectoryContext, slot: Slot, segment: number): Promise<Uint8Array | undefined> {
  const places = [[0, slot.copiesEnd.offset] as const, ...(segment === 0 ? [] : [[segment, SEGMENT_DATA_OFFSET] as const])];
  for (const [index, offset] of places) {
    const opened = await tryOpenSegment(context, slot.epoch, index);
    if (opened === undefined) continue;
    try {
      const parsed = await readBatchAt(opened, offset);
      if (parsed.kind === 'batch') return parsed.stored.writerId;
    } finally {
      await opened.file.close();
    }
  }
  return undefined;
}
