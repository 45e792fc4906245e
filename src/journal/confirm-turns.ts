/**
 * Lets confirms share what proves them: the next append whose PUT is sent later than they began, or a look of their own while none is in
 * flight. One look flies, and one group gathers.
 */
import type { Clock } from '../base/clock.js';
import { type Deferred, deferred } from '../base/wait.js';

/** How an append ended for those that rode on it: nothing had superseded them; that error; or it cannot be told, and they look themselves. */
export type Landing = 'held' | 'unknown' | Error;

export class ConfirmTurns {
  readonly #clock: Clock;
  readonly #look: () => Promise<void>;
  /** Those whose proof has not begun. */
  #gathering: Deferred<void> | undefined;
  #looking: Promise<void> | undefined;
  #isAppending = false;

  /** @param look rejects where something stands in the next slot; never called while an append is in flight. */
  constructor(clock: Clock, look: () => Promise<void>) {
    this.#clock = clock;
    this.#look = look;
  }

  /** Resolves once a proof that began after this call holds. @throws what it found. */
  wait(): Promise<void> {
    this.#gathering ??= gathering();
    const { promise } = this.#gathering;
    this.#begin();
    return promise;
  }

  /** An append's PUT is sent now: those that have gathered ride on it. @returns to be called when its outcome is known. */
  board(): (landing: Landing) => void {
    const riders = this.#gathering;
    this.#gathering = undefined;
    this.#isAppending = true;
    return (landing) => {
      this.#isAppending = false;
      if (landing === 'held') riders?.resolve();
      else if (landing !== 'unknown') riders?.reject(landing);
      else if (riders !== undefined) this.#regather(riders);
      // The next append may follow at once, and is a proof for those who gather.
      this.#clock.defer(() => this.#begin());
    };
  }

  #regather(riders: Deferred<void>): void {
    if (this.#gathering === undefined) this.#gathering = riders;
    else this.#gathering.promise.then(riders.resolve, riders.reject);
  }

  #begin(): void {
    const group = this.#gathering;
    if (group === undefined || this.#isAppending || this.#looking !== undefined) return;
    this.#gathering = undefined;
    this.#looking = this.#look()
      .then(group.resolve, group.reject)
      .finally(() => {
        this.#looking = undefined;
        this.#begin();
      });
  }

  /** Resolves when none waits any more. No append may be in flight. */
  async idle(): Promise<void> {
    this.#begin();
    while (this.#looking !== undefined) await this.#looking;
  }
}

function gathering(): Deferred<void> {
  const group = deferred<void>();
  group.promise.catch(() => undefined);
  return group;
}
