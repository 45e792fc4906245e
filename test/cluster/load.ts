/**
 * Writers that make files, one after the other each, under names that nobody else uses, and remember what was acknowledged.
 */
import { expect } from 'vitest';
import type { FileSystem } from '../../src/cli/understudy.js';
import { waitUntil } from '../servers/wait-until.js';

const PROGRESS_LIMIT_MS = 20_000;

export class Load {
  readonly folder: string;
  readonly #fs: FileSystem;
  readonly #acknowledged = new Map<string, number>();
  readonly #failures: string[] = [];
  readonly #times: number[] = [];
  readonly #writers: Promise<void>[];
  #stopping = false;

  /** Starts `writers` of them, in `folder`. */
  static async start(fs: FileSystem, writers: number, folder = '/load'): Promise<Load> {
    await fs.createDirectory(folder, { allowExists: true });
    return new Load(fs, writers, folder);
  }

  private constructor(fs: FileSystem, writers: number, folder: string) {
    this.#fs = fs;
    this.folder = folder;
    this.#writers = Array.from({ length: writers }, (_, writer) => this.#write(writer));
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  async #write(writer: number): Promise<void> {
    for (let count = 0; !this.#stopping; count++) {
      const name = `${writer}-${count}`;
      try {
        const { status } = await this.#fs.createFile(`${this.folder}/${name}`, { completeLength: count });
        this.#acknowledged.set(name, status.id);
        this.#times.push(performance.now());
      } catch (error) {
        this.#failures.push(`${name}: ${error}`);
        return;
      }
    }
  }

  /** Waits for `count` more acknowledgements. */
  async progress(count: number): Promise<void> {
    const target = this.acknowledged + count;
    const reached = () => this.acknowledged >= target || this.#failures.length > 0;
    await waitUntil(`${count} more files are acknowledged`, reached, PROGRESS_LIMIT_MS);
  }

  /** Lets every writer end its call. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#writers);
  }

  /** The longest time without an acknowledgement, from the last one before `since` on, in milliseconds. */
  longestGapMs(since: number): number {
    const first = this.#times.findLastIndex((time) => time <= since);
    const gaps = this.#times.slice(Math.max(first, 0)).map((time, index, times) => time - (times[index - 1] ?? time));
    return Math.round(Math.max(...gaps));
  }

  /** After `stop`: no call failed, and the namespace holds exactly what was acknowledged, each once and as it was answered. */
  async expectAllThere(fs: FileSystem = this.#fs): Promise<void> {
    expect(this.#failures).toEqual([]);
    const found = new Map<string, number>();
    let listed = 0;
    for await (const { name, id } of fs.list(this.folder)) {
      listed += 1;
      found.set(name, id);
    }
    expect(listed).toBe(found.size);
    expect(found).toEqual(this.#acknowledged);
  }
}
