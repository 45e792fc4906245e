/** What a standby knows of how far behind it is: when it last had all that it knew to be committed, and what it has heard of since. */
import type { Clock } from '../base/clock.js';

export class Currency {
  readonly #clock: Clock;
  readonly #startedMs: number;
  #caughtUpMs = Number.NEGATIVE_INFINITY;
  #heardSn = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  /** When the replica last had all that was known to be committed, monotonic; minus infinity where it never had. */
  get caughtUpMs(): number {
    return this.#caughtUpMs;
  }

  caughtUp(): void {
    this.#caughtUpMs = this.#clock.monotonicMs();
  }

  /** The leader says that it has committed this entry. */
  heard(committedSn: number): void {
    this.#heardSn = committedSn;
  }

  /** The replica begins anew, from less. */
  reset(): void {
    this.#caughtUpMs = Number.NEGATIVE_INFINITY;
  }

  /** @returns entries that it knows of and has not applied; milliseconds for which it has not known that there are no others. */
  behind(appliedSn: number): { readonly entries: number; readonly ms: number } {
    const sinceMs = this.#clock.monotonicMs() - Math.max(this.#caughtUpMs, this.#startedMs);
    return { entries: Math.max(0, this.#heardSn - appliedSn), ms: Math.round(sinceMs) };
  }
}
