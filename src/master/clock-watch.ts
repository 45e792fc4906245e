/**
 * Watches whether the machine's clock can be believed: an alarm, and a halt of everything that goes by age, while it cannot.
 *
 * A leader's time runs on monotonic time (leader-clock.ts), so a clock that jumps moves nothing at once; it only leaves the leader's time far
 * behind or ahead of itself, which is seen here. So is a clock that lies behind the last entry's time when its master begins to lead.
 */
import type { Log } from '../base/log.js';

export interface ClockWatchSettings {
  /** Milliseconds by which the machine's clock may differ from the leader's time. */
  readonly clockSkewMaxMs: number;
}

export class ClockWatch {
  readonly #settings: ClockWatchSettings;
  readonly #log: Log;
  #trouble = '';

  constructor(settings: ClockWatchSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
  }

  /** What is wrong, for people; empty when nothing is. */
  get trouble(): string {
    return this.#trouble;
  }

  /** @returns whether nothing may expire now. @param skewMs by how much the machine's clock is ahead of the leader's time. */
  isOff(skewMs: number): boolean {
    const { clockSkewMaxMs } = this.#settings;
    const was = this.#trouble;
    const isOff = Math.abs(skewMs) > clockSkewMaxMs;
    const direction = skewMs > 0 ? 'ahead of' : 'behind';
    const unit = Math.round(Math.abs(skewMs) / 1000);
    this.#trouble = isOff
      ? `this machine's clock is ${direction} the cluster's time, nothing expires until it is right: seconds=${unit}`
      : '';
    if (isOff && was === '')
      this.#log.error({ skewMs, clockSkewMaxMs }, "this machine's clock differs from the cluster's time; nothing expires");
    if (!isOff && was !== '') this.#log.info({ skewMs }, "this machine's clock agrees with the cluster's time again");
    return isOff;
  }
}
