/** A master: its addresses, its role, its election, its standbys. */
import type { Setting } from '../setting.js';
import { byteSize, duration, host, hostPortList, oneOf, port } from '../value-type.js';

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
