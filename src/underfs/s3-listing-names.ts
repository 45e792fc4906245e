/**
 * From the keys of a bucket to the entries of a folder: a key that ends in a slash marks a folder, one with a slash in it has folders above it
 * that may have no marker. As keys come in order, what was said last tells which folders are new.
 */
import { compareNames, isUnderPath } from './under-path.js';
import type { UnderEntry, UnderListOptions } from './under-store.js';

/** A page of a listing. */
export interface S3Listed {
  readonly files: readonly { readonly key: string; readonly length: number; readonly modifiedMs: number; readonly fingerprint: string }[];
  /** Common prefixes, each with its slash at the end. */
  readonly folders: readonly string[];
}

export class S3ListingNames {
  readonly #folder: string;
  readonly #startAfter: string;
  readonly #onSkipped: UnderListOptions['onSkipped'];
  /** The folder that was said last, with its slash; empty for none. */
  #last: string;

  /** @param folder what all keys begin with. */
  constructor(folder: string, { startAfter = '', onSkipped }: UnderListOptions) {
    this.#folder = folder;
    this.#startAfter = startAfter;
    this.#onSkipped = onSkipped;
    this.#last = startAfter.slice(0, startAfter.lastIndexOf('/') + 1);
  }

  /** @returns the entries of the next page, in order. */
  entriesOf({ files, folders }: S3Listed): UnderEntry[] {
    const entries: UnderEntry[] = [];
    let nextFolder = 0;
    const sayFoldersBefore = (name: string | undefined): void => {
      for (; nextFolder < folders.length; nextFolder++) {
        const folder = (folders[nextFolder] ?? '').slice(this.#folder.length);
        if (name !== undefined && compareNames(folder, name) > 0) return;
        this.#say(folder, undefined, entries);
      }
    };
    for (const { key, ...file } of files) {
      const name = key.slice(this.#folder.length);
      sayFoldersBefore(name);
      this.#say(name, file, entries);
    }
    sayFoldersBefore(undefined);
    return entries;
  }

  #say(name: string, file: Omit<UnderEntry, 'name' | 'isDirectory'> | undefined, entries: UnderEntry[]): void {
    if (name === '' || compareNames(name, this.#startAfter) <= 0) return;
    const plain = name.endsWith('/') ? name.slice(0, -1) : name;
    if (plain === '' || !isUnderPath(plain)) return this.#onSkipped?.(name, 'a key that is no path');
    for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
      const folder = name.slice(0, slash + 1);
      if (this.#last.startsWith(folder)) continue;
      this.#last = folder;
      entries.push({ name: folder.slice(0, -1), isDirectory: true, length: 0, modifiedMs: 0, fingerprint: '' });
    }
    if (file !== undefined && !name.endsWith('/')) entries.push({ name, isDirectory: false, ...file });
  }
}
