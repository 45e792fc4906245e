/**
 * The clocks of a host, which outlive its processes: the wall clock jumps, and both may go a little fast or slow.
 */
import type { VirtualTime } from './virtual-time.js';

/** So fast a clock goes; 1 is right. */
export interface ClockRates {
  readonly wall: number;
  readonly monotonic: number;
}

export class HostClock {
  readonly #time: VirtualTime;
  #rates: ClockRates = { wall: 1, monotonic: 1 };
  /** What the clocks told when the rates were set. */
  #sinceMs = 0;
  #wallMs: number;
  #monotonicMs = 0;

  constructor(time: VirtualTime) {
    this.#time = time;
    this.#wallMs = time.wallMs() - time.monotonicMs();
  }

  wallMs(): number {
    return Math.floor(this.#wallMs + this.#elapsedMs() * this.#rates.wall);
  }

  monotonicMs(): number {
    return this.#monotonicMs + this.#elapsedMs() * this.#rates.monotonic;
  }

  /** @returns how long it takes until this host believes that `delayMs` have passed. */
  realDelayMs(delayMs: number): number {
    return delayMs / this.#rates.monotonic;
  }

  skewWall(byMs: number): void {
    this.#wallMs += byMs;
  }

  /** Both go right again, and the wall clock is set. */
  setRight(): void {
    this.drift({ wall: 1, monotonic: 1 });
    this.#wallMs = this.#time.wallMs();
  }

  /** Timers that run already end when they would have. */
  drift(rates: ClockRates): void {
    const [wallMs, monotonicMs] = [this.#wallMs + this.#elapsedMs() * this.#rates.wall, this.monotonicMs()];
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
    this.#sinceMs = this.#time.monotonicMs();
    this.#rates = rates;
  }

  #elapsedMs(): number {
    return this.#time.monotonicMs() - this.#sinceMs;
  }
}
