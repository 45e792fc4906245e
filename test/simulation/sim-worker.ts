/**
 * One worker of the production code on a host of the world: all of it but the disk, which is a simulated one (worker-disk.ts).
 */

import { operations } from '../../src/metadata/operations.js';
import type { Network } from '../../src/rpc/network.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { RPC_SERVER_DEFAULTS } from '../../src/rpc/rpc-server.js';
import type { UnderStores } from '../../src/underfs/under-stores.js';
import { TieredStore } from '../../src/worker/tiered-store.js';
import { UnderMounts } from '../../src/worker/under-mounts.js';
import { Worker } from '../../src/worker/worker.js';
import { readCluster, writeCluster } from '../../src/worker/worker-cluster.js';
import { gatedNetwork } from './gated-network.js';
import type { SimClient } from './sim-client.js';
import type { SimProcess } from './sim-process.js';
import { BLOCKS_FOLDER, type WorkerDisk } from './worker-disk.js';
import type { WorkerTuning } from './world-settings.js';

export interface WorkerParts {
  readonly network: Network;
  readonly disk: WorkerDisk;
  readonly stores: UnderStores;
  /** Of this process. */
  readonly client: SimClient;
  readonly tuning: WorkerTuning;
  /** Told of the worker once it is open. */
  readonly opened: (worker: Worker) => void;
}

const SETTINGS = {
  ...RPC_SERVER_DEFAULTS,
  version: 'simulated',
  readsMax: 4,
  changedFile: 'refuse',
  persistsMax: 2,
  copiesMax: 2,
} as const;
const DRAIN_MAX_MS = 2_000;
const DIRECTORIES = [BLOCKS_FOLDER];

/** Resolves when the worker has ended in order, after `stop` was aborted. @throws what its start fails with. */
export async function runWorker(address: string, process: SimProcess, parts: WorkerParts, stop: AbortSignal): Promise<void> {
  const { clock, random, log } = process;
  const { disk, client, tuning, stores } = parts;
  const files = disk.files(process);
  const deps = { clock, random, log, files, lock: async () => NO_LOCK, network: gatedNetwork(process, parts.network) };
  const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => process.deliver(resolve), { once: true }));
  const directories = [{ path: BLOCKS_FOLDER, quotaBytes: tuning.quotaBytes }];
  await using store = await TieredStore.open(
    {
      tiers: [{ name: 'SSD', directories, highWatermark: 0.9, lowWatermark: 0.7 }],
      scrub: { bytesPerSecond: tuning.scrubBytesPerSecond, intervalMs: tuning.scrubIntervalMs },
      diskCheckIntervalMs: tuning.diskCheckIntervalMs,
    },
    deps,
  );
  const blocksOf = await readCluster(DIRECTORIES, deps);
  const { files: names } = client;
  const settings = { ...SETTINGS, listenAddress: address, rpcAddress: address, webAddress: '', drainMaxMs: DRAIN_MAX_MS };
  await using worker = await Worker.open(settings, {
    ...deps,
    ...{ store, blocksOf, workerId: store.workerId },
    mounts: new UnderMounts({ ...deps, stores, listMounts: () => names.listMounts() }),
    connect: (to, signal) => connectRpc(RPC_CLIENT_DEFAULTS, deps, to, signal),
    joined: (joined) => writeCluster(DIRECTORIES, joined, deps),
    findMasters: async (signal) => (await names.client.masters({ signal })).map((master) => master.address),
    commitPersist: async (written) => void (await names.client.mutate(operations.commitPersist, written)),
  });
  parts.opened(worker);
  await stopped;
  await worker.close();
}

/** One process of a host is alive at a time. */
const NO_LOCK: AsyncDisposable = { [Symbol.asyncDispose]: async () => {} };
