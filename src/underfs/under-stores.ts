/**
 * The under stores that this master has open, one a mount: opened when first asked for, and anew when the mount's place or options have changed.
 */
import type { UnderStore } from './under-store.js';

/** What of a mount says how its store is reached. */
export interface MountedStore {
  readonly id: number;
  readonly uri: string;
  readonly options: readonly { readonly key: string; readonly value: string }[];
}

/** Opens the store at `uri`. Names concrete stores: src/cli makes it. @throws `invalid_argument`, `not_found`, `unavailable` … */
export type OpenUnderStore = (uri: string, options: ReadonlyMap<string, string>) => Promise<UnderStore>;

interface Opened {
  readonly mount: MountedStore;
  readonly store: Promise<UnderStore>;
}

export class UnderStores implements AsyncDisposable {
  readonly #open: OpenUnderStore;
  readonly #opened = new Map<number, Opened>();

  constructor(open: OpenUnderStore) {
    this.#open = open;
  }

  /** @returns the store of this mount; stays this one's to close. One that could not be opened is tried again the next time. @throws as `OpenUnderStore`. */
  of(mount: MountedStore): Promise<UnderStore> {
    const opened = this.#opened.get(mount.id);
    if (opened !== undefined && isSame(opened.mount, mount)) return opened.store;
    if (opened !== undefined) void closeOne(opened);
    const store = this.#open(mount.uri, new Map(mount.options.map(({ key, value }) => [key, value])));
    this.#opened.set(mount.id, { mount, store });
    store.catch(() => {
      if (this.#opened.get(mount.id)?.store === store) this.#opened.delete(mount.id);
    });
    return store;
  }

  /** Lets go of the stores of all other mounts. */
  keepOnly(mounts: readonly MountedStore[]): void {
    const ids = new Set(mounts.map(({ id }) => id));
    for (const [id, opened] of this.#opened) {
      if (ids.has(id)) continue;
      this.#opened.delete(id);
      void closeOne(opened);
    }
  }

  /** Opens the store at `uri` for one look: the caller's to close. */
  openOnce(uri: string, options: ReadonlyMap<string, string>): Promise<UnderStore> {
    return this.#open(uri, options);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const all = [...this.#opened.values()];
    this.#opened.clear();
    await Promise.all(all.map(closeOne));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function isSame(a: MountedStore, b: MountedStore): boolean {
  const sameOptions =
    a.options.length === b.options.length &&
    a.options.every(({ key, value }, at) => b.options[at]?.key === key && b.options[at]?.value === value);
  return a.uri === b.uri && sameOptions;
}

async function closeOne({ store }: Opened): Promise<void> {
  await store.then((one) => one.close()).catch(() => {});
}
