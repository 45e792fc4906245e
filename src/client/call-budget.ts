/**
 * How long one call may take: a deadline over all its attempts, the caller's own signal, and the client's life.
 *
 * The usual call, answered at its first attempt, costs neither a timer nor a signal of its own: closing the client reaches it by closing
 * its connection. Only a call that has to wait for something else pays for `waitSignal`.
 */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import { orAborted, throwIfAborted } from '../base/wait.js';
import type { CallOptions } from '../rpc/rpc.js';

export class CallBudget {
  readonly totalMs: number;
  readonly #clock: Clock;
  #deadlineMs: number;
  readonly #life: AbortSignal;
  readonly #given: AbortSignal | undefined;
  #waiting: { readonly signal: AbortSignal; release(): void } | undefined;
  #released = false;

  /** @param life aborted when the client is closed. @param given the caller's own signal. */
  constructor(clock: Clock, totalMs: number, life: AbortSignal, given: AbortSignal | undefined) {
    this.totalMs = totalMs;
    this.#clock = clock;
    this.#deadlineMs = clock.monotonicMs() + totalMs;
    this.#life = life;
    this.#given = given;
  }

  get remainingMs(): number {
    return Math.max(0, this.#deadlineMs - this.#clock.monotonicMs());
  }

  /** For one attempt, beginning now, of up to `limitMs`. */
  attemptOptions(limitMs: number): CallOptions {
    const timeoutMs = Math.min(this.remainingMs, limitMs);
    return this.#given === undefined ? { timeoutMs } : { timeoutMs, signal: this.#given };
  }

  /** For an attempt that ends only by failing. */
  endlessOptions(): CallOptions {
    const timeoutMs = Number.POSITIVE_INFINITY;
    return this.#given === undefined ? { timeoutMs } : { timeoutMs, signal: this.#given };
  }

  /** The deadline is as far away again as at first. */
  renew(): void {
    this.#waiting?.release();
    this.#waiting = undefined;
    this.#deadlineMs = this.#clock.monotonicMs() + this.totalMs;
  }

  /** Whether the caller gave up or the client was closed. */
  get givenUp(): boolean {
    return this.#life.aborted || this.#given?.aborted === true;
  }

  /** @throws `cancelled` if `givenUp`. */
  throwIfGivenUp(): void {
    throwIfAborted(this.#life);
    throwIfAborted(this.#given);
  }

  /**
   * Aborted when the deadline passes (`deadline_exceeded`), the caller gives up, or the client is closed. Once asked for, `release` has to
   * follow; who asks only then, late in a look that is over, is given up at once.
   */
  get waitSignal(): AbortSignal {
    if (this.#released) return AbortSignal.abort(new UnderstudyError('cancelled', 'nobody waits for it any more'));
    this.#waiting ??= this.#startWaiting();
    return this.#waiting.signal;
  }

  /** Settles as `promise` does, or rejects when `waitSignal` is aborted. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return orAborted(promise, this.waitSignal);
  }

  /** Lets go of the timer and the listeners. Idempotent. */
  release(): void {
    this.#released = true;
    this.#waiting?.release();
    this.#waiting = undefined;
  }

  #startWaiting(): { signal: AbortSignal; release(): void } {
    const controller = new AbortController();
    const sources = this.#given === undefined ? [this.#life] : [this.#life, this.#given];
    const giveUp = () => controller.abort(sources.find((source) => source.aborted)?.reason);
    const timer = this.#clock.setTimer(this.remainingMs, () => controller.abort(new UnderstudyError('deadline_exceeded', 'out of time')));
    for (const source of sources) source.addEventListener('abort', giveUp, { once: true });
    if (this.givenUp) giveUp();
    const release = () => {
      timer.cancel();
      for (const source of sources) source.removeEventListener('abort', giveUp);
    };
    return { signal: controller.signal, release };
  }
}
