/** The settings of a worker, as `Worker` and its store take them. */
import type { Settings } from '../config/settings.js';
import { RPC_SERVER_DEFAULTS } from '../rpc/rpc-server.js';
import type { TieredStoreSettings } from '../worker/tiered-store.js';
import type { TierSettings } from '../worker/tiers.js';
import type { WorkerSettings } from '../worker/worker.js';

const PERSISTS_MAX = 4;
const COPIES_MAX = 4;
/** What is being read and written when it is told to stop has so long to end. */
const DRAIN_MAX_MS = 10_000;

const DISK_CHECK_INTERVAL_MS = 10_000;

/** @param webPort that was bound. */
export function workerSettings(settings: Settings, version: string, webPort: number): WorkerSettings {
  return {
    ...RPC_SERVER_DEFAULTS,
    listenAddress: `${settings.workerBindHost}:${settings.workerRpcPort}`,
    rpcAddress: `${settings.workerHostname}:${settings.workerRpcPort}`,
    webAddress: `${settings.workerHostname}:${webPort}`,
    version,
    readsMax: settings.workerUfsReadConcurrencyMax,
    changedFile: settings.workerUfsChangedFile,
    persistsMax: PERSISTS_MAX,
    copiesMax: COPIES_MAX,
    drainMaxMs: DRAIN_MAX_MS,
  };
}

export function storeSettings(settings: Settings): TieredStoreSettings {
  return {
    tiers: tiersOf(settings),
    scrub: { bytesPerSecond: settings.workerScrubRateBytes, intervalMs: settings.workerScrubIntervalMs },
    diskCheckIntervalMs: DISK_CHECK_INTERVAL_MS,
  };
}

/** @returns the directories of all tiers. */
export function directoriesOf(settings: Settings): readonly string[] {
  return tiersOf(settings).flatMap(({ directories }) => directories.map(({ path }) => path));
}

/** @returns the tiers that the settings name, the fastest first. */
function tiersOf(settings: Settings): readonly TierSettings[] {
  return ([0, 1, 2] as const).slice(0, settings.workerTieredstoreLevels).map((level) => {
    const paths = settings[`workerTieredstoreLevel${level}DirsPath`] ?? [];
    const quotas = settings[`workerTieredstoreLevel${level}DirsQuota`] ?? [];
    return {
      name: settings[`workerTieredstoreLevel${level}Alias`],
      highWatermark: settings[`workerTieredstoreLevel${level}WatermarkHighRatio`],
      lowWatermark: settings[`workerTieredstoreLevel${level}WatermarkLowRatio`],
      directories: paths.map((path, at) => ({ path, quotaBytes: quotas[at] ?? quotas.at(-1) ?? 0 })),
    };
  });
}
