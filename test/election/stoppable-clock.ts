import type { Clock, Timer } from '../../src/base/clock.js';
import { systemClock } from '../../src/base/system-clock.js';

/** The machine's time for one candidate of several in a process: stopped, none of its timers fires, as in a process under SIGSTOP. */
export class StoppableClock implements Clock {
  #stopped = false;
  readonly #held: (() => void)[] = [];

  wallMs(): number {
    return systemClock.wallMs();
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  setTimer(delayMs: number, fn: () => void): Timer {
    let cancelled = false;
    const fire = () => {
      if (cancelled) return;
      if (this.#stopped) this.#held.push(fire);
      else fn();
    };
    const timer = systemClock.setTimer(delayMs, fire);
    return {
      cancel() {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  defer(fn: () => void): void {
    systemClock.defer(fn);
  }

  stop(): void {
    this.#stopped = true;
  }

  resume(): void {
    this.#stopped = false;
    for (const fire of this.#held.splice(0)) fire();
  }
}
