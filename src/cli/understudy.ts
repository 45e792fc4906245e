/**
 * The front door for programs: `import { FileSystem } from 'understudy'`.
 *
 *     await using fs = await FileSystem.connect({ zookeeper: 'zk1:2181,zk2:2181,zk3:2181' });
 *     await fs.createDirectory('/logs', { recursive: true, allowExists: true });
 *     for await (const entry of fs.list('/')) console.log(entry.path, entry.length);
 *
 * @packageDocumentation
 */
import type { Log } from '../base/log.js';
import { silentLog } from '../base/log.js';
import type { ClientSettings } from '../client/client-settings.js';
import { FileSystem as ClientFileSystem } from '../client/file-system.js';
import { FsPromises } from '../client/fs-promises.js';
import { openClient } from './connect.js';
import { groupName, userName } from './system-user.js';

export { ERROR_NUMBERS, type ErrorCode, isError, UnderstudyError } from '../base/errors.js';
export type { Batch, BatchOutcome } from '../client/batch.js';
export type { BlockLocation } from '../client/block-locations.js';
export type { ChangeBatch, ChangeEvent, Cursor, WatchOptions } from '../client/change-feed.js';
export type { Client, ClientCallOptions, ReadInfo, ReadOptions } from '../client/client.js';
export type { ClientSettings } from '../client/client-settings.js';
export type { ContentSummary } from '../client/content-summary.js';
export type { BlockRun, FileStatus, Lease, PersistenceState, Quota, Ttl, TtlAction } from '../client/file-status.js';
export type { Inconsistency } from '../client/file-system.js';
export type {
  AclChange,
  AddBlocksOptions,
  Attributes,
  BlockLocationOptions,
  Change,
  ChangedFile,
  CompleteFileOptions,
  CreateDirectoryOptions,
  CreateFileOptions,
  ListOptions,
  ListPage,
  LoadedMetadata,
  LoadMetadataOptions,
  LoadMetadataWhen,
  MountOptions,
  QuotaChange,
  RemoveOptions,
  RenameOptions,
  SetCursorOptions,
  SetXattrOptions,
  StatusOptions,
} from '../client/file-system-options.js';
export type { FsPromises, ReaddirOptions, StatOptions } from '../client/fs-promises.js';
export type { LeaderPlace } from '../client/leader-finder.js';
export type { MasterInfo } from '../client/master-info.js';
export type { MountPoint } from '../client/mount-point.js';
export type { NodeDir } from '../client/node-dir.js';
export type { NodeError } from '../client/node-error.js';
export type { NodePath, NodeTime } from '../client/node-path.js';
export type { NodeDirent, NodeStats } from '../client/node-stats.js';
export type { WatchedChange } from '../client/node-watch.js';
export type { WalkOptions } from '../client/walk.js';
export type { AclEntry, AclKind, AclName } from '../metadata/acl.js';
export { formatAclLines, parseAcl } from '../metadata/acl-text.js';
/** @internal */
export { operations } from '../metadata/operations.js';

/** Where the cluster is, and anything of `ClientSettings` that is to differ from the defaults. */
export interface ConnectOptions extends Partial<ClientSettings> {
  /** `host:port,host:port`: the ensemble that knows the leader. Without it `masters` has to name the masters. */
  readonly zookeeper?: string;
  /** Znodes of the cluster. */
  readonly zookeeperElectionPath?: string;
  readonly zookeeperLeaderPath?: string;
  readonly zookeeperSessionTimeoutMs?: number;
  readonly log?: Log;
}

const ZOOKEEPER_ANSWER_TIMEOUT_MS = 15_000;

export class FileSystem extends ClientFileSystem {
  /** The same as `node:fs/promises`. */
  readonly promises: FsPromises = new FsPromises(this);

  /**
   * Makes a client of the cluster, in the name of the user who runs this process. Does not wait: the first call finds the leader.
   *
   * @throws `invalid_argument`: neither ZooKeeper nor masters are named.
   */
  static async connect(options: ConnectOptions): Promise<FileSystem> {
    const {
      zookeeper: servers,
      zookeeperElectionPath,
      zookeeperLeaderPath,
      zookeeperSessionTimeoutMs,
      log = silentLog,
      ...client
    } = options;
    const zookeeper = {
      servers: servers ?? '',
      electionPath: zookeeperElectionPath ?? '/understudy/election',
      leaderPath: zookeeperLeaderPath ?? '/understudy/leader',
      sessionTimeoutMs: zookeeperSessionTimeoutMs ?? 4_000,
      answerTimeoutMs: ZOOKEEPER_ANSWER_TIMEOUT_MS,
    };
    const named = { user: userName(), group: client.user === undefined ? groupName() : '', ...client };
    const open = await openClient(servers === undefined ? { client: named } : { client: named, zookeeper }, log);
    return new FileSystem(open.client, open.closeDirectory);
  }
}
