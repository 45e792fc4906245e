/**
 * What calls of `FileSystem` take and answer with. What is absent is left to the masters, or stays as it is.
 */
import type { AclEntry, AclName } from '../metadata/acl.js';
import type { ClientCallOptions, ReadOptions } from './client.js';
import type { ReadType, WriteType } from './data/read-write-types.js';
import type { FileStatus, PersistenceState, TtlAction } from './file-status.js';

/** What a change answers with: `sn` is the entry as of which it holds, to be given as `atLeastSn` to reads. */
export interface Change {
  readonly sn: number;
}

/** The answer to a change that made or changed something. */
export interface ChangedFile extends Change {
  /** As it is after the change. */
  readonly status: FileStatus;
}

export interface CreateFileOptions {
  /** Permission bits, taken as they are; 0666 less the client's umask, or as the directory's default list says, unless given. */
  readonly mode?: number;
  /** Unless given, as the masters say for the path, or the client's settings, or the leader. */
  readonly blockBytes?: number;
  /** Makes missing parents. */
  readonly recursive?: boolean;
  /** Replaces a file that is there. */
  readonly overwrite?: boolean;
  /** Completes the file too, with this length in bytes, in the same step. */
  readonly completeLength?: number;
  /** With `completeLength`. */
  readonly modifiedMs?: number;
  readonly replicationMin?: number;
  /** 0: as many as there are. */
  readonly replicationMax?: number;
  readonly ttlMs?: number;
  /** With `ttlMs`; DELETE unless given. */
  readonly ttlAction?: TtlAction;
  /** Once it is complete, below a mount point: it is to be written to the under store. */
  readonly persist?: boolean;
  /** As `persist`; below no mount point it is refused (ENOTSUP), and nothing is replaced. */
  readonly mustPersist?: boolean;
}

export interface OpenFileOptions {
  /** That of the client's settings, usually `CACHE`, unless given. */
  readonly readType?: ReadType;
}

/** Of a file that is made and written. */
export interface WriteFileOptions extends Omit<CreateFileOptions, 'completeLength' | 'modifiedMs' | 'persist' | 'mustPersist'> {
  /**
   * Unless given, that of the client's settings, usually `MUST_CACHE`; below no mount point `MUST_CACHE` whatever they say. What is given is refused there
   * (ENOTSUP) unless it is `MUST_CACHE`.
   */
  readonly writeType?: WriteType;
}

export interface FreeOptions {
  /** Of a pinned file, too. */
  readonly forced?: boolean;
}

/** What workers were told to give up. */
export interface FreedBlocks {
  /** Of blocks of the file: each at each worker. */
  readonly copies: number;
  readonly bytes: number;
}

export interface CompleteFileOptions {
  readonly modifiedMs?: number;
  /** That file, wherever it is now; the path is for messages then. */
  readonly inodeId?: number;
}

export interface AddBlocksOptions {
  /** Bytes that are there so far: what the file is completed with if it is abandoned. */
  readonly length?: number;
  /** That file, wherever it is now; the path is for messages then. */
  readonly inodeId?: number;
}

export interface CreateDirectoryOptions {
  /** Permission bits, taken as they are; 0777 less the client's umask, or as the directory's default list says, unless given. */
  readonly mode?: number;
  /** Makes missing parents. */
  readonly recursive?: boolean;
  /** A directory that exists is no error. */
  readonly allowExists?: boolean;
  readonly ttlMs?: number;
  /** With `ttlMs`; DELETE unless given. */
  readonly ttlAction?: TtlAction;
}

export interface RenameOptions {
  /** Replaces what is there as rename(2) does: a file a file, a directory an empty directory. */
  readonly overwrite?: boolean;
  /** A directory at the target takes it in, under its own name, as `mv` does. */
  readonly into?: boolean;
}

export interface RemoveOptions {
  /** Removes a directory with all that is in it. */
  readonly recursive?: boolean;
  /** Removes it for good where the masters keep a trash. */
  readonly skipTrash?: boolean;
  /** Leaves the under store as it is. */
  readonly namespaceOnly?: boolean;
}

/** What is to be changed; what is absent stays. */
export interface Attributes {
  readonly owner?: string;
  readonly group?: string;
  readonly mode?: number;
  readonly modifiedMs?: number;
  readonly accessedMs?: number;
  readonly pinned?: boolean;
  readonly replicationMin?: number;
  readonly replicationMax?: number;
  /** Counted from when it was created; null takes the TTL away. */
  readonly ttlMs?: number | null;
  /** With `ttlMs`; DELETE unless given. */
  readonly ttlAction?: TtlAction;
  readonly persistence?: PersistenceState;
}

/** Bounds to set; what is absent stays, 0 takes a bound away. */
export interface QuotaChange {
  readonly namesMax?: number;
  readonly bytesMax?: bigint | number;
}

/** How a list is changed: as `setfacl` does with `-m`, `--set`, `-x`, `-k` and `-b`. Entries may be text: `user:alice:rw-,default:mask::rwx`. */
export type AclChange =
  | { readonly action: 'modify' | 'replace'; readonly entries: readonly AclEntry[] | string }
  | { readonly action: 'remove'; readonly entries: readonly AclName[] | string }
  | { readonly action: 'removeDefault' | 'removeAll' };

export interface SetXattrOptions {
  /** Only where there is none of that name (EEXIST), or only where there is one (ENODATA). */
  readonly only?: 'create' | 'replace';
}

/** Whether what is below a mount point is looked up in the under store first: where it was not before, always, or never. */
export type LoadMetadataWhen = 'ONCE' | 'ALWAYS' | 'NEVER';

export interface StatusOptions extends ReadOptions {
  /** The client's setting, which is `ONCE`, unless given. */
  readonly loadMetadata?: LoadMetadataWhen;
  /** Looked at again where the last look is longer ago; the client's setting, which is never, unless given. */
  readonly syncIntervalMs?: number;
  /** Tells of files how much of them workers hold, too: `heldBytes`. */
  readonly withHeld?: boolean;
}

export interface ListOptions extends StatusOptions {
  /** A name, with `recursive` a path from the listed directory: the listing begins behind it. */
  readonly startAfter?: string;
  /** Of the names; with `recursive` of the paths from the listed directory. */
  readonly prefix?: string;
  /** Lists what is below, too: a directory before what is in it, in byte order of the paths' components. */
  readonly recursive?: boolean;
  /** Entries of a page, up to 10,000. */
  readonly pageEntries?: number;
}

export interface ListPage {
  /** In byte order of the names; a file lists as itself. */
  readonly entries: readonly FileStatus[];
  /** The page shows the directory as of this entry. Pages of one listing differ in it only if a master failed between them. */
  readonly sn: number;
}

export interface MountOptions {
  /** For the under store, such as credentials; keys as in the masters' settings. */
  readonly options?: Readonly<Record<string, string>>;
  readonly readOnly?: boolean;
  /** Users other than the superuser may use what is mounted. */
  readonly shared?: boolean;
}

export interface LoadMetadataOptions extends ClientCallOptions {
  readonly recursive?: boolean;
  /** Looks again at what was loaded before, too. */
  readonly force?: boolean;
  /** Told as it goes on. Begins anew where another master takes the lead. */
  readonly progress?: (loaded: LoadedMetadata) => void;
}

/** Entries of the under store: how many were looked at, and what that made of the namespace. */
export interface LoadedMetadata {
  readonly looked: number;
  readonly made: number;
  readonly changed: number;
  readonly gone: number;
}

export interface BlockLocationOptions extends ReadOptions {
  /** Bytes of interest: `length` of them from `offset`; from the beginning, to the end unless given. */
  readonly offset?: number;
  readonly length?: number;
}

export interface SetCursorOptions {
  /** What it watches: needed where it is new. */
  readonly path?: string;
  /** Entries up to here are done with; where it is new, the newest entry unless given. */
  readonly sn?: number;
}
