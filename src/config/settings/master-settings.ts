// biome-ignore-all lint/suspicious/noTemplateCurlyInString: defaults refer to other settings
/** A master: its addresses, its role, its election, its standbys. */
import type { Setting } from '../setting.js';
import { boolean, byteSize, duration, host, hostPortList, oneOf, path, port, ratio } from '../value-type.js';

export const masterSettings = {
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
    default: { derived: 'understudy.master.bind.host', of: (textOf) => textOf('master.bind.host') ?? '' },
    help: 'Address that the web port listens on; 0.0.0.0 is every one of this machine.',
  },
  masterWebReadyLagMaxMs: {
    key: 'master.web.ready.lag.max',
    type: duration({ min: '100ms', max: '1day' }),
    default: '10sec',
    help: 'How far a standby may be behind for /health/ready on its web port to say that it is ready.',
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
  masterElectionMode: {
    key: 'master.election.mode',
    type: oneOf('automatic', 'manual'),
    default: {
      derived: 'manual if understudy.master.election is none, else automatic',
      of: (textOf) => (textOf('master.election')?.toLowerCase() === 'none' ? 'manual' : 'automatic'),
    },
    help:
      'Whether the election says who leads (automatic), or an operator alone does (manual: fsadmin leader promote, transfer, step-down). In manual mode ' +
      'nobody takes over from a leader that dies or stops until somebody is told to; a master that starts is a standby. With ZooKeeper masters ' +
      'still register and publish there, so that clients find the leader; the embedded election is not run. To be the same on all masters.',
  },
  masterRole: {
    key: 'master.role',
    type: oneOf('candidate', 'leader', 'observer'),
    default: 'candidate',
    help:
      'What this master may become. A candidate leads when it is elected, or told to (fsadmin leader promote). An observer replays the journal ' +
      'and answers reads, and never leads: a test instance on a live journal. A leader claims the lead when it starts, unless another master ' +
      'serves; only for one master of the cluster, and only without an election (understudy.master.election=none).',
  },
  masterEmbeddedElectionTimeoutMs: {
    key: 'master.embedded.election.timeout',
    type: duration({ min: '500ms', max: '1h' }),
    default: '4sec',
    inJournal: 'at start',
    help: 'With the embedded election: how long a leader may leave its lease unrenewed before another master takes over.',
  },
  masterLeaderPingTimeoutMs: {
    key: 'master.leader.ping.timeout',
    type: duration({ min: '100ms', max: '1h' }),
    default: '2sec',
    inJournal: 'at start',
    help:
      'How long a leader whose host is up may say nothing to a standby before it is taken for hung and another one is elected. ' +
      'Keep it well above the longest pause of a healthy process.',
  },
  masterStandbyStreamBufferSizeBytes: {
    key: 'master.standby.stream.buffer.size',
    type: byteSize({ min: '64KB', max: '4GB' }),
    default: '16MB',
    inJournal: 'at start',
    help: 'Newest committed changes that are kept in memory for standbys; one that is further behind than that follows the journal until it is not.',
  },
  masterStandbyStreamHeartbeatIntervalMs: {
    key: 'master.standby.stream.heartbeat.interval',
    type: duration({ min: '10ms', max: '1min' }),
    default: '250ms',
    inJournal: 'at start',
    help: 'How often a leader tells its standbys that it is alive, and is told what they have applied. Keep it well below master.leader.ping.timeout.',
  },
  masterWorkerTimeoutMs: {
    key: 'master.worker.timeout',
    type: duration({ min: '3sec', max: '1day' }),
    default: '30sec',
    inJournal: 'at once',
    help:
      'How long a worker may say nothing before a master takes it for lost. Time in which the master could not hear (its own start, its own pauses) ' +
      'does not count, and takeovers change nothing. A worker whose address refuses connections is lost at once.',
  },
  masterWorkerDecommissioned: {
    key: 'master.worker.decommissioned',
    type: hostPortList,
    inJournal: 'at once',
    help:
      'RPC addresses of workers that are taken out of use: they get no new blocks, and what they hold is copied to others. ' +
      'fsadmin decommission adds to it.',
  },
  masterWorkerBalanceEnabled: {
    key: 'master.worker.balance.enabled',
    type: boolean,
    default: 'true',
    inJournal: 'at once',
    help: 'Whether blocks are moved from workers that are fuller than the others to those that are emptier.',
  },
  masterWorkerBalanceThreshold: {
    key: 'master.worker.balance.threshold',
    type: ratio,
    default: '0.1',
    inJournal: 'at once',
    help:
      'How far the used share of a worker may be from that of all workers together before blocks are moved. Each block has an order of the workers ' +
      'that it may be moved up in, never down: with two workers of very different size it may come to rest short of this.',
  },
  masterWorkerBalanceBandwidthBytes: {
    key: 'master.worker.balance.bandwidth',
    type: byteSize({ min: '64KB', max: '1TB' }),
    default: '100MB',
    inJournal: 'at once',
    help: 'How many bytes a second one worker gives or takes of blocks that are moved to even out how full workers are.',
  },
  masterAuditLoggingEnabled: {
    key: 'master.audit.logging.enabled',
    type: boolean,
    default: 'false',
    help:
      'Whether each change that somebody asks the leader for, made or refused, is told in its audit log: who, from where, what, which paths, ' +
      'the result, the sequence number, and the number of the call, which is the same for each attempt of a client that asks again, of two leaders, too.',
  },
  masterAuditLogFile: {
    key: 'master.audit.log.file',
    type: path,
    default: '${understudy.work.dir}/logs/audit.log',
    help: 'Where the audit log goes, one JSON object a line. A tool that rotates logs moves it away and sends the master SIGHUP.',
  },
} as const satisfies Record<string, Setting>;
