/**
 * How the journal grew, as this replica saw it: so that somebody who has come to an entry can be told how many bytes and how much time lie
 * behind that.
 *
 * Invariants:
 * - One point for each batch, added in a few nanoseconds; `POINTS_MAX` of them. When they are full, every second one of the older half goes: the
 *   newest are exact, and the older ones the coarser the older they are.
 * - Bytes behind what lies between two points are told as of the earlier one, never less than there are; time as of the later one.
 */
import type { Clock } from '../base/clock.js';

const POINTS_MAX = 4_096;

export interface Distance {
  readonly bytes: number;
  /** It is farther: where this trail begins lies behind that place. */
  readonly isAtLeast: boolean;
  /** Since the first entry behind that place was committed; 0 where there is none. */
  readonly ms: number;
}

export class CommitTrail {
  readonly #clock: Clock;
  /** The ends of batches. */
  readonly #sn = new Float64Array(POINTS_MAX);
  /** Of the journal, from where this trail begins up to there. */
  readonly #bytes = new Float64Array(POINTS_MAX);
  /** Monotonic, when they came. */
  readonly #ms = new Float64Array(POINTS_MAX);
  #length = 1;

  /** @param sn where it begins. */
  constructor(clock: Clock, sn: number) {
    this.#clock = clock;
    this.#sn[0] = sn;
    this.#ms[0] = clock.monotonicMs();
  }

  /** A batch was committed that ends at `sn`. */
  add(sn: number, bytes: number): void {
    if (this.#length === POINTS_MAX) this.#thinOut();
    const at = this.#length;
    this.#sn[at] = sn;
    this.#bytes[at] = this.#at(this.#bytes, at - 1) + bytes;
    this.#ms[at] = this.#clock.monotonicMs();
    this.#length += 1;
  }

  /** @returns what lies between the entry `sn` and the end. */
  behind(sn: number): Distance {
    const at = this.#through(sn);
    const next = Math.max(0, at) + 1;
    if (next >= this.#length) return { bytes: 0, isAtLeast: at < 0, ms: at < 0 ? this.#since(0) : 0 };
    const bytes = this.#at(this.#bytes, this.#length - 1) - this.#at(this.#bytes, next - 1);
    return { bytes, isAtLeast: at < 0, ms: this.#since(at < 0 ? 0 : next) };
  }

  #since(at: number): number {
    return Math.max(0, Math.round(this.#clock.monotonicMs() - this.#at(this.#ms, at)));
  }

  /** @returns the last point at or before `sn`; -1 where there is none. */
  #through(sn: number): number {
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#at(this.#sn, middle) <= sn) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #at(points: Float64Array, at: number): number {
    return points[at] ?? 0;
  }

  #thinOut(): void {
    const half = POINTS_MAX / 2;
    for (const points of [this.#sn, this.#bytes, this.#ms]) {
      for (let at = 0; at < half / 2; at++) points[at] = points[2 * at] ?? 0;
      points.copyWithin(half / 2, half);
    }
    this.#length = half / 2 + half;
  }
}
