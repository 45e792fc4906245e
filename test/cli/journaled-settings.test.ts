/** The settings that a master is started with out of its own store: read before anybody opens it, and the store handed on once. */
import { expect, onTestFinished, test } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { type Log, silentLog } from '../../src/base/log.js';
import { JournaledSettings } from '../../src/cli/journaled-settings.js';
import type { KvStore, KvStores } from '../../src/kv/kv-store.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { configCodec } from '../../src/metadata/cluster-config.js';
import { CONFIG_KEY } from '../../src/metadata/keys.js';

const PLACES = [
  { path: '', properties: [{ key: 'master.trash.interval', value: '1h' }] },
  { path: '/a', properties: [{ key: 'user.block.size.bytes.default', value: '2MB' }] },
];

/** Counts what is asked of real stores. */
class Counted implements KvStores {
  readonly inner = new MemoryStores();
  opened = 0;
  closed = 0;

  async open(): Promise<KvStore> {
    this.opened += 1;
    const store = await this.inner.open();
    const close = store.close.bind(store);
    store.close = async () => {
      this.closed += 1;
      await close();
    };
    return store;
  }

  proved(): Promise<void> {
    return this.inner.proved();
  }

  setAside(): Promise<void> {
    return this.inner.setAside();
  }
}

async function withSettings(value = configCodec.encode({ sn: 1, places: PLACES })): Promise<Counted> {
  const stores = new Counted();
  const store = await stores.inner.open();
  await store.write([{ type: 'put', key: CONFIG_KEY, value }]);
  await store.close();
  return stores;
}

test('settings of the masters are read, those for paths are not; the store that was opened for it is handed on, once', async () => {
  const stores = await withSettings();
  await using settings = new JournaledSettings(stores);
  expect(await settings.properties(silentLog)).toEqual([{ key: 'master.trash.interval', value: '1h' }]);
  const store = await settings.open();
  expect(stores.opened).toBe(1);
  expect(store.get(CONFIG_KEY)).toBeDefined();
  await store.close();
  const again = await settings.open();
  expect(stores.opened).toBe(2);
  onTestFinished(() => again.close());
});

test('an empty store has none, and is closed where nobody asks for it', async () => {
  const stores = new Counted();
  {
    await using settings = new JournaledSettings(stores);
    expect(await settings.properties(silentLog)).toEqual([]);
  }
  expect(stores).toMatchObject({ opened: 1, closed: 1 });
});

test('a store that cannot be opened has none, of which nothing is said; who opens it is told why', async () => {
  const { told, log } = listening();
  const broken = new UnderstudyError('failed_precondition', 'it is open elsewhere');
  const stores: KvStores = { open: () => Promise.reject(broken), proved: async () => {}, setAside: async () => {} };
  await using settings = new JournaledSettings(stores);
  expect(await settings.properties(log)).toEqual([]);
  expect(told).toEqual([]);
  await expect(settings.open()).rejects.toBe(broken);
});

test('settings that cannot be read are none, which is told; the store is handed on all the same', async () => {
  const { told, log } = listening();
  const stores = await withSettings(new Uint8Array([255, 255]));
  await using settings = new JournaledSettings(stores);
  expect(await settings.properties(log)).toEqual([]);
  expect(told).toEqual(["the settings in the journal cannot be read from this master's own store"]);
  await (await settings.open()).close();
  expect(stores).toMatchObject({ opened: 1, closed: 1 });
});

function listening() {
  const told: string[] = [];
  const log: Log = { ...silentLog, warn: (_, message) => void told.push(message) };
  return { told, log };
}
