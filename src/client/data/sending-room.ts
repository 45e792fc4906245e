/**
 * How many bytes are under way to workers, of all files that a client writes: a worker refuses what it has no room for, however many writers send it.
 * Who comes first is let by first.
 */
import { type Deferred, deferred, orAborted } from '../../base/wait.js';

export class SendingRoom {
  readonly #max: number;
  readonly #waiting: { readonly bytes: number; readonly let: Deferred<void> }[] = [];
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Resolves when there is room, which is taken then until `give`. What is larger than all of it goes alone. @throws as `signal` was aborted. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#waiting.length === 0 && this.#has(bytes)) {
      this.#taken += bytes;
      return;
    }
    const waiting = { bytes, let: deferred<void>() };
    this.#waiting.push(waiting);
    try {
      await orAborted(waiting.let.promise, signal);
    } catch (error) {
      const at = this.#waiting.indexOf(waiting);
      if (at >= 0) this.#waiting.splice(at, 1);
      else this.give(bytes);
      this.#letIn();
      throw error;
    }
  }

  give(bytes: number): void {
    this.#taken -= bytes;
    this.#letIn();
  }

  #letIn(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#has(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#taken += next.bytes;
      next.let.resolve();
    }
  }

  #has(bytes: number): boolean {
    return this.#taken === 0 || this.#taken + bytes <= this.#max;
  }
}
