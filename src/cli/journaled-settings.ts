/**
 * The settings of the masters that stand in the journal, as far as this master's own store has them: what it is started with. What has changed
 * since, it hears while it catches up.
 *
 * The store is opened once: whoever asks for it next gets that one, or the error that opening it met.
 */
import { asError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { KvStore, KvStores } from '../kv/kv-store.js';
import { configCodec, type Property, propertiesAt } from '../metadata/cluster-config.js';
import { CONFIG_KEY } from '../metadata/keys.js';

export class JournaledSettings implements KvStores, AsyncDisposable {
  readonly #stores: KvStores;
  #ahead: Promise<KvStore> | null;

  constructor(stores: KvStores) {
    this.#stores = stores;
    this.#ahead = stores.open();
    this.#ahead.catch(() => {});
  }

  /** Of a store that cannot be opened, none: its master sees to that, and says why. */
  async properties(log: Log): Promise<readonly Property[]> {
    const store = await this.#ahead?.catch(() => null);
    try {
      const row = store?.get(CONFIG_KEY);
      return row === undefined ? [] : propertiesAt(configCodec.decode(row), '');
    } catch (error) {
      log.warn({ error: asError(error) }, "the settings in the journal cannot be read from this master's own store");
      return [];
    }
  }

  open(): Promise<KvStore> {
    const ahead = this.#ahead;
    this.#ahead = null;
    return ahead ?? this.#stores.open();
  }

  proved(): Promise<void> {
    return this.#stores.proved();
  }

  setAside(): Promise<void> {
    return this.#stores.setAside();
  }

  /** Closes the store where nobody has asked for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const store = await this.#ahead?.catch(() => null);
    await store?.close();
  }
}
