/**
 * What faults took of blocks for good. The disks of all workers lie open here, those that are away too: so it is known of each block, when a copy of it is
 * taken, whether another good one is left anywhere. Only where none is may the block be lost.
 *
 * A leader that moves a block has the first copy freed once it knows of the second. Is the second one taken then, the first goes a moment later all
 * the same: so it is looked once more, and again when a worker that was away meanwhile has been told.
 */
import { statSync } from 'node:fs';
import { type BlockFileFound, blockFilesIn, rotBit } from '../cluster/block-files.js';
import type { SeededRandom } from '../simulation/seeded-random.js';
import type { ChaosWorker } from './chaos-worker.js';
import type { WorkerDisk } from './worker-disk.js';

/** Within it a worker that is there has freed what it was told to free by who could not know better. */
const FREED_MS = 5_000;

type Place = Pick<BlockFileFound, 'inodeId' | 'index'>;
/** `taken`: with the last copy; `freed`: another one was there until it was freed, a moment later. */
export type Loss = 'taken' | 'freed';

export class BlockCopies {
  readonly #workers: readonly ChaosWorker[];
  /** Of rotten files: their numbers, by their paths. */
  readonly #rotten = new Map<string, number>();
  readonly #taken = new Set<string>();
  /** Those of files that were removed meanwhile, too. */
  readonly #freed = new Set<string>();
  readonly #awayMaxMs: number;
  readonly #looks: Promise<void>[] = [];

  /** @param awayMaxMs for so long a worker may be stopped, or cut off, before it hears what it is to free. */
  constructor(workers: readonly ChaosWorker[], awayMaxMs: number) {
    this.#workers = workers;
    this.#awayMaxMs = awayMaxMs;
  }

  /** Blocks of which faults took the last copy. */
  get takenCount(): number {
    return this.#taken.size;
  }

  /** @param blocks of the file, by their numbers. @returns how faults took all copies of one of them; undefined: of none. */
  lossOf(inodeId: number, blocks: readonly number[]): Loss | undefined {
    const isIn = (lost: ReadonlySet<string>) => blocks.some((index) => lost.has(keyOf({ inodeId, index })));
    if (isIn(this.#taken)) return 'taken';
    return isIn(this.#freed) ? 'freed' : undefined;
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

  /** Resolves when what faults did is looked at for the last time. While no fault takes anything any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#looks);
  }

  #account(taken: readonly BlockFileFound[]): void {
    this.#look(taken, this.#taken);
    for (const afterMs of [FREED_MS, this.#awayMaxMs + FREED_MS]) this.#looks.push(this.#lookAfter(afterMs, taken));
  }

  #lookAfter(afterMs: number, taken: readonly BlockFileFound[]): Promise<void> {
    const due = new Promise<void>((resolve) => setTimeout(resolve, afterMs).unref());
    const look = due.then(() => this.#look(taken, this.#freed));
    // Told by `settled`.
    look.catch(() => {});
    return look;
  }

  /** Puts those of which no good copy is left into `lost`. */
  #look(taken: readonly BlockFileFound[], lost: Set<string>): void {
    // Twice: what is moved from one disk to another meanwhile is seen at one place at least.
    const left = [...this.list(), ...this.list()].filter((file) => !this.#isRotten(file.path));
    const newest = new Map<string, number>();
    for (const file of left) newest.set(keyOf(file), Math.max(file.generation, newest.get(keyOf(file)) ?? 0));
    for (const file of taken) if ((newest.get(keyOf(file)) ?? -1) < file.generation) lost.add(keyOf(file));
  }

  #isRotten(path: string): boolean {
    const number = this.#rotten.get(path);
    return number !== undefined && statSync(path, { throwIfNoEntry: false })?.ino === number;
  }
}

function keyOf({ inodeId, index }: Place): string {
  return `${inodeId}-${index}`;
}
