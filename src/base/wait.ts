/**
 * Waiting that can be given up: every wait in the program takes an AbortSignal.
 */
import type { Clock } from './clock.js';
import { UnderstudyError } from './errors.js';

/** A promise with its resolvers outside. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** @throws what `signal` was aborted with, as an Error; `cancelled` where that is none. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** @returns the error that a wait given up by `signal` rejects with. */
export function abortError(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  if (reason instanceof Error && reason.name !== 'AbortError') return reason;
  return new UnderstudyError('cancelled', 'given up by its caller', { cause: reason });
}

/** Resolves after `delayMs`. @throws as `throwIfAborted`, at once when `signal` is aborted. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortError(signal));
    const giveUp = () => {
      timer.cancel();
      reject(abortError(signal as AbortSignal));
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', giveUp);
      resolve();
    });
    signal?.addEventListener('abort', giveUp, { once: true });
  });
}

/**
 * Settles as `promise` does, unless `signal` is aborted first: then rejects as `throwIfAborted`. What `promise` does later is dropped;
 * whoever made it still owns what it yields.
 */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(abortError(signal));
    const settled = <Value>(settle: (value: Value) => void) => {
      return (value: Value) => {
        signal.removeEventListener('abort', giveUp);
        settle(value);
      };
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    promise.then(settled(resolve), settled(reject));
  });
}

/** Settles as `promise` does, within `limitMs`. @throws `unavailable` with `message` after that; what `promise` does later is dropped. */
export function within<T>(clock: Clock, limitMs: number, promise: Promise<T>, message: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(limitMs, () => reject(new UnderstudyError('unavailable', message)));
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}
