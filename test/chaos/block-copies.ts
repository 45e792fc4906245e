/**
 * What faults took of blocks for good. The disks of all workers lie open here, those that are away too: so it is known of each block, when a copy of it is
 * taken, whether another good one is left anywhere. Only where none is may the block be lost.
 *
 * A leader that moves a block has the first copy freed once it knows of the second. Is the second one taken then, the first goes a moment later all
 * the same: so it is looked once more.
 */
import { statSync } from 'node:fs';
import { type BlockFileFound, blockFilesIn, rotBit } from '../cluster/block-files.js';
import type { SeededRandom } from '../simulation/seeded-random.js';
import type { ChaosWorker } from './chaos-worker.js';
import type { WorkerDisk } from './worker-disk.js';

/** Within it a worker has freed what it was told to free by who could not know better. */
const FREED_MS = 5_000;

type Place = Pick<BlockFileFound, 'inodeId' | 'index'>;

export class BlockCopies {
  readonly #workers: readonly ChaosWorker[];
  /** Of rotten files: their numbers, by their paths. */
  readonly #rotten = new Map<string, number>();
  readonly #lost = new Set<string>();
  #freed = 0;

  constructor(workers: readonly ChaosWorker[]) {
    this.#workers = workers;
  }

  /** Blocks of which faults left no good copy. */
  get lostCount(): number {
    return this.#lost.size;
  }

  /** Those of them of which another copy was there until it was freed, a moment later. */
  get freedCount(): number {
    return this.#freed;
  }

  /** @param blocks of the file, by their numbers. @returns whether faults took all copies of one of them. */
  mayBeLost(inodeId: number, blocks: readonly number[]): boolean {
    return blocks.some((index) => this.#lost.has(keyOf({ inodeId, index })));
  }

  /** All that lie on disks, good or not. */
  list(): BlockFileFound[] {
    return this.#workers.flatMap(({ disks }) => disks.flatMap(({ place }) => blockFilesIn(place)));
  }

  /** Puts an empty disk in the place of that one. While its worker does not run. */
  replace(disk: WorkerDisk): void {
    const taken = blockFilesIn(disk.place);
    disk.replace();
    this.#account(taken);
  }

  /** Turns a bit of one of the worker's files. @returns the file; undefined: it has none. */
  rot({ disks }: ChaosWorker, random: SeededRandom): string | undefined {
    const files = disks.flatMap(({ place }) => blockFilesIn(place));
    if (files.length === 0) return undefined;
    const file = random.pick(files);
    const number = rotBit(file.path, (max) => random.below(max));
    if (number === undefined) return undefined;
    this.#rotten.set(file.path, number);
    this.#account([file]);
    return file.path;
  }

  #account(taken: readonly BlockFileFound[]): void {
    this.#look(taken);
    const again = () => {
      const before = this.lostCount;
      this.#look(taken);
      this.#freed += this.lostCount - before;
    };
    setTimeout(again, FREED_MS).unref();
  }

  #look(taken: readonly BlockFileFound[]): void {
    // Twice: what is moved from one disk to another meanwhile is seen at one place at least.
    const left = [...this.list(), ...this.list()].filter((file) => !this.#isRotten(file.path));
    const newest = new Map<string, number>();
    for (const file of left) newest.set(keyOf(file), Math.max(file.generation, newest.get(keyOf(file)) ?? 0));
    for (const file of taken) if ((newest.get(keyOf(file)) ?? -1) < file.generation) this.#lost.add(keyOf(file));
  }

  #isRotten(path: string): boolean {
    const number = this.#rotten.get(path);
    return number !== undefined && statSync(path, { throwIfNoEntry: false })?.ino === number;
  }
}

function keyOf({ inodeId, index }: Place): string {
  return `${inodeId}-${index}`;
}
