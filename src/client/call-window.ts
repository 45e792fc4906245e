/**
 * Hands out the call ids of one registered client, and knows the lowest one whose answer is still waited for.
 *
 * Invariants:
 * - Ids are 1, 2, 3 …, each handed out once.
 * - An id is handed out only while it is less than `size` above the lowest unanswered one: a master keeps that many answers, no more.
 * - Who waits for an id gets one in the order of asking; at most `waitingMax` wait.
 */
import { UnderstudyError } from '../base/errors.js';
import { abortError } from '../base/wait.js';

interface Waiter {
  grant(callId: number | undefined): void;
}

export class CallWindow {
  readonly size: number;
  readonly #waitingMax: number;
  /** Whether the id at this place (id mod size) has left, for ids in [lowest, next). */
  readonly #left: Uint8Array;
  #lowest = 1;
  #next = 1;
  #ended = false;
  readonly #waiters = new Set<Waiter>();

  constructor(size: number, waitingMax: number) {
    this.size = size;
    this.#waitingMax = waitingMax;
    this.#left = new Uint8Array(size);
  }

  /** The lowest id that has not left; the next id where all have. */
  get lowestUnanswered(): number {
    return this.#lowest;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** @returns an id, or undefined if one has to be waited for. */
  tryEnter(): number | undefined {
    if (this.#waiters.size > 0 || this.#ended || this.#next >= this.#lowest + this.size) return undefined;
    return this.#next++;
  }

  /**
   * Resolves with an id, or with undefined once the window has ended.
   *
   * @throws `resource_exhausted` when too many wait; as `signal` was aborted.
   */
  enter(signal: AbortSignal): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(abortError(signal));
      if (this.#ended) return resolve(undefined);
      const callId = this.tryEnter();
      if (callId !== undefined) return resolve(callId);
      if (this.#waiters.size >= this.#waitingMax) {
        return reject(new UnderstudyError('resource_exhausted', `too many calls wait to be sent waiting=${this.#waiters.size}`));
      }
      const giveUp = () => {
        this.#waiters.delete(waiter);
        reject(abortError(signal));
      };
      const waiter: Waiter = {
        grant(granted) {
          signal.removeEventListener('abort', giveUp);
          resolve(granted);
        },
      };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** The answer of `callId` has been told, or nobody waits for it any more. Once for each id. */
  leave(callId: number): void {
    this.#left[callId % this.size] = 1;
    while (this.#lowest < this.#next && this.#left[this.#lowest % this.size] === 1) {
      this.#left[this.#lowest % this.size] = 0;
      this.#lowest += 1;
    }
    if (this.#waiters.size > 0 && !this.#ended) this.#admit();
  }

  /** No further ids: who waits is told. Idempotent. */
  end(): void {
    this.#ended = true;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.grant(undefined);
  }

  #admit(): void {
    for (const waiter of this.#waiters) {
      if (this.#next >= this.#lowest + this.size) return;
      this.#waiters.delete(waiter);
      waiter.grant(this.#next++);
    }
  }
}
