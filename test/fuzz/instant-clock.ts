/** A clock on which every wait is over at once: what waits for damage to go away asks as often as it would, and no test is kept waiting. */
import type { Clock, Timer } from '../../src/base/clock.js';

export class InstantClock implements Clock {
  #nowMs = 1_000_000;

  wallMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    let isOver = false;
    setImmediate(() => {
      if (isOver) return;
      this.#nowMs += delayMs;
      callback();
    });
    return {
      cancel() {
        isOver = true;
      },
    };
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }
}
