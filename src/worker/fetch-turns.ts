/** Turns at mounted storage: so many read at once, so many more wait in order, and whoever comes then is refused. */
import { UnderstudyError } from '../base/errors.js';
import { type Deferred, deferred, orAborted } from '../base/wait.js';

const WAITING_MAX = 1_024;

export class FetchTurns {
  readonly #max: number;
  readonly #waiting: Deferred<void>[] = [];
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** @returns what ends the turn. @throws `resource_exhausted`; as `signal` was aborted. */
  async take(signal: AbortSignal): Promise<Disposable> {
    if (this.#taken < this.#max) this.#taken += 1;
    else await this.#wait(signal);
    let ended = false;
    return {
      [Symbol.dispose]: () => {
        if (!ended) this.#pass();
        ended = true;
      },
    };
  }

  async #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= WAITING_MAX)
      throw new UnderstudyError('resource_exhausted', `too many wait for mounted storage: max=${WAITING_MAX}`);
    const turn = deferred<void>();
    this.#waiting.push(turn);
    try {
      await orAborted(turn.promise, signal);
    } catch (error) {
      const at = this.#waiting.indexOf(turn);
      if (at >= 0) this.#waiting.splice(at, 1);
      else this.#pass(); // it came just now
      throw error;
    }
  }

  #pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next.resolve();
  }
}
