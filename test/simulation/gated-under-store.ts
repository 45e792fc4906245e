/** Mounted storage as one process of the world has it: each request takes its time, and answers pass the gate (sim-process.ts). */
import { sleep } from '../../src/base/wait.js';
import type { UnderStore } from '../../src/underfs/under-store.js';
import type { SimProcess } from './sim-process.js';

export function gatedUnderStore(process: SimProcess, store: UnderStore): UnderStore {
  const ask = async <T>(request: () => Promise<T>): Promise<T> => {
    await sleep(process.clock, process.random.between(...LATENCY_MS));
    return process.gate(request());
  };
  const close = () => process.gate(store.close());
  return {
    location: store.location,
    traits: store.traits,
    list: (path, options) => process.gateAll(store.list(path, options)),
    stat: (path, signal) => ask(() => store.stat(path, signal)),
    open: (path, range) => process.gateAll(store.open(path, range)),
    create: (path, bytes, signal) => ask(() => store.create(path, bytes, signal)),
    write: (path, chunks, options) => ask(() => store.write(path, chunks, options)),
    makeDirectory: (path, signal) => ask(() => store.makeDirectory(path, signal)),
    rename: (from, to, signal) => ask(() => store.rename(from, to, signal)),
    delete: (path, options) => ask(() => store.delete(path, options)),
    setAttributes: (path, attributes, signal) => ask(() => store.setAttributes(path, attributes, signal)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

const LATENCY_MS = [0.2, 8] as const;
