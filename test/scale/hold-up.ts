/**
 * Measures how long this thread keeps everything else on it waiting: the longest that it ran from one look to the next, where the looks are as
 * close to each other as turns of its event loop are. It counts the thread's processor time, as Linux tells it: what other programs on the
 * machine take is not its own doing. Elsewhere the clock counts.
 */
import { readFileSync } from 'node:fs';

const LOOK_MS = 1;

export class HoldUp {
  #longestMs = 0;
  #lastMs = ranMs();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    const nowMs = ranMs();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  /** @returns the longest hold-up so far, milliseconds; begins anew. */
  take(): number {
    this.#look();
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Processor time of this thread. */
function ranMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return performance.now();
  }
}
