/**
 * Loads what is below a folder into the namespace, with many calls in flight, and measures how long nobody answered once the leader is killed.
 *
 * Invariants:
 * - At most `CALLS_IN_FLIGHT` entries are under way; the walk waits for the others.
 * - Directories are created before the files, each when the one above it has been acknowledged.
 * - The leader is killed when half of the entries have begun: the first answer to one that began later is its successor's, for certain.
 */
import { isError } from '../../base/errors.js';
import type { FileSystem } from '../../client/file-system.js';
import { type FolderEntry, type Place, type Skipped, shapeOf, statIfThere, walkFolder } from './folder-walk.js';

const CALLS_IN_FLIGHT = 512;

export interface LoadPlan {
  readonly place: Place;
  /** Entries below the folder, as counted before. */
  readonly entries: number;
  /** Kills the leader before it returns. */
  readonly killLeader: () => void;
  readonly progress: (acknowledged: number) => void;
  readonly skipped: Skipped;
}

export interface LoadFigures {
  readonly acknowledged: number;
  readonly directories: number;
  readonly files: number;
  /** Creates of a path that was created before: each is sent once, so one of them ran twice. */
  readonly ranTwice: number;
  readonly loadMs: number;
  /** From the kill to the first acknowledgement of a create that began after it; undefined where none did. */
  readonly gapMs: number | undefined;
}

/** @throws what a create was refused with, or could not be done for: the load ends there. */
export async function loadFolder(fs: FileSystem, plan: LoadPlan): Promise<LoadFigures> {
  const load = new Load(fs, plan);
  return load.run();
}

/** @returns how many entries are below the folder. */
export async function countEntries(place: Place): Promise<{ directories: number; files: number }> {
  const count = { directories: 0, files: 0 };
  for await (const { directory } of walkFolder(place, () => {})) count[directory ? 'directories' : 'files'] += 1;
  return count;
}

class Load {
  readonly #fs: FileSystem;
  readonly #plan: LoadPlan;
  readonly #slots = new Slots(CALLS_IN_FLIGHT);
  /** The directory that was begun last, at each depth: the parent of what the walk finds one level further down. */
  readonly #lastDirectory: Promise<void>[] = [];
  readonly #halfWay: number;
  #begun = 0;
  #directories = 0;
  #files = 0;
  #ranTwice = 0;
  #killedMs: number | undefined;
  #gapMs: number | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(fs: FileSystem, plan: LoadPlan) {
    this.#fs = fs;
    this.#plan = plan;
    this.#halfWay = Math.floor(plan.entries / 2);
  }

  async run(): Promise<LoadFigures> {
    const { place, skipped } = this.#plan;
    const begunMs = performance.now();
    await this.#pass(walkFolder(place, skipped), true);
    // What cannot be walked has been told.
    await this.#pass(
      walkFolder(place, () => {}),
      false,
    );
    if (this.#failure !== undefined) throw this.#failure.error;
    return {
      acknowledged: this.#directories + this.#files,
      directories: this.#directories,
      files: this.#files,
      ranTwice: this.#ranTwice,
      loadMs: performance.now() - begunMs,
      gapMs: this.#gapMs,
    };
  }

  /** Creates either the directories or the files of `entries`, and waits for them. */
  async #pass(entries: AsyncIterable<FolderEntry>, directories: boolean): Promise<void> {
    for await (const entry of entries) {
      if (entry.directory !== directories) continue;
      await this.#slots.take();
      if (this.#failure !== undefined) break;
      if (this.#begun === this.#halfWay) {
        this.#killedMs = performance.now();
        this.#plan.killLeader();
      }
      this.#begun += 1;
      this.#begin(entry);
    }
    await this.#slots.allFree();
  }

  #begin(entry: FolderEntry): void {
    const done = this.#create(entry, this.#lastDirectory[entry.depth - 1], this.#killedMs !== undefined)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#slots.give());
    if (entry.directory) this.#lastDirectory[entry.depth] = done;
  }

  async #create(entry: FolderEntry, parent: Promise<void> | undefined, afterKill: boolean): Promise<void> {
    const [stats] = await Promise.all([statIfThere(entry.source), parent]);
    if (stats === undefined || stats.isDirectory() !== entry.directory || this.#failure !== undefined) return;
    const { mode, length, modifiedMs } = shapeOf(stats);
    try {
      if (entry.directory) await this.#fs.createDirectory(entry.path, { mode });
      else await this.#fs.createFile(entry.path, { mode, completeLength: length, modifiedMs });
    } catch (error) {
      if (!isError(error, 'already_exists')) throw error;
      this.#ranTwice += 1;
      return;
    }
    if (entry.directory) this.#directories += 1;
    else this.#files += 1;
    if (afterKill) this.#gapMs ??= performance.now() - (this.#killedMs as number);
    this.#plan.progress(this.#directories + this.#files);
  }
}

/** A number of places, of which one asker at a time takes. */
class Slots {
  readonly #size: number;
  #free: number;
  #wanted = 0;
  #wake: () => void = () => {};

  constructor(size: number) {
    this.#size = size;
    this.#free = size;
  }

  async take(): Promise<void> {
    await this.#atLeast(1);
    this.#free -= 1;
  }

  give(): void {
    this.#free += 1;
    if (this.#free >= this.#wanted) this.#wake();
  }

  allFree(): Promise<void> {
    return this.#atLeast(this.#size);
  }

  async #atLeast(wanted: number): Promise<void> {
    if (this.#free >= wanted) return;
    this.#wanted = wanted;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
