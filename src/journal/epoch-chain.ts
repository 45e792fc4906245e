/**
 * Which epochs' logs make up the journal: the slots name, downwards, where each log builds on the one before.
 *
 * Rules (DESIGN.md has the reasons): an epoch is believed only on a mark made in that epoch, at or above its claim. Between two epochs
 * with such marks there may be any number that nobody follows; no slot on the chain names them.
 */
import { UnderstudyError } from '../base/errors.js';
import { sequence } from '../base/ids.js';
import { sleep } from '../base/wait.js';
import type { StoredBatch } from './batch-format.js';
import type { DirectoryContext } from './directory-layout.js';
import { type Batch, type ChainPoint, endOf } from './journal.js';
import type { EpochPages, Ledger } from './ledger.js';
import { LogCursor } from './log-cursor.js';
import type { Place, Slot } from './page-format.js';
import { findBatch, readBatchAt, SEGMENT_DATA_OFFSET, tryOpenSegment } from './segment-file.js';

const SLOT_TRIES = 5;

/** An epoch that is known to have committed its claim. */
export interface CommittedEpoch {
  readonly slot: Slot;
  /** At least so far, by its marks. */
  readonly committedSn: number;
  /** The place that its mark page names, if it has one. */
  readonly marked: Place | undefined;
}

/** A part of the chain: what stands in the segments of one epoch, from its base up to where the next part builds on it. */
export interface Leg {
  readonly slot: Slot;
  /** Undefined for the highest epoch: up to its mark. */
  readonly limit: Place | undefined;
}

/** @returns the sequence number of the one entry that claimed this epoch. */
function claimSn(slot: Slot): number {
  return slot.copiesEnd.point.sn + 1;
}

/** @returns whether the epoch itself wrote this batch, after its claim: only such a header says how far it committed. */
export function isOwn(stored: StoredBatch, slot: Slot): boolean {
  return stored.batch.epoch === slot.epoch && stored.batch.firstSn > claimSn(slot);
}

/** @returns the highest epoch above `floor` that is known to have committed its claim. */
export async function highestCommitted(context: DirectoryContext, ledger: Ledger, floor = 0): Promise<CommittedEpoch | undefined> {
  for (let epoch = await ledger.fenceBoundary(floor); epoch > floor; epoch--) {
    const pages = await ledger.read(epoch);
    const committedSn = await committedOf(context, ledger, pages);
    if (committedSn > 0) return { slot: await slotOf(context, ledger, epoch), committedSn, marked: pages.mark?.committed };
  }
  return undefined;
}

/** @returns how far marks of the epoch itself (its pages, or the header of its second own batch) say that it committed; 0: not at all. */
async function committedOf(context: DirectoryContext, ledger: Ledger, pages: EpochPages): Promise<number> {
  if (pages.mark !== undefined) {
    const slot = await slotOf(context, ledger, pages.epoch);
    return pages.mark.committed.point.sn >= claimSn(slot) ? pages.mark.committed.point.sn : 0;
  }
  if (pages.slot === undefined) return 0;
  const opened = await tryOpenSegment(context, pages.epoch, 0);
  if (opened === undefined) return 0;
  await opened.file.close();
  await using cursor = new LogCursor(context, pages.slot.copiesEnd);
  const claim = await cursor.next();
  const second = claim.kind === 'batch' ? await cursor.next() : claim;
  if (second.kind !== 'batch' || !isOwn(second.stored, pages.slot)) return 0;
  return second.stored.committedSn >= claimSn(pages.slot) ? second.stored.committedSn : 0;
}

/** @returns the slot of an epoch that must have one. @throws `corrupt` where it stays unreadable. */
export async function slotOf(context: DirectoryContext, ledger: Ledger, epoch: number): Promise<Slot> {
  for (let tries = 1; ; tries++) {
    const { slot } = await ledger.read(epoch);
    if (slot !== undefined) return slot;
    if (tries === SLOT_TRIES)
      throw new UnderstudyError('corrupt', `a slot is damaged: file=${ledger.file.path} offset=${ledger.offset(epoch)} epoch=${epoch}`);
    await sleep(context.deps.clock, context.settings.pollIntervalMs);
  }
}

/**
 * @returns the parts of the chain that end at `top`, lowest first, the first being the one that holds what follows `from`.
 */
export async function legsBehind(context: DirectoryContext, ledger: Ledger, top: Leg, from: ChainPoint): Promise<Leg[]> {
  const legs = [top];
  for (let lowest = top; lowest.slot.base.point.sn > from.sn; ) {
    lowest = { slot: await slotOf(context, ledger, lowest.slot.base.epoch), limit: lowest.slot.base };
    if (lowest.slot.base.epoch >= lowest.slot.epoch)
      throw new UnderstudyError('corrupt', `a slot builds on itself: file=${ledger.file.path} epoch=${lowest.slot.epoch}`);
    legs.unshift(lowest);
  }
  return legs;
}

/**
 * Finds the place behind the batch that ends at `from` in the log of an epoch. Who has applied `from` does not need what is before it, so
 * damage there is passed over: the hash proves where to go on.
 *
 * @returns a cursor there, or, where `from` is not known to be committed, at the end of the log if it ends before.
 * @throws `diverged` where another batch, or the middle of one, stands there.
 * @throws `corrupt` where it is damaged below `from`, and nothing sound proves where `from` is.
 */
export async function cursorBehind(context: DirectoryContext, log: CommittedEpoch, from: ChainPoint): Promise<LogCursor> {
  const { committedSn } = log;
  const cursor = new LogCursor(context, await startBelow(context, log, from.sn));
  try {
    while (cursor.place.point.sn < from.sn) {
      const step = await cursor.next();
      if (step.kind === 'batch') continue;
      if (from.sn > committedSn) return cursor;
      const behind = await placeBehind(context, cursor.place, from);
      if (behind === undefined)
        throw cursor.damage(`damaged below what is committed: ${step.reason}: from=${from.sn} committed=${committedSn}`);
      await cursor.moveTo(behind);
    }
    checkOnChain(cursor.place, from);
    return cursor;
  } catch (error) {
    await cursor.close();
    throw error;
  }
}

/** @returns the place of `from` in the log behind the damage at `damaged`, where a sound batch ends or begins at that very point. */
export async function placeBehind(context: DirectoryContext, damaged: Place, from: ChainPoint): Promise<Place | undefined> {
  const { epoch } = damaged;
  for (let segment = damaged.segment; ; segment++) {
    const opened = await tryOpenSegment(context, epoch, segment);
    if (opened === undefined) return undefined;
    try {
      const start = segment === damaged.segment ? damaged.offset + 1 : SEGMENT_DATA_OFFSET;
      const touches = ({ batch }: StoredBatch): boolean => isSame(endOf(batch), from) || isSame(startOf(batch), from);
      const found = await findBatch(opened, [start, opened.header.sizeBytes], touches);
      if (found === undefined) continue;
      const { batch, bytes } = found.stored;
      return { epoch, segment, offset: found.offset + (isSame(endOf(batch), from) ? bytes.length : 0), point: from };
    } finally {
      await opened.file.close();
    }
  }
}

function startOf(batch: Batch): ChainPoint {
  return { sn: sequence(batch.firstSn - 1), hash: batch.previousHash };
}

export function isSame(a: ChainPoint, b: ChainPoint): boolean {
  return a.sn === b.sn && Buffer.compare(a.hash, b.hash) === 0;
}

/** @throws `diverged` where `place` is not the point `from`. */
export function checkOnChain(place: { readonly epoch: number; readonly point: ChainPoint }, from: ChainPoint): void {
  if (isSame(place.point, from)) return;
  throw new UnderstudyError(
    'diverged',
    `the position is not on the journal's chain: sn=${from.sn} journal=${place.point.sn} epoch=${place.epoch}`,
  );
}

/**
 * Looks downwards from the mark: what is below `sn` may have been collected. Where there is no mark yet, nothing of the epoch has been.
 *
 * @returns where to read from, to come to `sn`: the mark or the start of a segment.
 */
async function startBelow(context: DirectoryContext, log: CommittedEpoch, sn: number): Promise<Place> {
  const { epoch, base } = log.slot;
  const start: Place = { epoch, segment: 0, offset: SEGMENT_DATA_OFFSET, point: base.point };
  const sound = log.marked === undefined ? undefined : await lastStartBelow(context, log.marked, sn);
  if (sound !== undefined || log.marked === undefined || (await hasSegment(context, epoch, 0))) return sound ?? start;
  for (let segment = 1; segment <= log.marked.segment; segment++) {
    // Its front is damaged, and what stands before it has been collected.
    if (await hasSegment(context, epoch, segment)) return { ...start, segment };
  }
  return start;
}

/** @returns `marked` where that is at or below `sn`, else the start of the last segment behind the first that begins there; undefined: none. */
export async function lastStartBelow(context: DirectoryContext, marked: Place, sn: number): Promise<Place | undefined> {
  if (marked.point.sn <= sn) return marked;
  for (let { segment } = marked; segment > 0; segment--) {
    const first = await firstPoint(context, marked.epoch, segment);
    if (first !== undefined && first.point.sn <= sn) return first;
  }
  return undefined;
}

async function hasSegment(context: DirectoryContext, epoch: number, segment: number): Promise<boolean> {
  const opened = await tryOpenSegment(context, epoch, segment);
  await opened?.file.close();
  return opened !== undefined;
}

async function firstPoint(context: DirectoryContext, epoch: number, segment: number): Promise<Place | undefined> {
  const opened = await tryOpenSegment(context, epoch, segment);
  if (opened === undefined) return undefined;
  try {
    const parsed = await readBatchAt(opened, SEGMENT_DATA_OFFSET);
    if (parsed.kind !== 'batch') return undefined;
    return { epoch, segment, offset: SEGMENT_DATA_OFFSET, point: startOf(parsed.stored.batch) };
  } finally {
    await opened.file.close();
  }
}
