/**
 * Composes a client out of the real clock, TCP and ZooKeeper: for programs and for commands.
 */
import type { Log } from '../base/log.js';
import { systemClock } from '../base/system-clock.js';
import { systemRandom } from '../base/system-random.js';
import { Client } from '../client/client.js';
import { type ClientSettings, DEFAULT_CLIENT_SETTINGS } from '../client/client-settings.js';
import type { Settings } from '../config/settings.js';
import type { LeaderDirectory } from '../election/election.js';
import { ZooKeeperDirectory, type ZooKeeperDirectorySettings } from '../election/zookeeper-directory.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../rpc/rpc-connection.js';
import { tcpNetwork } from '../rpc/tcp-network.js';

export interface ClientPlaces {
  readonly client: Partial<ClientSettings>;
  /** Where the leader directory is, if there is one. */
  readonly zookeeper?: ZooKeeperDirectorySettings;
}

/** A client, and what has to be closed after it. */
export interface OpenClient {
  readonly client: Client;
  closeDirectory(): Promise<void>;
}

/** Waits for nobody: the first call looks for the leader. */
export async function openClient({ client, zookeeper }: ClientPlaces, log: Log): Promise<OpenClient> {
  const deps = { clock: systemClock, random: systemRandom, log, network: tcpNetwork };
  const directory: LeaderDirectory | undefined = zookeeper === undefined ? undefined : await ZooKeeperDirectory.open(zookeeper, deps);
  const settings = { ...DEFAULT_CLIENT_SETTINGS, ...client };
  return {
    client: new Client(settings, {
      clock: systemClock,
      random: systemRandom,
      connect: (address, signal) => connectRpc(RPC_CLIENT_DEFAULTS, deps, address, signal),
      ...(directory === undefined ? {} : { directory }),
    }),
    closeDirectory: async () => directory?.close(),
  };
}

const LOAD_WHEN = { once: 'ONCE', always: 'ALWAYS', never: 'NEVER' } as const;

/** @returns where and how a client of these settings calls. @param group of the user in whose name it acts. */
export function clientPlaces(settings: Settings, group: string): ClientPlaces {
  const client: Partial<ClientSettings> = {
    masters: mastersOf(settings),
    user: settings.securityLoginUsername,
    group,
    umask: settings.securityAuthorizationPermissionUmask,
    leaseRenewalIntervalMs: settings.masterLeaseTimeoutMs / 3,
    loadMetadata: LOAD_WHEN[settings.userFileMetadataLoadType],
    syncIntervalMs: settings.userFileMetadataSyncIntervalMs === '-1' ? null : settings.userFileMetadataSyncIntervalMs,
    callTimeoutMs: settings.userRpcRetryMaxDurationMs,
    attemptTimeoutMs: settings.userRpcTimeoutMs,
    retryBaseMs: settings.userRpcRetryBaseSleepMs,
    retryMaxMs: settings.userRpcRetryMaxSleepMs,
  };
  const zookeeper = zooKeeperOf(settings);
  return zookeeper === undefined ? { client } : { client, zookeeper };
}

function mastersOf(settings: Settings): readonly string[] {
  if (settings.masterRpcAddresses !== undefined) return settings.masterRpcAddresses;
  return settings.zookeeperEnabled ? [] : [`${settings.masterHostname}:${settings.masterRpcPort}`];
}

function zooKeeperOf(settings: Settings): ZooKeeperDirectorySettings | undefined {
  if (!settings.zookeeperEnabled || settings.zookeeperAddress === undefined) return undefined;
  return {
    servers: settings.zookeeperAddress,
    sessionTimeoutMs: settings.zookeeperSessionTimeoutMs,
    electionPath: settings.zookeeperElectionPath,
    leaderPath: settings.zookeeperLeaderPath,
    answerTimeoutMs: settings.zookeeperConnectionTimeoutMs,
  };
}
