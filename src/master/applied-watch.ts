/** Waits until this master has applied an entry: for readers that ask for at least that one. */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';

const WAITING_MAX = 10_000;
/** Nobody waits longer, whatever their deadline. */
const WAIT_MAX_MS = 60_000;

interface Waiting {
  readonly sn: number;
  readonly deadlineMs: number;
  readonly release: (refused: UnderstudyError | null) => void;
}

export class AppliedWatch {
  readonly #clock: Clock;
  #sn = 0;
  #waiting: Waiting[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `release` when `sn` is applied: at once where it is. Callers past their deadline (monotonic) are dropped as others come. */
  wait(sn: number, deadlineMs: number, release: (refused: UnderstudyError | null) => void): void {
    if (sn <= this.#sn) return release(null);
    const now = this.#clock.monotonicMs();
    const late = this.#waiting.filter((one) => one.deadlineMs <= now);
    this.#waiting = this.#waiting.filter((one) => one.deadlineMs > now);
    for (const one of late) one.release(new UnderstudyError('deadline_exceeded', `this master has not applied it in time: sn=${one.sn}`));
    if (this.#waiting.length >= WAITING_MAX)
      return release(new UnderstudyError('resource_exhausted', 'too many readers wait for this master'));
    this.#waiting.push({ sn, deadlineMs: Math.min(deadlineMs, now + WAIT_MAX_MS), release });
  }

  advanced(sn: number): void {
    this.#sn = sn;
    if (this.#waiting.length === 0) return;
    const ready = this.#waiting.filter((one) => one.sn <= sn);
    this.#waiting = this.#waiting.filter((one) => one.sn > sn);
    for (const { release } of ready) release(null);
  }
}
