/**
 * One master of the production code on a host of the world.
 */
import type { Election } from '../../src/election/election.js';
import { ManualElection } from '../../src/election/manual-election.js';
import type { KvStores } from '../../src/kv/kv-store.js';
import { ownNameGroups } from '../../src/master/group-mapping.js';
import { Master } from '../../src/master/master.js';
import type { MasterSettings } from '../../src/master/master-settings.js';
import type { Network } from '../../src/rpc/network.js';
import { RPC_SERVER_DEFAULTS } from '../../src/rpc/rpc-server.js';
import type { UnderStores } from '../../src/underfs/under-stores.js';
import { gatedNetwork } from './gated-network.js';
import { gatedStores } from './gated-seams.js';
import { type JournalObserver, observedJournal, observedStores } from './observed-journal.js';
import type { SharedElection } from './shared-election.js';
import type { SharedJournal } from './shared-journal.js';
import type { SimProcess } from './sim-process.js';
import type { MasterTuning } from './world-settings.js';

export interface MasterParts {
  readonly network: Network;
  readonly stores: KvStores;
  readonly journal: SharedJournal;
  readonly election: SharedElection;
  readonly commits: JournalObserver;
  /** Counts events. */
  readonly now: () => number;
  /** `host:port` of all masters. */
  readonly peers: readonly string[];
  readonly tuning: MasterTuning;
  readonly workerTimeoutMs: number;
  readonly underStores: UnderStores;
  readonly isObserver: boolean;
  /** Told of the master once it is open. */
  readonly opened: (master: Master) => void;
  readonly violated: (violation: string) => void;
}

/** Small enough that one who reads nothing meets them. */
export const RPC_BOUNDS = {
  frameBytesMax: 128 << 10,
  outgoingBytesSoftMax: 8 << 10,
  outgoingBytesMax: 256 << 10,
  connectionsMax: 256,
  standbyStreamsMax: 8,
};

const SETTINGS: Omit<
  MasterSettings,
  'rpcAddress' | 'listenAddress' | 'webAddress' | 'peers' | 'isObserver' | 'workerTimeoutMs' | keyof MasterTuning
> = {
  ...RPC_SERVER_DEFAULTS,
  ...RPC_BOUNDS,
  version: 'simulated',
  owner: 'simon',
  group: 'users',
  permissionsEnabled: true,
  isManual: false,
  supergroup: 'supergroup',
  groupsTimeoutMs: 60_000,
  namespace: { blockBytesDefault: 64 * 1024 * 1024, trashIntervalMs: 0 },
  clientTimeoutMs: 3_600_000,
  ttlCheckIntervalMs: 60_000,
  leaseTimeoutMs: 600_000,
  leaseRecovery: 'complete' as const,
  accessTimePrecisionMs: 0,
  clientsMax: 1000,
  clockSkewMaxMs: 30_000,
  balanceEnabled: true,
  balanceThreshold: 0.1,
  balanceBytesPerSecond: 100_000_000,
  decommissionedWorkers: [],
  checkpointsEnabled: true,
  checkpointPeriodBytes: 1 << 30,
  checkpointPeriodMs: 3_600_000,
};

/** Resolves when the master has ended by itself, or after `stop` was aborted. */
export async function runMaster(address: string, process: SimProcess, parts: MasterParts, stop: AbortSignal): Promise<void> {
  const { clock, log } = process;
  const { commits, now } = parts;
  const observed = observedJournal(process, await parts.journal.open(process), commits, now);
  let master: Master | undefined;
  const serves = (epoch: number) => master?.leadership?.writer.epoch === epoch;
  const watched = (election: Election): Election => ({
    ...election,
    publish(record) {
      if (!serves(record.epoch)) parts.violated(`publish: ${process.name} publishes epoch ${record.epoch}, and does not serve it`);
      return election.publish(record);
    },
  });
  master = await Master.open(
    {
      ...SETTINGS,
      ...parts.tuning,
      workerTimeoutMs: parts.workerTimeoutMs,
      isObserver: parts.isObserver,
      peers: parts.peers,
      rpcAddress: address,
      listenAddress: address,
      webAddress: `${address.split(':')[0]}:19999`,
    },
    {
      clock,
      log,
      network: gatedNetwork(process, parts.network),
      journal: observed,
      election: parts.isObserver ? new ManualElection('never') : watched(parts.election.election(process)),
      stores: observedStores(process, gatedStores(process, parts.stores), commits),
      underStores: parts.underStores,
      groups: ownNameGroups,
    },
  );
  const opened = master;
  stop.addEventListener('abort', () => process.deliver(() => void opened.close().catch(() => {})), { once: true });
  parts.opened(opened);
  await opened.closed;
}
