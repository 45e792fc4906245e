// biome-ignore-all lint/suspicious/noTemplateCurlyInString: defaults refer to other settings
/**
 * THE table of settings: the one place where a setting is added or changed.
 *
 * A row's name is its key in camel case, with the unit (`Ms`, `Bytes`) at the end where the key does not say it; the tests hold that. After
 * a change, `npx vitest run test/config -u` writes conf/understudy-site.properties.template and conf/settings.md anew.
 * Keys and defaults are Alluxio's wherever Alluxio has the setting; the same key under `alluxio.` is accepted too.
 */
import type { Setting, SettingValue } from './setting.js';
import {
  boolean,
  byteSize,
  duration,
  endpoint,
  host,
  hostPortList,
  integer,
  journalLocation,
  name,
  oneOf,
  path,
  port,
  wordOr,
  zookeeperAddress,
  zookeeperPath,
} from './value-type.js';

const general = {
  home: {
    key: 'home',
    type: path,
    default: { machine: 'the folder of the installation' },
    help: 'Folder of the installation. Other paths may refer to it.',
  },
  workDir: {
    key: 'work.dir',
    type: path,
    default: '${understudy.home}',
    help: 'Folder below which state is kept unless it has a place of its own.',
  },
  loggerLevel: {
    key: 'logger.level',
    type: oneOf('debug', 'info', 'warn', 'error'),
    default: 'info',
    help: 'Least severity that is logged. At debug, errors are logged with their stacks.',
  },
  loggerFormat: {
    key: 'logger.format',
    type: oneOf('text', 'json'),
    default: 'text',
    help: 'Lines for people, or one JSON object a line for machines. The log goes to stderr.',
  },
  securityLoginUsername: {
    key: 'security.login.username',
    type: name,
    default: { machine: 'the user who runs the program' },
    help: 'User in whose name a client acts: the owner of what it makes.',
  },
} as const satisfies Record<string, Setting>;

const zookeeper = {
  zookeeperEnabled: {
    key: 'zookeeper.enabled',
    type: boolean,
    default: 'false',
    help: 'Whether ZooKeeper elects the leader and tells clients where it is. Needs zookeeper.address.',
  },
  zookeeperAddress: {
    key: 'zookeeper.address',
    type: zookeeperAddress,
    help: 'The servers of the ensemble.',
  },
  zookeeperSessionTimeoutMs: {
    key: 'zookeeper.session.timeout',
    type: duration({ min: '500ms', max: '1h' }),
    default: '4sec',
    help:
      'How long ZooKeeper waits for a master that went silent before it elects another: the longest part of a takeover when a whole host is lost. ' +
      'The servers bound it by their tickTime (twice to twenty times that). A process that merely died is noticed at once, whatever this says.',
  },
  zookeeperConnectionTimeoutMs: {
    key: 'zookeeper.connection.timeout',
    type: duration({ min: '100ms', max: '10min' }),
    default: '15sec',
    help: 'How long to wait for a first connection to ZooKeeper before saying that it cannot be reached.',
  },
  zookeeperElectionPath: {
    key: 'zookeeper.election.path',
    type: zookeeperPath,
    default: '/understudy/election',
    help: 'Znode below which the masters that may lead are registered. One per cluster.',
  },
  zookeeperLeaderPath: {
    key: 'zookeeper.leader.path',
    type: zookeeperPath,
    default: '/understudy/leader',
    help: 'Znode below which the serving leader publishes its address. One per cluster.',
  },
} as const satisfies Record<string, Setting>;

const master = {
  masterHostname: {
    key: 'master.hostname',
    type: host,
    default: { machine: 'the host name of this machine' },
    help: 'Name under which clients and other masters reach this one. Together with the RPC port it names the master in the election.',
  },
  masterRpcPort: {
    key: 'master.rpc.port',
    type: port,
    default: '19998',
    help: 'Port for clients, workers and other masters.',
  },
  masterWebPort: {
    key: 'master.web.port',
    type: port,
    default: '19999',
    help: 'Port for people, scripts and metrics.',
  },
  masterBindHost: {
    key: 'master.bind.host',
    type: host,
    default: '0.0.0.0',
    help: 'Address that the RPC port listens on; 0.0.0.0 is every one of this machine.',
  },
  masterWebBindHost: {
    key: 'master.web.bind.host',
    type: host,
    default: '0.0.0.0',
    help: 'Address that the web port listens on; 0.0.0.0 is every one of this machine.',
  },
  masterRpcAddresses: {
    key: 'master.rpc.addresses',
    type: hostPortList,
    help: 'RPC addresses of all masters, for clients that find the leader without ZooKeeper. Unset: master.hostname and master.rpc.port alone.',
  },
  masterElection: {
    key: 'master.election',
    type: oneOf('zookeeper', 'embedded', 'none'),
    default: {
      derived: 'zookeeper if understudy.zookeeper.enabled is true, else embedded',
      of: (textOf) => (textOf('zookeeper.enabled')?.toLowerCase() === 'true' ? 'zookeeper' : 'embedded'),
    },
    help:
      'Who says which master should lead: ZooKeeper; a lease kept beside the journal (embedded); or an operator (none). ' +
      'Which master may write is decided by the journal in every case.',
  },
  masterRole: {
    key: 'master.role',
    type: oneOf('candidate', 'leader', 'observer'),
    default: 'candidate',
    help:
      'What this master may become. A candidate leads when it is elected, or told to (fsadmin leader transfer). An observer replays the journal ' +
      'and answers reads, and never leads: a test instance on a live journal. A leader claims the lead when it starts, unless another master ' +
      'serves; only for one master of the cluster, and only without an election (understudy.master.election=none).',
  },
  masterEmbeddedElectionTimeoutMs: {
    key: 'master.embedded.election.timeout',
    type: duration({ min: '500ms', max: '1h' }),
    default: '4sec',
    help: 'With the embedded election: how long a leader may leave its lease unrenewed before another master takes over.',
  },
  masterLeaderPingTimeoutMs: {
    key: 'master.leader.ping.timeout',
    type: duration({ min: '100ms', max: '1h' }),
    default: '2sec',
    help:
      'How long a leader whose host is up may say nothing to a standby before it is taken for hung and another one is elected. ' +
      'Keep it well above the longest pause of a healthy process.',
  },
  masterStandbyStreamBufferSizeBytes: {
    key: 'master.standby.stream.buffer.size',
    type: byteSize({ min: '64KB', max: '4GB' }),
    default: '16MB',
    help: 'Newest committed changes that are kept in memory for standbys; one that is further behind than that follows the journal until it is not.',
  },
  masterStandbyStreamHeartbeatIntervalMs: {
    key: 'master.standby.stream.heartbeat.interval',
    type: duration({ min: '10ms', max: '1min' }),
    default: '250ms',
    help: 'How often a leader tells its standbys that it is alive, and is told what they have applied. Keep it well below master.leader.ping.timeout.',
  },
} as const satisfies Record<string, Setting>;

const journal = {
  masterJournalFolder: {
    key: 'master.journal.folder',
    type: journalLocation,
    default: '${understudy.work.dir}/journal',
    help:
      'The journal, on storage that all masters share: a folder, or s3://bucket/prefix. Every acknowledged change is here, and nowhere else for ' +
      'certain. A bucket has to honour "If-None-Match: *" on PUT, which is tried at the start, and to be unversioned.',
  },
  masterJournalLogSizeBytesMax: {
    key: 'master.journal.log.size.bytes.max',
    type: byteSize({ min: '1MB', max: '4GB' }),
    default: '64MB',
    help: 'Size at which a segment of the log is followed by the next one. Has to hold more than one batch.',
  },
  masterJournalBatchSizeMaxBytes: {
    key: 'master.journal.batch.size.max',
    type: byteSize({ min: '64KB', max: '64MB' }),
    default: '8MB',
    help: 'Size of the largest group of changes that is committed at once. One operation cannot be larger than that. The same on all masters.',
  },
  masterJournalTailerPollIntervalMs: {
    key: 'master.journal.tailer.poll.interval',
    type: wordOr('auto', duration({ min: '1ms', max: '1min' })),
    default: 'auto',
    help: 'How often a standby looks for new batches in the journal. auto: 5ms on a local file system, 50ms on a network one, 250ms on S3.',
  },
  masterJournalCheckpointEnabled: {
    key: 'master.journal.checkpoint.enabled',
    type: boolean,
    default: 'true',
    help: 'Whether checkpoints of the state are made by themselves, and the log before them is given up. Without, the log grows for good; fsadmin can still make them.',
  },
  masterJournalCheckpointPeriodEntries: {
    key: 'master.journal.checkpoint.period.entries',
    type: integer({ min: 1, max: 1_000_000_000_000 }),
    default: '2000000',
    help: 'Entries of the journal after which the next checkpoint is made. What a new master has to replay grows with it.',
  },
  masterJournalCheckpointPeriodBytes: {
    key: 'master.journal.checkpoint.period.bytes',
    type: byteSize({ min: '1KB', max: '1PB' }),
    default: '1GB',
    help: 'Bytes of the journal after which the next checkpoint is made.',
  },
  masterJournalCheckpointPeriodTimeMs: {
    key: 'master.journal.checkpoint.period.time',
    type: duration({ min: '1sec', max: '365day' }),
    default: '1h',
    help: 'Time after which the next checkpoint is made, if anything has changed.',
  },
  masterJournalCheckpointKeep: {
    key: 'master.journal.checkpoint.keep',
    type: integer({ min: 1, max: 8 }),
    default: '3',
    help: 'Checkpoints that are kept, with all of the log behind the oldest of them: where the newest is damaged, the one before is used. Nothing is given up before there are so many.',
  },
  masterJournalFreeSpaceReserveBytes: {
    key: 'master.journal.free.space.reserve',
    type: byteSize({ min: '0', max: '1TB' }),
    default: '64MB',
    help: "Free space on the journal's storage below which changes are refused; taking over may still use it. Means nothing on S3.",
  },
  masterJournalS3RequestTimeoutMs: {
    key: 'master.journal.s3.request.timeout',
    type: duration({ min: '100ms', max: '10min' }),
    default: '5sec',
    help: 'Longest wait for the answer to one request of a journal on S3. A leader that does not get through for twice as long steps down.',
  },
} as const satisfies Record<string, Setting>;

const s3 = {
  underfsS3Endpoint: {
    key: 'underfs.s3.endpoint',
    type: endpoint,
    help: "URL of the S3 server, where it is not Amazon's.",
  },
  underfsS3EndpointRegion: {
    key: 'underfs.s3.endpoint.region',
    type: name,
    help: 'Region that requests are signed for. Unset: as the AWS SDK finds it (environment, profile), or us-east-1 where an endpoint is set.',
  },
  underfsS3DisableDnsBuckets: {
    key: 'underfs.s3.disable.dns.buckets',
    type: boolean,
    default: 'false',
    help: 'Whether the bucket is named in the path and not in the host name: most servers that are not Amazon need true.',
  },
  awsAccessKeyId: {
    key: 'aws.accessKeyId',
    type: name,
    alsoSpelled: ['aws.accessKeyId', 's3a.accessKeyId'],
    isSecret: true,
    help: 'Access key for S3. Unset: as the AWS SDK finds credentials (environment, profile, role of the machine).',
  },
  awsSecretKey: {
    key: 'aws.secretKey',
    type: name,
    alsoSpelled: ['aws.secretKey', 's3a.secretKey'],
    isSecret: true,
    help: 'Secret key for S3. It is never shown.',
  },
} as const satisfies Record<string, Setting>;

const state = {
  masterMetastoreDir: {
    key: 'master.metastore.dir',
    type: path,
    default: '${understudy.work.dir}/metastore',
    help: "Folder of this master's own LevelDB, on a local disk. It can be rebuilt from the journal. No two masters may share it.",
  },
  masterMetastoreInodeCacheMaxSize: {
    key: 'master.metastore.inode.cache.max.size',
    type: integer({ min: 1000, max: 100_000_000 }),
    default: '100000',
    help: 'Inodes kept decoded in memory, about 1 KB each. LevelDB holds the rest.',
  },
  masterMetastoreFlushRows: {
    key: 'master.metastore.flush.rows',
    type: integer({ min: 100, max: 10_000_000 }),
    default: '65536',
    help: 'Changed rows that are gathered in memory before they are written to LevelDB. More of them coalesce better and make a restart replay more.',
  },
  masterMetastoreFlushIntervalMs: {
    key: 'master.metastore.flush.interval',
    type: duration({ min: '10ms', max: '10min' }),
    default: '1sec',
    help: 'Longest time that changed rows stay unwritten while there are few of them.',
  },
  masterDigestInterval: {
    key: 'master.digest.interval',
    type: integer({ min: 1, max: 1_000_000 }),
    default: '1000',
    help: 'Batches between two digests of the whole state in the journal, by which standbys check that theirs is the same.',
  },
  masterListPageEntries: {
    key: 'master.list.page.entries',
    type: integer({ min: 1, max: 100_000 }),
    default: '1000',
    help: 'Entries of a directory that are sent as one piece of a listing.',
  },
  masterClientSessionTimeoutMs: {
    key: 'master.client.session.timeout',
    type: duration({ min: '1min', max: '30day' }),
    default: '1h',
    help: 'How long the answers of a client that went idle are kept, so that its retries are told the first answer instead of being run twice.',
  },
  masterClientSessionsMax: {
    key: 'master.client.sessions.max',
    type: integer({ min: 10, max: 10_000_000 }),
    default: '100000',
    help: 'Clients that can be registered at once; past it the longest idle ones are forgotten, and refused if they come back with a retry.',
  },
  masterClockSkewMaxMs: {
    key: 'master.clock.skew.max',
    type: duration({ min: '1sec', max: '1day' }),
    default: '30sec',
    help:
      "By how much a leader's clock may differ from the cluster's time, which stands in the journal and never jumps. Past it the master says so, " +
      'and nothing expires by age.',
  },
} as const satisfies Record<string, Setting>;

const rpc = {
  masterRpcFrameBytesMax: {
    key: 'master.rpc.frame.bytes.max',
    type: byteSize({ min: '128KB', max: '256MB' }),
    default: '16MB',
    help: 'Largest message; a connection that announces a larger one is closed. Has to hold a whole batch.',
  },
  masterRpcCallsMax: {
    key: 'master.rpc.calls.max',
    type: integer({ min: 16, max: 1_000_000 }),
    default: '8192',
    help: 'Calls in flight on one connection; further ones are refused at once.',
  },
  masterRpcConnectionsMax: {
    key: 'master.rpc.connections.max',
    type: integer({ min: 8, max: 1_000_000 }),
    default: '10000',
    help: 'Connections that are open at once; further ones are closed at once. Each takes a file descriptor.',
  },
  masterRpcOutgoingBytesMax: {
    key: 'master.rpc.outgoing.bytes.max',
    type: byteSize({ min: '1MB', max: '4GB' }),
    default: '64MB',
    help: 'Answers that may wait on one connection for a client that does not read; past it the connection is closed.',
  },
} as const satisfies Record<string, Setting>;

const client = {
  userRpcTimeoutMs: {
    key: 'user.rpc.timeout',
    type: duration({ min: '100ms', max: '1h' }),
    default: '30sec',
    help: 'Longest wait for the answer to one attempt of a call.',
  },
  userRpcRetryBaseSleepMs: {
    key: 'user.rpc.retry.base.sleep',
    type: duration({ min: '1ms', max: '1h' }),
    default: '50ms',
    help: 'Pause before the second attempt of a call; it doubles with each further one, with jitter.',
  },
  userRpcRetryMaxSleepMs: {
    key: 'user.rpc.retry.max.sleep',
    type: duration({ min: '1ms', max: '1h' }),
    default: '3sec',
    help: 'Longest pause between two attempts of a call.',
  },
  userRpcRetryMaxDurationMs: {
    key: 'user.rpc.retry.max.duration',
    type: duration({ min: '0', max: '7day' }),
    default: '2min',
    help: 'How long a call is attempted before it fails.',
  },
  userBlockSizeBytesDefault: {
    key: 'user.block.size.bytes.default',
    type: byteSize({ min: '1KB', max: '1TB' }),
    default: '64MB',
    help: 'Block size of files that are made without naming one.',
  },
} as const satisfies Record<string, Setting>;

export const SETTINGS = { ...general, ...zookeeper, ...master, ...journal, ...s3, ...state, ...rpc, ...client };

/** The table in the order and under the headings in which people read it. */
export const SETTING_GROUPS: readonly { readonly title: string; readonly settings: readonly Setting[] }[] = [
  { title: 'General', settings: Object.values(general) },
  { title: 'ZooKeeper', settings: Object.values(zookeeper) },
  { title: 'Masters', settings: Object.values(master) },
  { title: 'The journal', settings: Object.values(journal) },
  { title: 'S3', settings: Object.values(s3) },
  { title: 'The state of a master', settings: Object.values(state) },
  { title: 'RPC bounds of a master', settings: Object.values(rpc) },
  { title: 'Clients', settings: Object.values(client) },
];

/** All settings, parsed. Durations are milliseconds, sizes are bytes. */
export type Settings = { readonly [Name in keyof typeof SETTINGS]: SettingValue<(typeof SETTINGS)[Name]> };

export type SettingName = keyof Settings;

type MachineKeyOf<S> = S extends { readonly key: infer Key; readonly default: { readonly machine: string } } ? Key : never;

/** Keys whose default only the machine knows. */
export type MachineKey = MachineKeyOf<(typeof SETTINGS)[SettingName]>;
