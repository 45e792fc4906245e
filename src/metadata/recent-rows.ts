/**
 * A bounded cache that keeps what was used of late: two maps, the younger filled until it holds half of the bound, then it becomes the
 * older one, and what nobody asked for meanwhile is dropped. Look-ups cost one or two map reads and no list handling.
 */
export class RecentRows<K, V> {
  readonly #half: number;
  hits = 0;
  misses = 0;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  /** Holds up to `max` rows. */
  constructor(max: number) {
    this.#half = Math.max(1, Math.ceil(max / 2));
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    // What is kept may be null.
    const found = young === undefined ? this.#old.get(key) : young;
    if (found === undefined) {
      this.misses += 1;
      return undefined;
    }
    this.hits += 1;
    if (young === undefined) this.set(key, found);
    return found;
  }

  set(key: K, value: V): void {
    this.#young.set(key, value);
    if (this.#young.size < this.#half) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
