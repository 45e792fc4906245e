/**
 * Lists a directory as of one moment, whatever its size: a snapshot of the store with the changes that have not reached it laid over it.
 */
import type { KvRows, KvSnapshot, KvStore } from '../kv/kv-store.js';
import { childRange, decodeChildName, encodeChild } from './keys.js';
import { inodeCodec } from './records.js';
import type { State } from './state.js';

/** A child as it is stored: the key (see keys.ts) and the encoded inode. */
export type ChildRow = readonly [key: Uint8Array, inode: Uint8Array];

/** The children of one directory as of the moment it was opened, in byte order of their names. Has to be closed. */
export class Listing implements AsyncDisposable {
  readonly #snapshot: KvSnapshot;
  readonly #range: { gte: Uint8Array; lt: Uint8Array };
  /** Changed children in key order; null: gone. */
  readonly #changed: readonly (readonly [key: Uint8Array, inode: Uint8Array | null])[];

  /** Lists the names behind `startAfter` in the directory `parentId`; all where it is empty. */
  constructor(kv: KvStore, state: State, parentId: number, startAfter: string) {
    this.#range = childRange(parentId, startAfter);
    this.#changed = changedChildren(state, parentId, this.#range.gte);
    this.#snapshot = kv.snapshot();
  }

  /** Yields chunks of one to `chunkRows` children. */
  async *chunks(chunkRows: number): AsyncGenerator<readonly ChildRow[]> {
    let at = 0;
    for await (const rows of this.#snapshot.rows(this.#range, chunkRows)) {
      if (at === this.#changed.length) {
        yield rows;
        continue;
      }
      const last = rows[rows.length - 1] as ChildRow;
      const from = at;
      while (at < this.#changed.length && Buffer.compare((this.#changed[at] as ChildRow)[0], last[0]) <= 0) at += 1;
      yield* split(merge(rows, this.#changed.slice(from, at)), chunkRows);
    }
    yield* split(merge([], this.#changed.slice(at)), chunkRows);
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

function changedChildren(state: State, parentId: number, gte: Uint8Array): [Uint8Array, Uint8Array | null][] {
  const rows: [Uint8Array, Uint8Array | null][] = [];
  for (const name of new Set(state.changedNames(parentId))) {
    const key = encodeChild(parentId, name);
    if (Buffer.compare(key, gte) < 0) continue;
    const inode = state.child(parentId, name);
    rows.push([key, inode === null ? null : inodeCodec.encode(inode)]);
  }
  return rows.sort((a, b) => Buffer.compare(a[0], b[0]));
}

/** Both in key order; where a key stands in both, the change counts. */
function merge(stored: KvRows, changed: readonly (readonly [Uint8Array, Uint8Array | null])[]): ChildRow[] {
  const out: ChildRow[] = [];
  let i = 0;
  for (const [key, inode] of changed) {
    let order = -1;
    while (i < stored.length) {
      order = Buffer.compare((stored[i] as ChildRow)[0], key);
      if (order >= 0) break;
      out.push(stored[i] as ChildRow);
      i += 1;
    }
    if (i < stored.length && order === 0) i += 1;
    if (inode !== null) out.push([key, inode]);
  }
  return i === 0 ? out.concat(stored as ChildRow[]) : out.concat(stored.slice(i));
}

function* split(rows: ChildRow[], chunkRows: number): Generator<readonly ChildRow[]> {
  for (let at = 0; at < rows.length; at += chunkRows) yield rows.length <= chunkRows ? rows : rows.slice(at, at + chunkRows);
}
