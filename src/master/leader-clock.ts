/**
 * The leader's time, which stands in its entries: it never goes back, not from one entry to the next nor from one leader to the next.
 *
 * It starts at the later of the last entry's time and the machine's clock, runs on monotonic time and is slewed towards the machine's
 * clock by up to a tenth, so that a clock that jumps while a leader serves moves nothing at once.
 */
import type { Clock } from '../base/clock.js';

const SLEW = 0.1;

export class LeaderClock {
  readonly #clock: Clock;
  #lastMs: number;
  #lastMonotonicMs: number;

  constructor(clock: Clock, lastEntryMs: number) {
    this.#clock = clock;
    this.#lastMs = Math.max(lastEntryMs, clock.wallMs());
    this.#lastMonotonicMs = clock.monotonicMs();
  }

  /** @returns by how many milliseconds the machine's clock is ahead of the leader's time: negative where it is behind. */
  skewMs(): number {
    return Math.round(this.#clock.wallMs() - this.nowMs());
  }

  /** @returns Unix milliseconds, whole, never less than before. */
  nowMs(): number {
    const monotonicMs = this.#clock.monotonicMs();
    const elapsedMs = monotonicMs - this.#lastMonotonicMs;
    const offMs = this.#clock.wallMs() - (this.#lastMs + elapsedMs);
    const slewMs = Math.max(-elapsedMs * SLEW, Math.min(elapsedMs * SLEW, offMs));
    this.#lastMonotonicMs = monotonicMs;
    this.#lastMs += elapsedMs + slewMs;
    return Math.floor(this.#lastMs);
  }
}
