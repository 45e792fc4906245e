/**
 * The seams of the production code as one process of the world has them: storage and election beyond its gate (sim-process.ts).
 *
 * What a process asked for before it was paused goes on outside; only the answer waits. When it is killed, looks are given up, and nobody hears
 * what became of the rest.
 */
import type { Election, LeaderDirectory } from '../../src/election/election.js';
import type { KvStore, KvStores } from '../../src/kv/kv-store.js';
import type { SimProcess } from './sim-process.js';

/** A signal that is also aborted when the process ends. */
function untilEnd(process: SimProcess, signal: AbortSignal | undefined): AbortSignal {
  const controller = new AbortController();
  process.atEnd(() => controller.abort());
  if (signal?.aborted) controller.abort(signal.reason);
  else signal?.addEventListener('abort', () => controller.abort(signal.reason), { once: true });
  return controller.signal;
}

export function gatedStores(process: SimProcess, stores: KvStores): KvStores {
  return {
    open: async () => gatedStore(process, await process.gate(stores.open())),
    proved: () => process.gate(stores.proved()),
    setAside: () => process.gate(stores.setAside()),
  };
}

function gatedStore(process: SimProcess, store: KvStore): KvStore {
  const close = () => process.gate(store.close());
  return {
    get: (key) => store.get(key),
    write: (operations) => {
      process.reaches('its store');
      return process.gate(store.write(operations));
    },
    snapshot() {
      const snapshot = store.snapshot();
      return {
        rows: (range, chunkRows) => process.gateAll(snapshot.rows(range, chunkRows)),
        close: () => process.gate(snapshot.close()),
      };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export function gatedElection(process: SimProcess, election: Election): Election {
  const close = () => process.gate(election.close());
  return {
    join: (rpcAddress, report) => election.join(rpcAddress, (event) => process.deliver(() => report(event))),
    requeue: () => process.gate(election.requeue()),
    publish: (record) => process.gate(election.publish(record)),
    withdraw: () => process.gate(election.withdraw()),
    expel: (rpcAddress) => process.gate(election.expel(rpcAddress)),
    candidates: () => process.gate(election.candidates()),
    leave: () => process.gate(election.leave()),
    close,
    [Symbol.asyncDispose]: close,
  };
}

export function gatedDirectory(process: SimProcess, directory: LeaderDirectory): LeaderDirectory {
  const close = () => process.gate(directory.close());
  return {
    leaders: (signal) => process.gate(directory.leaders(untilEnd(process, signal))),
    candidates: (signal) => process.gate(directory.candidates(untilEnd(process, signal))),
    close,
    [Symbol.asyncDispose]: close,
  };
}
