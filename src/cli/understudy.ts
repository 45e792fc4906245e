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
import { systemClock } from '../base/system-clock.js';
import { systemRandom } from '../base/system-random.js';
import type { ClientSettings } from '../client/client-settings.js';
import { FileSystem as ClientFileSystem } from '../client/file-system.js';
import { FsPromises } from '../client/fs-promises.js';
import { HttpFileSystem as ClientHttpFileSystem } from '../client/http-file-system.js';
import { openClient } from './connect.js';
import { groupName, userName } from './system-user.js';

export { ERROR_NUMBERS, type ErrorCode, isError, UnderstudyError } from '../base/errors.js';
export type { Batch, BatchOutcome } from '../client/batch.js';
export type { BlockLocation } from '../client/block-locations.js';
export type { ChangeBatch, ChangeEvent, Cursor, WatchOptions } from '../client/change-feed.js';
export type { Client, ClientCallOptions, ReadInfo, ReadOptions } from '../client/client.js';
export type { ClientSettings } from '../client/client-settings.js';
export type { ContentSummary } from '../client/content-summary.js';
export type { BlockPlaces, LocatedFile, WorkerPlace } from '../client/data/block-places.js';
export type { DataSettings } from '../client/data/data-settings.js';
export type { FileReader, ReadRange } from '../client/data/file-reader.js';
export type { FileWriter } from '../client/data/file-writer.js';
export type { ReadType, WriteType } from '../client/data/read-write-types.js';
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
  OpenFileOptions,
  QuotaChange,
  RemoveOptions,
  RenameOptions,
  SetCursorOptions,
  SetXattrOptions,
  StatusOptions,
  WriteFileOptions,
} from '../client/file-system-options.js';
export type { FsPromises, ReaddirOptions, StatOptions } from '../client/fs-promises.js';
export type { HttpAnswer, HttpClient, HttpRequest } from '../client/http-client.js';
export type { HttpFileStatus, HttpMakeOptions } from '../client/http-file-system.js';
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

export interface HttpConnectOptions {
  /** `http://host:port` of masters, or of a load balancer in front of them. */
  readonly urls: readonly string[];
  /** In whose name; who runs this process without it. */
  readonly user?: string;
  /** Milliseconds for a request with all its attempts, 30,000 without it; and for one attempt, 5,000. */
  readonly timeoutMs?: number;
  readonly attemptTimeoutMs?: number;
}

/** The namespace over HTTP: `new HttpFileSystem({ urls: ['http://m1:19999', 'http://m2:19999'] })`. */
export class HttpFileSystem extends ClientHttpFileSystem {
  /** @throws `invalid_argument`: no URLs are named, or what is none. */
  constructor({ urls, user = userName(), timeoutMs = 30_000, attemptTimeoutMs = 5_000 }: HttpConnectOptions) {
    super({ urls, user, timeoutMs, attemptTimeoutMs }, { clock: systemClock, random: systemRandom });
  }
}
