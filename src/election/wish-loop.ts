/**
 * Keeps something outside in agreement with what is wanted: runs one step after another, never two at once, after each change of either
 * side and now and then, and tells callers when what they asked for has been done. A wish outlives failures: the step is tried again, with pauses.
 */
import type { Clock } from '../base/clock.js';
import { asError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Random } from '../base/random.js';
import { type Deferred, deferred } from '../base/wait.js';

const RETRY_FIRST_MS = 20;
const RETRY_MAX_MS = 2_000;

export interface WishLoopDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export class WishLoop {
  readonly #step: () => Promise<'done' | 'not now'>;
  readonly #everyMs: number;
  readonly #deps: WishLoopDeps;
  readonly #loop: Promise<void>;
  readonly #waiters = new Set<{ readonly wish: number; readonly done: Deferred<void> }>();
  #wish = 0;
  #wake: Deferred<void> = deferred();
  #closed = false;

  /** @param step makes the outside agree with all that is wanted when it begins; it is run at least every `everyMs`. */
  constructor(step: () => Promise<'done' | 'not now'>, everyMs: number, deps: WishLoopDeps) {
    this.#step = step;
    this.#everyMs = everyMs;
    this.#deps = deps;
    this.#loop = this.#run();
  }

  /** Runs the step soon. */
  look(): void {
    this.#wake.resolve();
  }

  /** Resolves once a step that began after this call is done. @throws `unavailable` after `limitMs`, with the message; it stays wanted. */
  async fulfilled(limitMs: number, message: () => string): Promise<void> {
    if (this.#closed) throw new UnderstudyError('cancelled', 'election closed');
    this.#wish += 1;
    const waiter = { wish: this.#wish, done: deferred<void>() };
    this.#waiters.add(waiter);
    const timer = this.#deps.clock.setTimer(limitMs, () => waiter.done.reject(new UnderstudyError('unavailable', message())));
    this.look();
    try {
      await waiter.done.promise;
    } finally {
      timer.cancel();
      this.#waiters.delete(waiter);
    }
  }

  /** Ends after the step under way. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.look();
    for (const { done } of this.#waiters) done.reject(new UnderstudyError('cancelled', 'election closed'));
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#deps;
    let retryMs = RETRY_FIRST_MS;
    let known = '';
    // The owner is still being made.
    await Promise.resolve();
    while (!this.#closed) {
      this.#wake = deferred();
      let pauseMs = this.#everyMs;
      const wish = this.#wish;
      try {
        if ((await this.#step()) === 'done') {
          for (const waiter of this.#waiters) if (waiter.wish <= wish) waiter.done.resolve();
        }
        retryMs = RETRY_FIRST_MS;
        known = '';
      } catch (error) {
        known = this.#warn(error, known);
        pauseMs = retryMs * (0.5 + random.float());
        retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
      }
      const timer = clock.setTimer(pauseMs, () => this.#wake.resolve());
      await this.#wake.promise;
      timer.cancel();
    }
  }

  #warn(error: unknown, known: string): string {
    const failure = asError(error);
    if (failure.message !== known) this.#deps.log.warn({ error: failure }, 'an election step failed; trying again');
    return failure.message;
  }
}
