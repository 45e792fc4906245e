/**
 * Waits until this master has applied an entry: for readers that ask for at least that one.
 *
 * A reader keeps its place until the entry is applied, it gives up, or the longest wait is over, whichever comes first.
 */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';

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

  /** Calls `release` once: when `sn` is applied, at once where it is, or with why it is waited for no longer. `signal` is not asked for where there is nothing to wait for. */
  wait(sn: number, waiter: { readonly signal: AbortSignal }, release: (refused: UnderstudyError | null) => void): void {
    if (sn <= this.#sn) return release(null);
    if (this.#waiting.size >= WAITING_MAX)
      return release(new UnderstudyError('resource_exhausted', 'too many readers wait for this master'));
    const { signal } = waiter;
    const giveUp = () => waiting.settle(this.#late(sn));
    const timer = this.#clock.setTimer(WAIT_MAX_MS, giveUp);
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

  /** Resolves when `sn` is applied. @throws `deadline_exceeded`: not before `signal` was aborted. `resource_exhausted`. */
  reached(sn: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.wait(sn, { signal }, (refused) => (refused === null ? resolve() : reject(refused)));
    });
  }

  advanced(sn: number): void {
    this.#sn = sn;
    for (const waiting of this.#waiting) if (waiting.sn <= sn) waiting.settle(null);
  }

  #late(sn: number): UnderstudyError {
    return new UnderstudyError('deadline_exceeded', `this master has not applied it in time: applied=${this.#sn} wanted=${sn}`);
  }
}
