/** One kind of row of the state, looked at and changed by key; each change can be taken back. */
import type { RowTable } from './row-table.js';

export interface Undo {
  restore(): void;
}

export class Rows<K, V> {
  readonly table: RowTable<K, V>;
  readonly #changed: (undo: Undo) => void;
  readonly #watchers = new Set<(key: K) => void>();

  constructor(table: RowTable<K, V>, changed: (undo: Undo) => void) {
    this.table = table;
    this.#changed = changed;
  }

  get(key: K): V | null {
    return this.table.get(key);
  }

  /** Null deletes the row. `before` is the row as it is now. */
  put(key: K, after: V | null, before: V | null = this.get(key)): void {
    this.#changed({ restore: () => this.table.put(key, before, after) });
    this.table.put(key, after, before);
    for (const watcher of this.#watchers) watcher(key);
  }

  /** `watcher` is told each key that is put from now on, perhaps of a change that is taken back, until what is returned is called. */
  watch(watcher: (key: K) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }
}
