/**
 * Turns of operations on mounted folders in the thread pool of the process. A file system that hangs keeps the threads of all that was asked of
 * it: with no more turns than this, the journal and the metastore have threads left (bin/ gives the process 16).
 */
const AT_ONCE = 12;

class LocalTurns {
  #free = AT_ONCE;
  readonly #waiting: (() => void)[] = [];

  /** Calls `turn` now or later; `give` ends it. A turn must not wait for another. */
  take(turn: () => void): void {
    if (this.#free === 0) return void this.#waiting.push(turn);
    this.#free -= 1;
    turn();
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

/** Of the whole process, as the pool is. */
export const localTurns = new LocalTurns();
