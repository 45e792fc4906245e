/**
 * Writes without pause and notices the longest time in which nothing was acknowledged. Answers that were on their way when a leader was
 * killed still arrive: so it is the end of the silence that tells when service was back, not the first answer after the kill.
 */
import type { FileSystem } from '../src/cli/understudy.js';
import { machineMs, type Silence } from './load.js';

export class SilenceWatch {
  readonly #fs: FileSystem;
  readonly #base: string;
  readonly #writers: Promise<unknown>;
  #stopped = false;
  #written = 0;
  #markMs = Number.POSITIVE_INFINITY;
  #lastMs = 0;
  #longest: Silence = { endsAfterMs: 0, lengthMs: 0 };

  constructor(fs: FileSystem, base: string, writers: number) {
    this.#fs = fs;
    this.#base = base;
    this.#writers = Promise.all(Array.from({ length: writers }, () => this.#write()));
    this.#writers.catch(() => {});
  }

  /** Silence counts from `atMs`, a moment of the machine's monotonic clock. */
  mark(atMs: number): void {
    this.#markMs = atMs;
    this.#lastMs = atMs;
  }

  /** Ends after the writes that are under way. @throws what a write failed with. */
  async stop(): Promise<Silence> {
    this.#stopped = true;
    await this.#writers;
    return this.#longest;
  }

  async #write(): Promise<void> {
    while (!this.#stopped) {
      await this.#fs.createFile(`${this.#base}f${this.#written++}`);
      const nowMs = machineMs();
      const lengthMs = nowMs - this.#lastMs;
      this.#lastMs = nowMs;
      if (nowMs > this.#markMs && lengthMs > this.#longest.lengthMs) this.#longest = { endsAfterMs: nowMs - this.#markMs, lengthMs };
    }
  }
}
