/** Somebody else: makes a file and looks at it, again and again with a rest between, and remembers the longest time that a call took. */
import type { FileSystem } from '../../src/client/file-system.js';

const REST_MS = 5;

export class PacedCalls {
  readonly #fs: FileSystem;
  readonly #running: Promise<void>;
  #stopped = false;
  #longestMs = 0;
  #calls = 0;

  constructor(fs: FileSystem) {
    this.#fs = fs;
    this.#running = this.#run();
    this.#running.catch(() => {});
  }

  take(): { longestMs: number; calls: number } {
    const taken = { longestMs: this.#longestMs, calls: this.#calls };
    this.#longestMs = 0;
    this.#calls = 0;
    return taken;
  }

  /** @throws what a call failed with. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.#running;
  }

  async #run(): Promise<void> {
    for (let at = 0; !this.#stopped; at++) {
      const path = `/paced/f${at % 100}`;
      await this.#timed(() => this.#fs.createFile(path, { completeLength: at, overwrite: true }));
      await this.#timed(() => this.#fs.getStatus(path));
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
    }
  }

  async #timed(call: () => Promise<unknown>): Promise<void> {
    const beganMs = performance.now();
    await call();
    this.#longestMs = Math.max(this.#longestMs, performance.now() - beganMs);
    this.#calls += 1;
  }
}
