/** The workers of a cluster, as its leader knows them. */
import type { understudy } from '#proto/understudy.js';
import { operations } from '../metadata/operations.js';
import { askLeader } from './ask-leader.js';
import type { Client, ClientCallOptions } from './client.js';

export interface WorkerReport {
  /** `host:port` of its data service. */
  readonly address: string;
  readonly webAddress: string;
  /** LIVE, LEAVING, DECOMMISSIONING, DECOMMISSIONED (it may be switched off) or LOST. */
  readonly state: string;
  /** Unix time in milliseconds since which it is in this state. */
  readonly sinceMs: number;
  /** Milliseconds since it last said something. */
  readonly heardMs: number;
  readonly blocks: number;
  /** While it is taken out of use: those that have to be on other workers before it may be switched off; null: the leader has not looked yet. */
  readonly blocksLeft: number | null;
  /** The fastest first. */
  readonly tiers: readonly WorkerTier[];
  readonly version: string;
  /** Kept on its disks. */
  readonly id: string;
}

export interface WorkerTier {
  readonly name: string;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly directories: number;
  readonly failedDirectories: number;
}

const TIMEOUT_MS = 10_000;

/** Resolves with the workers by address. @throws `unavailable`: nobody leads now. */
export async function workerReports(client: Client, given: ClientCallOptions = {}): Promise<readonly WorkerReport[]> {
  const { workers } = await askLeader(client, operations.listWorkers, {}, { timeoutMs: TIMEOUT_MS, ...given });
  return workers.map(workerReport).sort((a, b) => (a.address < b.address ? -1 : 1));
}

function workerReport(told: understudy.WorkerInfo.$Properties): WorkerReport {
  const { worker, state, tiers, blocks, blocksLeft, sinceMs, heardMs } = told;
  return {
    address: worker?.rpcAddress ?? '',
    webAddress: worker?.webAddress ?? '',
    state: state ?? '',
    sinceMs: sinceMs ?? 0,
    heardMs: heardMs ?? 0,
    blocks: blocks ?? 0,
    blocksLeft: blocksLeft ?? null,
    tiers: (tiers ?? []).map((tier) => ({
      name: tier.name ?? '',
      capacityBytes: tier.capacityBytes ?? 0,
      usedBytes: tier.usedBytes ?? 0,
      directories: tier.directories ?? 0,
      failedDirectories: tier.failedDirectories ?? 0,
    })),
    version: worker?.version ?? '',
    id: worker?.id ?? '',
  };
}
