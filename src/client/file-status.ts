/**
 * What clients are told of a file or directory, in plain names.
 *
 * Times are Unix milliseconds, lengths of files numbers below 2^53; sums of bytes, which pass that, are bigint.
 */
import type { understudy } from '#proto/understudy.js';
import { type AclEntry, wholeAcl } from '../metadata/acl.js';
import { quotaOf, storedAclOf } from '../metadata/inode-more.js';

/** Whether the contents are in the under store. */
export type PersistenceState = 'NOT_PERSISTED' | 'TO_BE_PERSISTED' | 'PERSISTED' | 'LOST';

/** What happens when a TTL is over: the file goes, or only its blocks do, and the TTL with them. */
export type TtlAction = 'DELETE' | 'FREE';

export interface Ttl {
  /** As it was asked for, counted from `createdMs`. */
  readonly ttlMs: number;
  readonly expiresMs: number;
  readonly action: TtlAction;
}

/** Bounds of what is below a directory, at all depths, itself not counted. */
export interface Quota {
  /** Files and directories; 0: no bound. */
  readonly namesMax: number;
  /** Sum of the files' lengths; 0n: no bound. */
  readonly bytesMax: bigint;
}

/** Who writes a file that is not complete. */
export interface Lease {
  readonly clientId: number;
  /** Blocks handed out so far, those of earlier writers included. */
  readonly blocks: number;
}

/** Blocks (inodeId, first) to (inodeId, first + blocks - 1). */
export interface BlockRun {
  readonly inodeId: number;
  readonly first: number;
  readonly blocks: number;
}

export interface FileStatus {
  readonly path: string;
  /** The last component of the path; empty for the root. */
  readonly name: string;
  readonly id: number;
  readonly directory: boolean;
  readonly owner: string;
  readonly group: string;
  /** Permission bits, 0 to 07777. */
  readonly mode: number;
  /** Unix time in milliseconds; likewise the others. */
  readonly createdMs: number;
  readonly modifiedMs: number;
  readonly accessedMs: number;
  /** Bytes; 0 for directories. Of a file that is not complete, as far as its writer has told. */
  readonly length: number;
  readonly blockBytes: number;
  /** A file whose length is known. */
  readonly complete: boolean;
  /** Entries of a directory. */
  readonly childCount: number;
  readonly persistence: PersistenceState;
  /** Of a file's contents: raised each time it is reopened, cut or joined. */
  readonly generation: number;
  /** Its blocks are not given up for others. */
  readonly pinned: boolean;
  readonly replicationMin: number;
  /** 0: as many as there are. */
  readonly replicationMax: number;
  readonly ttl: Ttl | null;
  readonly quota: Quota | null;
  /** The whole access control list in the order of `getfacl`, mode and default list included; empty where the mode says it all. */
  readonly acl: readonly AclEntry[];
  /** There are extended attributes. */
  readonly hasXattrs: boolean;
  /** Of a file that is not complete. */
  readonly lease: Lease | null;
  /** Of a file joined out of others, its first blocks in order; block i behind them, as any of other files, is (id, i). */
  readonly blockRuns: readonly BlockRun[];
  /** Of a mount point, the number of its mount; 0: it is none. */
  readonly mountId: number;
  /** When the under store was last looked at for it; 0: never. */
  readonly syncedMs: number;
  /** Where it is, or would be, in an under store. Only `getStatus` tells; empty: it is below no mount point. */
  readonly underUri?: string;
  /** Of a file, bytes of the blocks that some worker holds, as far as the master knows; of more than 64 blocks, about. Where it was asked for. */
  readonly heldBytes?: number;
  /** Of a file that is to be persisted: why it is not yet, in words for people. Only `getStatus` tells, and the leader knows; absent: nothing has failed. */
  readonly persistTrouble?: string;
}

/** In the order of the numbers of `Persistence` in proto/records.proto. */
export const PERSISTENCE: readonly PersistenceState[] = ['NOT_PERSISTED', 'TO_BE_PERSISTED', 'PERSISTED', 'LOST'];
/** In the order of the numbers of `ExpiryAction` there. */
export const TTL_ACTIONS: readonly TtlAction[] = ['DELETE', 'FREE'];

type More = Pick<
  FileStatus,
  'pinned' | 'replicationMin' | 'replicationMax' | 'ttl' | 'quota' | 'acl' | 'hasXattrs' | 'lease' | 'blockRuns' | 'mountId' | 'syncedMs'
>;

/** What nearly all are alike in. */
const NOTHING_MORE: More = {
  pinned: false,
  replicationMin: 0,
  replicationMax: 0,
  ttl: null,
  quota: null,
  acl: [],
  hasXattrs: false,
  lease: null,
  blockRuns: [],
  mountId: 0,
  syncedMs: 0,
};

/** @returns `inode`, a decoded message, as the file or directory at `path`. */
export function fileStatus(path: string, inode: understudy.Inode.$Properties): FileStatus {
  const more = inode.more ? moreOf(inode.more, inode.mode ?? 0) : NOTHING_MORE;
  return {
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    id: inode.id ?? 0,
    directory: inode.directory ?? false,
    owner: inode.owner ?? '',
    group: inode.group ?? '',
    mode: inode.mode ?? 0,
    createdMs: inode.createdMs ?? 0,
    modifiedMs: inode.modifiedMs ?? 0,
    accessedMs: inode.accessedMs ?? 0,
    length: inode.length ?? 0,
    blockBytes: inode.blockBytes ?? 0,
    complete: inode.complete ?? false,
    childCount: inode.childCount ?? 0,
    persistence: PERSISTENCE[inode.persistence ?? 0] ?? 'NOT_PERSISTED',
    generation: inode.generation ?? 0,
    pinned: more.pinned,
    replicationMin: more.replicationMin,
    replicationMax: more.replicationMax,
    ttl: more.ttl,
    quota: more.quota,
    acl: more.acl,
    hasXattrs: more.hasXattrs,
    lease: more.lease,
    blockRuns: more.blockRuns,
    mountId: more.mountId,
    syncedMs: more.syncedMs,
  };
}

/** @returns the whole access control list, as `getfacl` tells it, also where the mode says it all. */
export function aclOf({ mode, acl }: Pick<FileStatus, 'mode' | 'acl'>): readonly AclEntry[] {
  return acl.length > 0 ? acl : wholeAcl({ mode, acl: [] });
}

/** @returns the path of the entry `name` in the directory at `parent`. */
export function childPath(parent: string, name: string): string {
  return parent.endsWith('/') ? `${parent}${name}` : `${parent}/${name}`;
}

function moreOf(more: understudy.InodeMore.$Properties, mode: number): More {
  const { acl, lease, quota } = more;
  return {
    pinned: more.pinned ?? false,
    replicationMin: more.replicationMin ?? 0,
    replicationMax: more.replicationMax ?? 0,
    ttl: ttlOf(more),
    quota: quota ? quotaOf(quota) : null,
    acl: acl?.length ? wholeAcl({ mode, acl: storedAclOf(acl) }) : [],
    hasXattrs: more.hasXattrs ?? false,
    lease: lease ? { clientId: lease.clientId ?? 0, blocks: lease.blocks ?? 0 } : null,
    blockRuns: (more.extents ?? []).map((run) => ({ inodeId: run.inodeId ?? 0, first: run.first ?? 0, blocks: run.blocks ?? 0 })),
    mountId: more.mountId ?? 0,
    syncedMs: more.syncedMs ?? 0,
  };
}

function ttlOf({ ttlMs, expiresMs, expiryAction }: understudy.InodeMore.$Properties): Ttl | null {
  return expiresMs ? { ttlMs: ttlMs ?? 0, expiresMs, action: TTL_ACTIONS[expiryAction ?? 0] ?? 'DELETE' } : null;
}
