/**
 * What becomes of a worker's blocks, change by change, for the masters to be told: numbered since the worker has been started. What it had then
 * counts as number 1, so that a master that knows all of it, and nothing has changed since, is not one that knows nothing.
 *
 * The newest `changesMax` are kept. A master that has not heard of an older one is told everything anew.
 */
import type { BlockChange, BlockStore, StoredBlock } from '../blocks/block-store.js';
import { BLOCK_SHARDS, BlockTable } from '../blocks/block-table.js';

const CHANGES_MAX = 65_536;
const STARTED_WITH = 1;

export class ChangeLog {
  readonly #changesMax: number;
  readonly #kept: BlockChange[] = [];
  readonly #table = new BlockTable();
  readonly #listeners = new Set<() => void>();
  readonly #unwatch: () => void;
  #newest = STARTED_WITH;

  constructor(store: Pick<BlockStore, 'blocks' | 'watch'>, changesMax = CHANGES_MAX) {
    this.#changesMax = changesMax;
    this.#unwatch = store.watch((change) => this.#note(change));
    for (const block of store.blocks()) this.#table.set(block);
  }

  /** Number of the newest change. */
  get newest(): number {
    return this.#newest;
  }

  /** Changes behind this one are kept. */
  get oldest(): number {
    return Math.max(STARTED_WITH, this.#newest - this.#changesMax);
  }

  /** Blocks that are here as of `newest`. */
  get count(): number {
    return this.#table.count;
  }

  /** Of them: block-digest.ts. */
  get digest(): number {
    return this.#table.digest;
  }

  /** @returns up to `max` changes behind that one, in order; undefined where some of them are no longer kept. */
  since(change: number, max: number): BlockChange[] | undefined {
    if (change < this.oldest) return undefined;
    const end = Math.min(this.#newest, change + max);
    const changes: BlockChange[] = [];
    for (let number = change + 1; number <= end; number++) changes.push(this.#kept[number % this.#changesMax] as BlockChange);
    return changes;
  }

  /** All blocks, in pieces. What changes while they are taken is in the changes behind the number that was newest at first, if not in them. */
  *listing(pieceMax: number): Iterable<readonly StoredBlock[]> {
    let piece: StoredBlock[] = [];
    for (let shard = 0; shard < BLOCK_SHARDS; shard++) {
      for (const block of this.#table.shard(shard)) {
        piece.push(block);
        if (piece.length < pieceMax) continue;
        yield piece;
        piece = [];
      }
    }
    yield piece;
  }

  /** Calls `changed` with each change, right when it happens. @returns how to end that. */
  watch(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  /** Hears of no more changes. */
  close(): void {
    this.#unwatch();
  }

  #note(change: BlockChange): void {
    this.#newest += 1;
    this.#kept[this.#newest % this.#changesMax] = change;
    if (change.gone) this.#table.delete(change.id);
    else this.#table.set(change);
    for (const changed of this.#listeners) changed();
  }
}
