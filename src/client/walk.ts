/**
 * Walks through a tree: a directory before what is in it, entries in byte order of their names.
 *
 * Memory is bounded by the depth of the tree, and no listing stays open while the walk is elsewhere: masters keep only so many. Each
 * directory is seen as of when the walk comes to it.
 */
import { isError, type UnderstudyError } from '../base/errors.js';
import type { FileStatus } from './file-status.js';
import type { ListOptions, ListPage, StatusOptions } from './file-system-options.js';

export interface WalkOptions extends StatusOptions {
  /** Whether to go into a directory; into all unless given. */
  readonly enter?: (directory: FileStatus) => boolean;
  /** Told of a directory that cannot be listed; the walk goes on behind it. Without, it ends there. One that is gone meanwhile is no error. */
  readonly skipped?: (directory: FileStatus, error: UnderstudyError) => void;
}

interface Lister {
  getStatus(path: string, options: StatusOptions): Promise<FileStatus>;
  listPages(path: string, options: ListOptions): AsyncGenerator<ListPage, void, undefined>;
}

/** Yields what is at `path`, and all that is below it. */
export async function* walk(fs: Lister, path: string, options: WalkOptions): AsyncGenerator<FileStatus, void, undefined> {
  const { enter = () => true, skipped, ...read } = options;
  const top = await fs.getStatus(path, read);
  yield top;
  const open: Visit[] = top.directory && enter(top) ? [new Visit(fs, top, read)] : [];
  try {
    for (let visit = open.at(-1); visit !== undefined; visit = open.at(-1)) {
      const entry = await visit.next().catch(passedOver(visit.directory, skipped));
      if (entry === undefined) {
        open.pop();
        continue;
      }
      yield entry;
      if (!entry.directory || !enter(entry)) continue;
      await visit.pause().catch(passedOver(visit.directory, skipped));
      open.push(new Visit(fs, entry, read));
    }
  } finally {
    for (const visit of open) await visit.close();
  }
}

/** @returns what takes the error of a directory that cannot be listed. */
function passedOver(directory: FileStatus, skipped: WalkOptions['skipped']): (error: unknown) => undefined {
  return (error) => {
    if (isError(error, 'not_found')) return;
    if (skipped === undefined || !isError(error) || error.errno === undefined) throw error;
    skipped(directory, error);
  };
}

/** One directory on the way. */
class Visit {
  readonly directory: FileStatus;
  readonly #fs: Lister;
  readonly #options: StatusOptions;
  #listing: AsyncGenerator<ListPage, void, undefined> | undefined;
  #entries: readonly FileStatus[] = [];
  #at = 0;
  /** The name that came last from the masters. */
  #last = '';
  #ended = false;

  constructor(fs: Lister, directory: FileStatus, options: StatusOptions) {
    this.#fs = fs;
    this.directory = directory;
    this.#options = options;
  }

  async next(): Promise<FileStatus | undefined> {
    while (this.#at === this.#entries.length) {
      if (this.#ended) return undefined;
      this.#entries = await this.#page();
      this.#at = 0;
    }
    return this.#entries[this.#at++];
  }

  /** Lets go of the listing, having looked whether it ends here: that of a small directory has not to be opened again. */
  async pause(): Promise<void> {
    if (this.#listing === undefined) return;
    const more = await this.#page();
    this.#entries = [...this.#entries.slice(this.#at), ...more];
    this.#at = 0;
    await this.close();
  }

  async close(): Promise<void> {
    const listing = this.#listing;
    this.#listing = undefined;
    await listing?.return();
  }

  async #page(): Promise<readonly FileStatus[]> {
    this.#listing ??= this.#fs.listPages(this.directory.path, { ...this.#options, startAfter: this.#last });
    try {
      const page = await this.#listing.next();
      if (page.done) this.#end();
      const entries = page.done ? [] : page.value.entries;
      this.#last = entries.at(-1)?.name ?? this.#last;
      return entries;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  #end(): void {
    this.#ended = true;
    this.#listing = undefined;
  }
}
