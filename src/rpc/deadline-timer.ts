/**
 * One timer for the deadlines of many calls: it is set for the earliest and then looks at all of them, so that a call which is answered in
 * time costs one comparison. It never fires early, and late by no more than `GRANULARITY_MS` and the clock's own delay.
 */
import type { Clock, Timer } from '../base/clock.js';

/** Two looks are at least this far apart. */
const GRANULARITY_MS = 5;
/** Timers of the platform overflow far beyond; looking once more is harmless. */
const DELAY_MS_MAX = 3_600_000;

export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #expire: (nowMs: number) => number;
  #timer: Timer | undefined;
  #earliestMs = Number.POSITIVE_INFINITY;

  /** `expire` ends what is due and returns the earliest deadline that is left; Infinity for none. */
  constructor(clock: Clock, expire: (nowMs: number) => number) {
    this.#clock = clock;
    this.#expire = expire;
  }

  include(deadlineMs: number): void {
    if (deadlineMs >= this.#earliestMs) return;
    this.#earliestMs = deadlineMs;
    this.#arm(0);
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#earliestMs = Number.NEGATIVE_INFINITY;
  }

  #arm(delayMsMin: number): void {
    this.#timer?.cancel();
    const delayMs = Math.max(Math.ceil(this.#earliestMs - this.#clock.monotonicMs()), delayMsMin);
    this.#timer = this.#clock.setTimer(Math.min(delayMs, DELAY_MS_MAX), () => this.#look());
  }

  #look(): void {
    this.#earliestMs = Number.POSITIVE_INFINITY;
    const left = this.#expire(this.#clock.monotonicMs());
    this.#earliestMs = Math.min(this.#earliestMs, left);
    if (Number.isFinite(this.#earliestMs)) this.#arm(GRANULARITY_MS);
  }
}
