/**
 * How long a client may be silent while it writes. Once the setting was shortened, what it said before still counts, for as long as that was: by
 * then every client that keeps to what it was told has renewed, and was told the shorter time with that.
 */
import type { Clock } from '../base/clock.js';

export class LeaseTime {
  readonly #settings: { readonly leaseTimeoutMs: number };
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #isMs: number;
  /** The longest of those before; at `untilMs`, monotonic, none of them counts any longer. */
  #before = { ms: 0, untilMs: 0 };

  /** @param settings may change at any time; what it was is seen by `allowedMs`. */
  constructor(settings: { readonly leaseTimeoutMs: number }, clock: Pick<Clock, 'monotonicMs'>) {
    this.#settings = settings;
    this.#clock = clock;
    this.#isMs = settings.leaseTimeoutMs;
  }

  /** To be asked at least once between two changes of the setting. */
  allowedMs(): number {
    const nowMs = this.#clock.monotonicMs();
    const wasMs = this.#isMs;
    this.#isMs = this.#settings.leaseTimeoutMs;
    const { ms, untilMs } = nowMs < this.#before.untilMs ? this.#before : { ms: 0, untilMs: 0 };
    const isShorter = this.#isMs < wasMs;
    this.#before = isShorter ? { ms: Math.max(ms, wasMs), untilMs: Math.max(untilMs, nowMs + wasMs) } : { ms, untilMs };
    return Math.max(this.#isMs, this.#before.ms);
  }
}
