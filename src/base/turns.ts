/** So many at a time; the others wait for their turn, in the order in which they came. How many may wait is the users' to bound. */
import { abortError, throwIfAborted } from './wait.js';

export class Turns {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Resolves when it is the caller's turn, with what ends it: to be called once. @throws as `throwIfAborted`. */
  take(signal: AbortSignal): Promise<() => void> {
    throwIfAborted(signal);
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve(() => this.#pass());
    }
    return new Promise((resolve, reject) => {
      const begin = () => {
        signal.removeEventListener('abort', giveUp);
        resolve(() => this.#pass());
      };
      const giveUp = () => {
        this.#waiting.delete(begin);
        reject(abortError(signal));
      };
      this.#waiting.add(begin);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #pass(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
