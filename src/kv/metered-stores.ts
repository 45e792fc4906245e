/** Stores whose look-ups are counted and whose writes are timed. */
import type { Clock } from '../base/clock.js';
import { asError } from '../base/errors.js';
import { type Metrics, SECONDS } from '../base/metrics.js';
import type { KvStore, KvStores } from './kv-store.js';

export function meteredStores(stores: KvStores, metrics: Metrics, clock: Clock): KvStores {
  return {
    open: async () => meteredStore(await stores.open(), metrics, clock),
    proved: () => stores.proved(),
    setAside: () => stores.setAside(),
  };
}

function meteredStore(store: KvStore, metrics: Metrics, clock: Clock): KvStore {
  const gets = metrics.counter('understudy_metastore_gets_total', 'Rows that were looked up in the store, as no cache had them.');
  const written = (outcome: string) =>
    metrics.histogram('understudy_metastore_write_seconds', 'Time to write a generation of rows to the store.', SECONDS, { outcome });
  // It is told before the first one.
  written('ok');
  return {
    get(key) {
      gets.add();
      return store.get(key);
    },
    async write(operations) {
      const beganMs = clock.monotonicMs();
      const took = (outcome: string) => written(outcome).observe((clock.monotonicMs() - beganMs) / 1_000);
      try {
        await store.write(operations);
        took('ok');
      } catch (error) {
        took(asError(error).code);
        throw error;
      }
    },
    snapshot: () => store.snapshot(),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  };
}
