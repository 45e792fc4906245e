/**
 * Composes a client out of the real clock, TCP and ZooKeeper: for programs and for commands.
 */
import { hostname, networkInterfaces } from 'node:os';
import type { Log } from '../base/log.js';
import { systemClock } from '../base/system-clock.js';
import { systemFiles } from '../base/system-file.js';
import { systemRandom } from '../base/system-random.js';
import { Client } from '../client/client.js';
import { type ClientSettings, DEFAULT_CLIENT_SETTINGS } from '../client/client-settings.js';
import { PREFIX } from '../config/layers.js';
import type { LoadedSettings } from '../config/load-settings.js';
import { SETTINGS, type Settings } from '../config/settings.js';
import type { LeaderDirectory } from '../election/election.js';
import { ZooKeeperDirectory, type ZooKeeperDirectorySettings } from '../election/zookeeper-directory.js';
import { connectRpc, RPC_CLIENT_DEFAULTS, RPC_DATA_CLIENT_DEFAULTS } from '../rpc/rpc-connection.js';
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
  const settings = { ...DEFAULT_CLIENT_SETTINGS, ...client, data: { localHosts: ownHosts(), ...client.data } };
  return {
    client: new Client(settings, {
      clock: systemClock,
      random: systemRandom,
      connect: (address, signal) => connectRpc(RPC_CLIENT_DEFAULTS, deps, address, signal),
      connectWorker: (address, signal) => connectRpc(RPC_DATA_CLIENT_DEFAULTS, deps, address, signal),
      files: systemFiles,
      ...(directory === undefined ? {} : { directory }),
    }),
    closeDirectory: async () => directory?.close(),
  };
}

/** @returns names and addresses of this host. */
function ownHosts(): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((of) => of ?? []);
  return [hostname(), ...addresses.map(({ address, family }) => (family === 'IPv6' ? `[${address}]` : address))];
}

const LOAD_WHEN = { once: 'ONCE', always: 'ALWAYS', never: 'NEVER' } as const;

const WRITE_TYPES = {
  must_cache: 'MUST_CACHE',
  cache_through: 'CACHE_THROUGH',
  through: 'THROUGH',
  async_through: 'ASYNC_THROUGH',
} as const;
const READ_TYPES = { cache: 'CACHE', cache_promote: 'CACHE_PROMOTE', no_cache: 'NO_CACHE' } as const;

/** Of the machine where the client runs; without `rows`, what is a default and what was set cannot be told apart. */
type OwnSettings = Pick<LoadedSettings, 'settings'> & Partial<Pick<LoadedSettings, 'rows'>>;

/** @returns where and how a client of these settings calls. @param group of the user in whose name it acts. */
export function clientPlaces({ settings, rows = [] }: OwnSettings, group: string): ClientPlaces {
  const blockBytesRow = rows.find(({ key }) => key === PREFIX + SETTINGS.userBlockSizeBytesDefault.key);
  const client: Partial<ClientSettings> = {
    masters: mastersOf(settings),
    user: settings.securityLoginUsername,
    group,
    umask: settings.securityAuthorizationPermissionUmask,
    leaseRenewalIntervalMs: settings.masterLeaseTimeoutMs / 3,
    blockBytes: (blockBytesRow?.source ?? 'default') === 'default' ? 0 : settings.userBlockSizeBytesDefault,
    loadMetadata: LOAD_WHEN[settings.userFileMetadataLoadType],
    syncIntervalMs: settings.userFileMetadataSyncIntervalMs === '-1' ? null : settings.userFileMetadataSyncIntervalMs,
    callTimeoutMs: settings.userRpcRetryMaxDurationMs,
    attemptTimeoutMs: settings.userRpcTimeoutMs,
    retryBaseMs: settings.userRpcRetryBaseSleepMs,
    retryMaxMs: settings.userRpcRetryMaxSleepMs,
    data: { writeType: WRITE_TYPES[settings.userFileWritetypeDefault], readType: READ_TYPES[settings.userFileReadtypeDefault] },
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
