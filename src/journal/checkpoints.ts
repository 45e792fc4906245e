/**
 * The part of the journal seam that keeps checkpoints: the whole state as of one sequence number, beside the log, and what may be collected.
 *
 * What a checkpoint holds is opaque here, and checked by whoever reads it (src/metadata/checkpoint-format.ts). A stored checkpoint counts only
 * once an entry of the log names it (`published`); others are left-overs, collected when the boundary has passed them.
 */
import { UnderstudyError } from '../base/errors.js';
import type { Epoch, Sequence } from '../base/ids.js';

/** A checkpoint's name. */
export interface CheckpointRef {
  /** Last entry that it holds. */
  readonly sn: Sequence;
  /** 32 hexadecimal digits, random. */
  readonly id: string;
}

/** What is kept: as the newest committed retention entry says. */
export interface Retention {
  /** Published checkpoints, newest first; at most `CHECKPOINTS_KEPT_MAX`. */
  readonly checkpoints: readonly CheckpointRef[];
  /** Everything up to the end of this batch may be collected: the oldest kept checkpoint holds it. Null: nothing may. */
  readonly boundary: { readonly epoch: Epoch; readonly point: { readonly sn: Sequence; readonly hash: Uint8Array } } | null;
}

export const CHECKPOINTS_KEPT_MAX = 8;

/** Before the first retention is known. */
export const NOTHING_RETAINED: Retention = { checkpoints: [], boundary: null };

export interface Checkpoints {
  /**
   * @returns what the newest leader that could be found has made known: where an empty master begins. May be older than the log's newest
   *   retention entry, never newer.
   */
  published(signal?: AbortSignal): Promise<Retention>;
  /**
   * Stores a checkpoint under a new name. Complete and durable on return; nobody finds it before.
   *
   * @throws what `chunks` throws, and leaves nothing then. @throws `unavailable`: the storage failed or is full.
   */
  write(sn: Sequence, chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<CheckpointRef & { readonly bytes: number }>;
  /**
   * Yields the bytes as they were written, in chunks that are the receiver's.
   *
   * @throws `not_found`: it was collected, or was never finished: look at `published` again. @throws `corrupt`, `unavailable`.
   */
  read(checkpoint: CheckpointRef, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/**
 * @param endSn of the log.
 * @throws `invalid_argument` where the boundary is past what a listed checkpoint needs or the log has, or too many are listed.
 */
export function checkRetention(retention: Retention, endSn: number): void {
  const { checkpoints, boundary } = retention;
  const oldestSn = Math.min(endSn, ...checkpoints.map(({ sn }) => sn));
  const isFounded = boundary === null || checkpoints.length > 0;
  if (checkpoints.length <= CHECKPOINTS_KEPT_MAX && isFounded && boundarySn(retention) <= oldestSn) return;
  const what = `listed=${checkpoints.length} oldest=${oldestSn} boundary=${boundarySn(retention)}`;
  throw new UnderstudyError('invalid_argument', `no such retention can be kept: ${what}`);
}

/** @returns so far it lets everything be collected; 0: nothing. */
export function boundarySn({ boundary }: Retention): number {
  return boundary?.point.sn ?? 0;
}
