/**
 * What has to hold between settings, beyond the range of each. Checked once all values that take part are good.
 */
import type { SettingName, Settings } from './settings.js';

export interface Relation {
  /** Those that take part; the first one that was set by somebody is where the problem is reported. */
  readonly between: readonly SettingName[];
  /** @returns what is wrong; undefined if it holds. */
  problem(settings: Settings): string | undefined;
}

export const RELATIONS: readonly Relation[] = [
  {
    between: ['securityGroupMappingClass', 'securityGroupMappingFile'],
    problem: (s) =>
      s.securityGroupMappingClass === 'file' && s.securityGroupMappingFile === undefined
        ? 'needs understudy.security.group.mapping.file'
        : undefined,
  },
  {
    between: ['zookeeperEnabled', 'zookeeperAddress'],
    problem: (s) => (s.zookeeperEnabled && s.zookeeperAddress === undefined ? 'needs understudy.zookeeper.address' : undefined),
  },
  {
    between: ['masterElection', 'zookeeperEnabled'],
    problem: (s) => {
      if (s.masterElection === 'zookeeper' && !s.zookeeperEnabled) return 'needs understudy.zookeeper.enabled=true';
      return s.masterElection === 'embedded' && s.zookeeperEnabled ? 'contradicts understudy.zookeeper.enabled=true' : undefined;
    },
  },
  {
    between: ['masterElectionMode', 'masterElection'],
    problem: (s) =>
      s.masterElectionMode === 'automatic' && s.masterElection === 'none' ? 'contradicts understudy.master.election=none' : undefined,
  },
  {
    between: ['masterRole', 'masterElection'],
    problem: (s) => (s.masterRole === 'leader' && s.masterElection !== 'none' ? 'needs understudy.master.election=none' : undefined),
  },
  {
    between: ['zookeeperElectionPath', 'zookeeperLeaderPath'],
    problem: (s) => (s.zookeeperElectionPath === s.zookeeperLeaderPath ? 'has to differ from understudy.zookeeper.leader.path' : undefined),
  },
  {
    between: ['masterWebPort', 'masterRpcPort'],
    problem: (s) =>
      s.masterWebPort === s.masterRpcPort && s.masterWebPort !== 0 ? 'has to differ from understudy.master.rpc.port' : undefined,
  },
  {
    between: ['masterMetastoreDir', 'masterJournalFolder'],
    problem: (s) =>
      isWithin(s.masterMetastoreDir, s.masterJournalFolder) || isWithin(s.masterJournalFolder, s.masterMetastoreDir)
        ? 'has to lie apart from understudy.master.journal.folder'
        : undefined,
  },
  {
    between: ['masterJournalLogSizeBytesMax', 'masterJournalBatchSizeMaxBytes'],
    problem: (s) =>
      s.masterJournalLogSizeBytesMax <= s.masterJournalBatchSizeMaxBytes
        ? 'has to be larger than understudy.master.journal.batch.size.max'
        : undefined,
  },
  {
    between: ['awsAccessKeyId', 'awsSecretKey', 'masterJournalFolder'],
    problem: (s) =>
      s.masterJournalFolder.startsWith('s3://') && (s.awsAccessKeyId === undefined) !== (s.awsSecretKey === undefined)
        ? 'needs the other one of the two keys'
        : undefined,
  },
  {
    between: ['masterRpcFrameBytesMax', 'masterJournalBatchSizeMaxBytes'],
    problem: (s) =>
      s.masterRpcFrameBytesMax <= s.masterJournalBatchSizeMaxBytes
        ? 'has to be larger than understudy.master.journal.batch.size.max'
        : undefined,
  },
  {
    between: ['masterRpcOutgoingBytesMax', 'masterRpcFrameBytesMax'],
    problem: (s) =>
      s.masterRpcOutgoingBytesMax < s.masterRpcFrameBytesMax ? 'has to be at least understudy.master.rpc.frame.bytes.max' : undefined,
  },
  {
    between: ['masterLeaderPingTimeoutMs', 'masterStandbyStreamHeartbeatIntervalMs'],
    problem: (s) =>
      s.masterLeaderPingTimeoutMs < 4 * s.masterStandbyStreamHeartbeatIntervalMs
        ? 'has to be at least four times understudy.master.standby.stream.heartbeat.interval'
        : undefined,
  },
  {
    between: ['workerWebPort', 'workerRpcPort'],
    problem: (s) =>
      s.workerWebPort === s.workerRpcPort && s.workerWebPort !== 0 ? 'has to differ from understudy.worker.rpc.port' : undefined,
  },
  {
    between: ['workerTieredstoreLevels', 'workerTieredstoreLevel1DirsPath', 'workerTieredstoreLevel1DirsQuota'],
    problem: (s) =>
      s.workerTieredstoreLevels > 1 && !(s.workerTieredstoreLevel1DirsPath && s.workerTieredstoreLevel1DirsQuota)
        ? 'needs understudy.worker.tieredstore.level1.dirs.path and understudy.worker.tieredstore.level1.dirs.quota'
        : undefined,
  },
  {
    between: ['workerTieredstoreLevels', 'workerTieredstoreLevel2DirsPath', 'workerTieredstoreLevel2DirsQuota'],
    problem: (s) =>
      s.workerTieredstoreLevels > 2 && !(s.workerTieredstoreLevel2DirsPath && s.workerTieredstoreLevel2DirsQuota)
        ? 'needs understudy.worker.tieredstore.level2.dirs.path and understudy.worker.tieredstore.level2.dirs.quota'
        : undefined,
  },
  ...([0, 1, 2] as const).map(
    (level): Relation => ({
      between: [`workerTieredstoreLevel${level}WatermarkLowRatio`, `workerTieredstoreLevel${level}WatermarkHighRatio`],
      problem: (s) =>
        s[`workerTieredstoreLevel${level}WatermarkLowRatio`] > s[`workerTieredstoreLevel${level}WatermarkHighRatio`]
          ? `has to be at most understudy.worker.tieredstore.level${level}.watermark.high.ratio`
          : undefined,
    }),
  ),
  {
    between: ['userRpcRetryMaxSleepMs', 'userRpcRetryBaseSleepMs'],
    problem: (s) =>
      s.userRpcRetryMaxSleepMs < s.userRpcRetryBaseSleepMs ? 'has to be at least understudy.user.rpc.retry.base.sleep' : undefined,
  },
];

const isWithin = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(outer === '/' ? '/' : `${outer}/`);
