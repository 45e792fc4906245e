/**
 * Time that goes on steadily: on monotonic time, from where it was begun, slewed towards the machine's clock by up to a tenth. A clock that jumps
 * while it runs moves nothing at once.
 *
 * A leader's time, which stands in its entries, is such: it begins with the claim, and never goes back, not from one entry to the next nor from one
 * leader to the next. A master keeps one for its claims, too, begun with the machine's clock when the master was started: the cluster's time is not
 * to leap with the clock of whoever claims next.
 */
import type { Clock } from '../base/clock.js';

const SLEW = 0.1;

export class SteadyClock {
  readonly #clock: Clock;
  #lastMs: number;
  #lastMonotonicMs: number;

  /** @param startMs Unix milliseconds, now. */
  constructor(clock: Clock, startMs: number) {
    this.#clock = clock;
    this.#lastMs = startMs;
    this.#lastMonotonicMs = clock.monotonicMs();
  }

  /** @returns by how many milliseconds the machine's clock is ahead of this time: negative where it is behind. */
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
