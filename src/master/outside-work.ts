/**
 * What a leader changes outside of the journal, in mounted storage. That storage knows no epochs: nothing fences a leader there. So
 * such work begins only right after the journal has confirmed the epoch, and is given up as soon as the epoch is held or ends.
 *
 * What is left is a request that was sent and takes effect late. Whoever leads next repeats it before it does anything that came later.
 */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import { sleep } from '../base/wait.js';

/** How long work that was given up may take to end: storage that hangs must not keep the lead from being handed over. */
const GIVE_UP_MAX_MS = 500;

export class OutsideWork {
  readonly #clock: Clock;
  readonly #running = new Map<AbortController, Promise<unknown>>();
  #refusing: UnderstudyError | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param work gives up when its signal is aborted. @throws why nothing may begin; what `work` throws. */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#refusing !== null) throw this.#refusing;
    const stop = new AbortController();
    const done = work(stop.signal);
    this.#running.set(stop, done);
    try {
      return await done;
    } finally {
      this.#running.delete(stop);
    }
  }

  /** Begins nothing until `resume`, and gives up what runs. Resolves when that has ended, or does not end. */
  async hold(): Promise<void> {
    const running = [...this.#running.values()];
    this.#refuse(new UnderstudyError('unavailable', 'the lead is being handed over'));
    const enough = new AbortController();
    await Promise.race([Promise.allSettled(running), sleep(this.#clock, GIVE_UP_MAX_MS, enough.signal).catch(() => {})]);
    enough.abort();
  }

  resume(): void {
    this.#refusing = null;
  }

  /** Begins nothing any longer, and gives up what runs. */
  close(why: UnderstudyError): void {
    this.#refuse(why);
  }

  #refuse(why: UnderstudyError): void {
    this.#refusing = why;
    for (const stop of this.#running.keys()) stop.abort(why);
  }
}
