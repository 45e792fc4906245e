/** How masters and clients find each other through ZooKeeper. */
import type { Setting } from '../setting.js';
import { boolean, duration, zookeeperAddress, zookeeperPath } from '../value-type.js';

export const zookeeperSettings = {
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
