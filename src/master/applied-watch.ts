/**
 * Waits until this master has applied an entry: for readers that ask for at least that one.
 *
 * A reader keeps its place until the entry is applied, it gives up, or the longest wait is over, whichever comes first.
 */
import type { Clock } from '../base/clock.js';
import { type ErrorCode, UnderstudyError } from '../base/errors.js';

const WAITING_MAX = 10_000;
/** Nobody waits longer, whatever their deadline. */
const WAIT_MAX_MS = 60_000;

interface Waiting {
  readonly sn: number;
  readonly settle: (refused: UnderstudyError | null) => void;
}

export class AppliedWatch {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #sn = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Calls `release` once: when `sn` is applied, at once where it is, or with why it is waited for no longer: `waitMs` are over or too many
   * wait (`unavailable`: others may be asked), or `signal` was aborted. That is not asked for where there is nothing to wait for.
   */
  wait(
    sn: number,
    waiter: { readonly signal: AbortSignal; readonly waitMs?: number },
    release: (refused: UnderstudyError | null) => void,
  ): void {
    if (sn <= this.#sn) return release(null);
    // Another master may have it already.
    if (this.#waiting.size >= WAITING_MAX) return release(new UnderstudyError('unavailable', 'too many readers wait for this master'));
    const { signal } = waiter;
    const giveUp = () => waiting.settle(this.#late('deadline_exceeded', sn));
    const waitMs = Math.min(waiter.waitMs || WAIT_MAX_MS, WAIT_MAX_MS);
    const timer = this.#clock.setTimer(waitMs, () => waiting.settle(this.#late('unavailable', sn)));
    const waiting: Waiting = {
      sn,
      settle: (refused) => {
        this.#waiting.delete(waiting);
        timer.cancel();
        signal.removeEventListener('abort', giveUp);
        release(refused);
      },
    };
    this.#waiting.add(waiting);
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  }

  /** Resolves when `sn` is applied. @throws `deadline_exceeded`: not before `signal` was aborted. `unavailable`: not within the longest wait, or too many wait. */
  reached(sn: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.wait(sn, { signal }, (refused) => (refused === null ? resolve() : reject(refused)));
    });
  }

  advanced(sn: number): void {
    this.#sn = sn;
    for (const waiting of this.#waiting) if (waiting.sn <= sn) waiting.settle(null);
  }

  #late(code: ErrorCode, sn: number): UnderstudyError {
    return new UnderstudyError(code, `this master has not applied it in time: applied=${this.#sn} wanted=${sn}`);
  }
}
