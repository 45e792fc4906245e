/**
 * How long this master could have heard what was said to it: time goes on only while its event loop does. What a pause of the process, of the
 * machine or of the loop itself leaves unheard is not counted against those who spoke meanwhile.
 */
import type { Clock } from '../../base/clock.js';

/** How often it is looked at. */
export const HEARING_TICK_MS = 250;

export class HearingClock {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #lastMs: number;
  #ms = 0;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
    this.#lastMs = clock.monotonicMs();
  }

  /** As of the last tick. */
  get ms(): number {
    return this.#ms;
  }

  /** Every `HEARING_TICK_MS`: what is longer was a pause. */
  tick(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#ms += Math.min(nowMs - this.#lastMs, 2 * HEARING_TICK_MS);
    this.#lastMs = nowMs;
  }
}
