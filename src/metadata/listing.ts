/**
 * Lists a directory as of one moment, whatever its size: a snapshot of the store with the changes that have not reached it laid over it.
 */
import type { KvRows, KvSnapshot, KvStore } from '../kv/kv-store.js';
import { ChangedChildren, compareNames } from './changed-children.js';
import { childRange, decodeChildName } from './keys.js';
import { inodeCodec } from './records.js';
import type { State } from './state.js';

/** A child as it is stored: the key (see keys.ts) and the encoded inode. */
export type ChildRow = readonly [key: Uint8Array, inode: Uint8Array];

/** The children of one directory as of the moment it was opened, in byte order of their names. Has to be closed. */
export class Listing implements AsyncDisposable {
  readonly #snapshot: KvSnapshot;
  readonly #range: { gte: Uint8Array; lt: Uint8Array };
  readonly #changed: ChangedChildren;

  /** Lists the names in the directory `parentId` that are behind `startAfter` and begin with `prefix`; either may be empty. */
  constructor(kv: KvStore, state: State, parentId: number, startAfter: string, prefix = '') {
    this.#range = childRange(parentId, startAfter, prefix);
    const wanted = (name: string) => name.startsWith(prefix) && (startAfter === '' || compareNames(name, startAfter) > 0);
    this.#changed = new ChangedChildren(parentId, state.changedChildren(parentId), wanted);
    this.#snapshot = kv.snapshot();
  }

  /** Yields chunks of one to `chunkRows` children. */
  async *chunks(chunkRows: number): AsyncGenerator<readonly ChildRow[]> {
    if (Buffer.compare(this.#range.gte, this.#range.lt) >= 0) return;
    for await (const rows of this.#snapshot.rows(this.#range, chunkRows)) {
      if (this.#changed.key === null) yield rows;
      else yield* this.#merged(rows, chunkRows);
    }
    yield* this.#merged(null, chunkRows);
  }

  /** `stored` with the changes up to its last row, or all that are left where it is null. Where a key stands in both, the change counts. */
  *#merged(stored: KvRows | null, chunkRows: number): Generator<readonly ChildRow[]> {
    let out: ChildRow[] = [];
    let at = 0;
    while (stored === null || at < stored.length) {
      const row = stored?.[at];
      const { key } = this.#changed;
      const order = key === null ? 1 : row === undefined ? -1 : Buffer.compare(key, row[0]);
      if (order >= 0 && row !== undefined) at += 1;
      if (order > 0) {
        if (row === undefined) break;
        out.push(row);
      } else {
        const inode = this.#changed.take();
        if (inode !== null) out.push([key as Uint8Array, inodeCodec.encode(inode)]);
      }
      if (out.length < chunkRows) continue;
      yield out;
      out = [];
    }
    if (out.length > 0) yield out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#snapshot.close();
  }
}

/** @returns the first `max` names of children; fewer only where there are no more. */
export async function firstNames(kv: KvStore, state: State, parentId: number, max: number): Promise<string[]> {
  await using listing = new Listing(kv, state, parentId, '');
  const names: string[] = [];
  for await (const rows of listing.chunks(max)) {
    for (const [key] of rows) if (names.length < max) names.push(decodeChildName(key));
    if (names.length === max) break;
  }
  return names;
}
