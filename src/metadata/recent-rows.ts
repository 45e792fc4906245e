/**
 * A bounded cache that keeps what was used of late: two maps, the younger filled until it holds half of the bound, then it becomes the
 * older one, and what nobody asked for meanwhile is dropped. Look-ups cost one or two map reads and no list handling.
 */
export class RecentRows<K, V> {
  readonly #half: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  /** Holds up to `max` rows. */
  constructor(max: number) {
    this.#half = Math.max(1, Math.ceil(max / 2));
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
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
