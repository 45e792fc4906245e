/**
 * One disk of a worker: a small file system in memory, mounted where the worker looks for it, that can be taken away with all that is on it, put back,
 * or replaced by an empty one. Needs root, on Linux.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { SmallDisk } from '../servers/storage.js';

export class WorkerDisk {
  /** Where the worker finds it; empty while it is away. */
  readonly folder: string;
  readonly #megabytes: number;
  readonly #below: string;
  #disk: SmallDisk;
  #aways = 0;

  /** @param folder does not exist yet. */
  constructor(folder: string, megabytes: number) {
    this.folder = folder;
    this.#megabytes = megabytes;
    this.#below = path.dirname(folder);
    mkdirSync(folder, { recursive: true });
    this.#disk = new SmallDisk(megabytes, this.#below);
    this.#mount();
  }

  /** Where what is on it can be seen, mounted or not. */
  get place(): string {
    return this.#disk.folder;
  }

  /** @returns what puts it back, once nobody else wants it away. */
  takeAway(): () => void {
    this.#aways += 1;
    if (this.#aways === 1) execFileSync('umount', ['--lazy', this.folder]);
    return () => {
      this.#aways -= 1;
      if (this.#aways === 0) this.#mount();
    };
  }

  /** An empty one is in its place from now on. While its worker does not run. */
  replace(): void {
    if (this.#aways === 0) execFileSync('umount', ['--lazy', this.folder]);
    this.#disk.close();
    this.#disk = new SmallDisk(this.#megabytes, this.#below);
    if (this.#aways === 0) this.#mount();
  }

  fill(): void {
    this.#disk.fill(0);
  }

  clear(): void {
    this.#disk.clear();
  }

  close(): void {
    if (this.#aways === 0) execFileSync('umount', ['--lazy', this.folder]);
    this.#aways = 1;
    this.#disk.close();
  }

  #mount(): void {
    execFileSync('mount', ['--bind', this.#disk.folder, this.folder]);
  }
}
