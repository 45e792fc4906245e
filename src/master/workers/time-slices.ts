/** Lets long work in the background have the event loop for some milliseconds at a time. */
import type { Clock } from '../../base/clock.js';
import { sleep } from '../../base/wait.js';

const SLICE_MS = 4;
const REST_MS = 8;

export class TimeSlices {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #endMs = 0;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
  }

  /** Resolves when the work may go on. @throws as `signal`. */
  async next(): Promise<void> {
    if (this.#clock.monotonicMs() < this.#endMs) return;
    await sleep(this.#clock, REST_MS, this.#signal);
    this.#endMs = this.#clock.monotonicMs() + SLICE_MS;
  }
}
