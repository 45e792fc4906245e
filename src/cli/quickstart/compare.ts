/**
 * Compares the namespace with the folder that was loaded into it, entry by entry, both read anew.
 *
 * A folder may live on meanwhile: an entry that was changed, made or removed since the load began is counted as that and not as wrong.
 * Memory: the names of one directory, and the paths of the directories that are still to be compared.
 */
import type { Stats } from 'node:fs';
import type { FileStatus } from '../../client/file-status.js';
import type { FileSystem } from '../../client/file-system.js';
import { type FolderEntry, type Place, readFolder, shapeOf, statIfThere, walkFolder } from './folder-walk.js';

const PROBLEMS_TOLD = 5;
/** Times of files may come from a clock that is coarser than the one of the process. */
const CLOCK_GRAIN_MS = 100;

export interface Comparison {
  /** Entries that both have. */
  compared: number;
  /** Entries of the folder that the namespace has not. */
  lost: number;
  /** Entries of the namespace that the folder has not, or that are listed twice. */
  extra: number;
  /** Entries that differ in kind, size, mode or time. */
  wrong: number;
  /** Entries that changed in the folder since `sinceMs`. */
  changed: number;
  /** The first of all these but the changed ones, in words. */
  readonly problems: string[];
}

/** @param sinceMs wall-clock time at which the load began. */
export async function compareFolder(fs: Pick<FileSystem, 'listPages'>, place: Place, sinceMs: number): Promise<Comparison> {
  const comparer = new Comparer(fs, sinceMs - CLOCK_GRAIN_MS);
  return comparer.run(place);
}

class Comparer {
  readonly #fs: Pick<FileSystem, 'listPages'>;
  readonly #sinceMs: number;
  readonly #result: Comparison = { compared: 0, lost: 0, extra: 0, wrong: 0, changed: 0, problems: [] };

  constructor(fs: Pick<FileSystem, 'listPages'>, sinceMs: number) {
    this.#fs = fs;
    this.#sinceMs = sinceMs;
  }

  async run(place: Place): Promise<Comparison> {
    const open: Place[] = [place];
    for (let next = open.pop(); next !== undefined; next = open.pop()) await this.#directory(next, open);
    return this.#result;
  }

  async #directory(place: Place, open: Place[]): Promise<void> {
    // What cannot be listed now could not be when it was loaded, which has been told.
    const expected = await readFolder(place, 1, () => {});
    for await (const { entries } of this.#fs.listPages(place.path)) {
      await Promise.all(
        entries.map(async (status) => {
          const entry = expected.get(status.name);
          expected.delete(status.name);
          if (entry === undefined) return this.#unexpected(place, status);
          await this.#both(entry, status);
          if (entry.directory && status.directory) open.push({ folder: entry.source, path: entry.path });
        }),
      );
    }
    for (const entry of expected.values()) await this.#missing(entry);
  }

  async #both(entry: FolderEntry, status: FileStatus): Promise<void> {
    const stats = await statIfThere(entry.source);
    const difference = stats && differenceOf(stats, status);
    this.#result.compared += 1;
    if (difference === '') return;
    if (stats === undefined || this.#isNew(stats)) this.#result.changed += 1;
    else this.#tell('wrong', `${entry.path}: ${difference}`);
  }

  async #missing(entry: FolderEntry): Promise<void> {
    const stats = await statIfThere(entry.source);
    if (stats === undefined || this.#isNew(stats)) this.#result.changed += 1;
    else this.#tell('lost', `${entry.path}: not in the namespace`);
    if (!entry.directory) return;
    for await (const below of walkFolder({ folder: entry.source, path: entry.path }, () => {}))
      await this.#missing({ ...below, directory: false });
  }

  async #unexpected(place: Place, status: FileStatus): Promise<void> {
    const stats = await statIfThere(place.folder);
    if (stats === undefined || this.#isNew(stats)) this.#result.changed += 1;
    else this.#tell('extra', `${status.path}: not in the folder, or listed twice`);
  }

  #isNew(stats: Stats): boolean {
    return stats.ctimeMs >= this.#sinceMs;
  }

  #tell(kind: 'lost' | 'extra' | 'wrong', problem: string): void {
    this.#result[kind] += 1;
    if (this.#result.problems.length < PROBLEMS_TOLD) this.#result.problems.push(problem);
  }
}

/** @returns in what `status` differs from the file or directory; empty where it does not. */
function differenceOf(stats: Stats, status: FileStatus): string {
  const shape = shapeOf(stats);
  if (shape.directory !== status.directory)
    return status.directory ? 'a directory, and should be a file' : 'a file, and should be a directory';
  const wrong: string[] = [];
  const check = (what: string, is: number, should: number, base = 10) => {
    if (is !== should) wrong.push(`${what} ${is.toString(base)} instead of ${should.toString(base)}`);
  };
  check('mode', status.mode, shape.mode, 8);
  if (!shape.directory) {
    check('length', status.length, shape.length);
    check('modified', status.modifiedMs, shape.modifiedMs);
    if (!status.complete) wrong.push('not complete');
  }
  return wrong.join(', ');
}
