/**
 * The newest committed batches in memory, ready to be sent: from here a leader feeds its standbys, so that one which is slightly behind
 * joins without a gap. Every replica keeps them, as whoever leads next has to feed the others at once.
 *
 * Invariants:
 * - The batches are contiguous on the journal's chain, numbered from 0 in the order in which they came.
 * - Each is copied once, whoever it is sent to. All together take `bytesMax`, or one batch where that is larger; the oldest go first.
 */
import assert from 'node:assert/strict';
import { understudy } from '#proto/understudy.js';
import { parseBatch } from '../journal/batch-format.js';
import type { Batch, ChainPoint } from '../journal/journal.js';

export interface RecentBatch {
  readonly end: ChainPoint;
  /** A `FollowJournalItem`, encoded. */
  readonly item: Uint8Array;
}

export class RecentBatches {
  readonly #bytesMax: number;
  /** Where the oldest one begins. */
  #start: ChainPoint;
  readonly #batches = new Map<number, RecentBatch>();
  #first = 0;
  #next = 0;
  #bytes = 0;
  readonly #watchers = new Set<() => void>();

  constructor(bytesMax: number, start: ChainPoint) {
    this.#bytesMax = bytesMax;
    this.#start = start;
  }

  /** Number of the oldest batch that is still here; of the next one where none is. */
  get first(): number {
    return this.#first;
  }

  /** Where the newest one ends. */
  get end(): ChainPoint {
    return this.#batches.get(this.#next - 1)?.end ?? this.#start;
  }

  /** Takes a committed batch, which follows the newest one. `sealed` is copied. */
  add(end: ChainPoint, sealed: Uint8Array, timeMs: number): void {
    assert(end.sn > this.end.sn, 'batches come in order');
    const item = understudy.FollowJournalItem.encode({ batch: sealed, committedSn: end.sn, timeMs }).finish();
    this.#batches.set(this.#next, { end, item });
    this.#next += 1;
    this.#bytes += item.length;
    while (this.#bytes > this.#bytesMax && this.#next - this.#first > 1) this.#forgetOldest();
    for (const watcher of this.#watchers) watcher();
  }

  /** @returns the number of the batch behind `point`, which may be still to come; null where that is not here, or `point` is on another chain. */
  behind(point: ChainPoint): number | null {
    const number = this.#endingBehind(point.sn);
    const before = this.#endBefore(number);
    return before.sn === point.sn && Buffer.compare(before.hash, point.hash) === 0 ? number : null;
  }

  /** @returns the place behind which the batch with the entry `sn` begins; null where that batch is not here. */
  before(sn: number): ChainPoint | null {
    const number = this.#endingBehind(sn - 1);
    return sn > this.#start.sn && this.#batches.has(number) ? this.#endBefore(number) : null;
  }

  /** @returns undefined where it is not here any more, or not yet. */
  get(number: number): RecentBatch | undefined {
    return this.#batches.get(number);
  }

  /** Calls `watcher` after each `add`, until what this returns is called. It only takes note. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** @returns the number of the first batch that ends behind `sn`; of the next one where none does. */
  #endingBehind(sn: number): number {
    let [low, high] = [this.#first, this.#next];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#batches.get(middle)?.end.sn ?? 0) > sn) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #endBefore(number: number): ChainPoint {
    return this.#batches.get(number - 1)?.end ?? this.#start;
  }

  #forgetOldest(): void {
    const oldest = this.#batches.get(this.#first);
    if (oldest === undefined) return;
    this.#batches.delete(this.#first);
    this.#first += 1;
    this.#bytes -= oldest.item.length;
    this.#start = oldest.end;
  }
}

/** @returns the batch that is kept so. */
export function parseRecentBatch({ item, end }: RecentBatch): Batch {
  const { batch: sealed } = understudy.FollowJournalItem.decode(item);
  const parsed = parseBatch(Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length), 0, `memory sn=${end.sn}`);
  assert(parsed.kind === 'batch', 'what is kept was sealed here, or came as one');
  return parsed.stored.batch;
}
