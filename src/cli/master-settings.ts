/**
 * The settings of a master, as `Master` takes them.
 */
import type { Settings } from '../config/settings.js';
import type { MasterSettings } from '../master/master-settings.js';
import { RPC_SERVER_DEFAULTS } from '../rpc/rpc-server.js';
import { groupName } from './system-user.js';

/** Calls that may wait for their turn to be planned. */
const QUEUE_MAX = 65_536;
/** How long an elected standby lets a leader be that still serves: a ZooKeeper that restarted deposes nobody who is well. */
const INCUMBENT_GRACE_MS = 10_000;
/** Standbys that a leader feeds from memory; further ones follow the journal. */
const STANDBY_STREAMS_MAX = 32;

/** @param webPort that was bound. */
export function masterSettings(settings: Settings, version: string, webPort: number): MasterSettings {
  return {
    ...RPC_SERVER_DEFAULTS,
    listenAddress: `${settings.masterBindHost}:${settings.masterRpcPort}`,
    connectionsMax: settings.masterRpcConnectionsMax,
    callsInFlightMax: settings.masterRpcCallsMax,
    frameBytesMax: settings.masterRpcFrameBytesMax,
    outgoingBytesMax: settings.masterRpcOutgoingBytesMax,
    rpcAddress: `${settings.masterHostname}:${settings.masterRpcPort}`,
    webAddress: `${settings.masterHostname}:${webPort}`,
    version,
    owner: settings.securityLoginUsername,
    group: groupName(),
    permissionsEnabled: settings.securityAuthorizationPermissionEnabled,
    supergroup: settings.securityAuthorizationPermissionSupergroup,
    groupsTimeoutMs: settings.securityGroupMappingCacheTimeoutMs,
    incumbentGraceMs: INCUMBENT_GRACE_MS,
    recentBytesMax: settings.masterStandbyStreamBufferSizeBytes,
    standbyStreamsMax: STANDBY_STREAMS_MAX,
    heartbeatIntervalMs: settings.masterStandbyStreamHeartbeatIntervalMs,
    leaderPingTimeoutMs: settings.masterLeaderPingTimeoutMs,
    expelIntervalMs:
      settings.masterElection === 'zookeeper' ? settings.zookeeperSessionTimeoutMs : settings.masterEmbeddedElectionTimeoutMs,
    inodeCacheMax: settings.masterMetastoreInodeCacheMaxSize,
    flushRows: settings.masterMetastoreFlushRows,
    flushIntervalMs: settings.masterMetastoreFlushIntervalMs,
    queueMax: QUEUE_MAX,
    digestIntervalBatches: settings.masterDigestInterval,
    namespace: { blockBytesDefault: settings.userBlockSizeBytesDefault, trashIntervalMs: settings.masterTrashIntervalMs },
    checkpointsEnabled: settings.masterJournalCheckpointEnabled,
    checkpointPeriodEntries: settings.masterJournalCheckpointPeriodEntries,
    checkpointPeriodBytes: settings.masterJournalCheckpointPeriodBytes,
    checkpointPeriodMs: settings.masterJournalCheckpointPeriodTimeMs,
    checkpointsKept: settings.masterJournalCheckpointKeep,
    ttlCheckIntervalMs: settings.masterTtlCheckerIntervalMs,
    clientTimeoutMs: settings.masterClientSessionTimeoutMs,
    leaseTimeoutMs: settings.masterLeaseTimeoutMs,
    leaseRecovery: settings.masterLeaseRecovery,
    accessTimePrecisionMs: settings.masterFileAccessTimeUpdatePrecisionMs,
    peers: settings.masterRpcAddresses ?? [],
    isObserver: settings.masterRole === 'observer',
    isManual: settings.masterElectionMode === 'manual',
    clientsMax: settings.masterClientSessionsMax,
    clockSkewMaxMs: settings.masterClockSkewMaxMs,
    workerTimeoutMs: settings.masterWorkerTimeoutMs,
    balanceEnabled: settings.masterWorkerBalanceEnabled,
    balanceThreshold: settings.masterWorkerBalanceThreshold,
    balanceBytesPerSecond: settings.masterWorkerBalanceBandwidthBytes,
    decommissionedWorkers: settings.masterWorkerDecommissioned ?? [],
  };
}
