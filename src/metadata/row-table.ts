/**
 * One kind of row: what LevelDB holds, with the changes that have not reached it yet laid over it.
 *
 *   trial     changes that are only tried out, and dropped whole; while one runs
 *   current   changes since the last freeze; may hold uncommitted ones on a leader
 *   frozen    changes of earlier generations, oldest first, on their way to LevelDB
 *   recent    rows as LevelDB holds them, decoded; bounded
 *
 * A look-up goes down these layers. Each change remembers the row as it was before its generation, for the digest.
 */
import type { KvStore } from '../kv/kv-store.js';
import { RecentRows } from './recent-rows.js';
import type { RecordCodec } from './records.js';

export interface Change<V> {
  readonly before: V | null;
  /** Null: the row is deleted. */
  after: V | null;
}

export interface RowTableSettings<K, V> {
  readonly encodeKey: (key: K) => Uint8Array;
  readonly codec: RecordCodec<V>;
  /** Decoded rows kept beyond the changed ones. */
  readonly recentMax: number;
  /** Rows that are not kept there: few of them would fill the memory. */
  readonly isLarge?: (value: V) => boolean;
  /** Rows are kept there once they are written, too, as those are that were looked up. Default true. */
  readonly keepsWritten?: boolean;
  /** Keys that have no row are kept there, too: few keys, asked for often. */
  readonly keepsAbsent?: boolean;
}

export class RowTable<K, V> {
  readonly encodeKey: (key: K) => Uint8Array;
  readonly codec: RecordCodec<V>;
  readonly #kv: KvStore;
  readonly #recent: RecentRows<K, V | null>;
  readonly #isLarge: (value: V) => boolean;
  readonly #keepsWritten: boolean;
  readonly #keepsAbsent: boolean;
  #current = new Map<K, Change<V>>();
  #frozen: Map<K, Change<V>>[] = [];
  #trial: Map<K, V | null> | null = null;

  constructor(settings: RowTableSettings<K, V>, kv: KvStore) {
    this.encodeKey = settings.encodeKey;
    this.codec = settings.codec;
    this.#kv = kv;
    this.#recent = new RecentRows(settings.recentMax);
    this.#isLarge = settings.isLarge ?? (() => false);
    this.#keepsWritten = settings.keepsWritten ?? true;
    this.#keepsAbsent = settings.keepsAbsent ?? false;
  }

  /** How its rows that are kept decoded have served. */
  get cache(): { readonly rows: number; readonly hits: number; readonly misses: number } {
    const { size: rows, hits, misses } = this.#recent;
    return { rows, hits, misses };
  }

  /** Rows changed since the last freeze. */
  get changedRows(): number {
    return this.#current.size;
  }

  /** @returns the row, or null. @throws `corrupt` when the store is damaged. */
  get(key: K): V | null {
    const tried = this.#trial?.get(key);
    if (tried !== undefined) return tried;
    const change = this.#change(key);
    if (change !== undefined) return change.after;
    const recent = this.#recent.get(key);
    if (recent !== undefined) return recent;
    const bytes = this.#kv.get(this.encodeKey(key));
    if (bytes === undefined) {
      if (this.#keepsAbsent) this.#recent.set(key, null);
      return null;
    }
    const value = this.codec.decode(bytes);
    if (!this.#isLarge(value)) this.#recent.set(key, value);
    return value;
  }

  /**
   * Changes a row; `after` null deletes it. `before` is the row as `get` gives it now: callers have just looked, or know that it is absent.
   *
   * @returns the change where it is the row's first since the last freeze, else null; always null of one that is only tried out.
   */
  put(key: K, after: V | null, before: V | null): Change<V> | null {
    if (this.#trial !== null) {
      this.#trial.set(key, after);
      return null;
    }
    const change = this.#current.get(key);
    if (change !== undefined) {
      change.after = after;
      return null;
    }
    const first = { before, after };
    this.#current.set(key, first);
    return first;
  }

  /** As `put` with what `change` makes of the row as it is now, in one look where it was changed before. */
  update(key: K, change: (before: V | null) => V | null): void {
    const current = this.#trial === null ? this.#current.get(key) : undefined;
    if (current !== undefined) {
      current.after = change(current.after);
      return;
    }
    const before = this.get(key);
    this.put(key, change(before), before);
  }

  /** @returns whether `change` is what is changed of that row since the last freeze. */
  isCurrent(key: K, change: Pick<Change<V>, 'after'>): boolean {
    return this.#current.get(key) === change;
  }

  /** From now on changes are only tried out, until `endTrial`. */
  beginTrial(): void {
    this.#trial = new Map();
  }

  /** The row table is as it was when the trial began. */
  endTrial(): void {
    this.#trial = null;
  }

  /** Keys changed since the store was last brought up to date; perhaps more than once. */
  *changedKeys(): Generator<K> {
    for (const changes of [...this.#frozen, this.#current]) yield* changes.keys();
  }

  /** Begins a new generation. @returns the changes of the one that ends. */
  freeze(): Map<K, Change<V>> {
    const changes = this.#current;
    this.#frozen.push(changes);
    this.#current = new Map();
    return changes;
  }

  /** A row of the oldest frozen generation is on its way to the store: it is the recent one, once that generation is gone. */
  settle(key: K, after: V | null): void {
    if (this.#keepsWritten && after !== null && !this.#isLarge(after)) this.#recent.set(key, after);
    else this.#recent.delete(key);
  }

  /** The oldest frozen generation is in the store now; each of its rows was settled. */
  flushed(): void {
    this.#frozen.shift();
  }

  /** Folds the newest frozen generation back into the current one: what it held will be flushed with it. */
  unfreeze(): void {
    const older = this.#frozen.pop();
    if (older === undefined) return;
    for (const [key, { after }] of this.#current) {
      const change = older.get(key);
      if (change === undefined) older.set(key, this.#current.get(key) as Change<V>);
      else change.after = after;
    }
    this.#current = older;
  }

  #change(key: K): Change<V> | undefined {
    const change = this.#current.get(key);
    if (change !== undefined) return change;
    for (let i = this.#frozen.length - 1; i >= 0; i--) {
      const frozen = this.#frozen[i]?.get(key);
      if (frozen !== undefined) return frozen;
    }
    return undefined;
  }
}
