/**
 * What few inodes have beyond the fields of `Inode`: message InodeMore in proto/records.proto. One that has none of it has null in its place.
 */
import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import { needsVersionFor } from '../base/needs-version.js';
import type { AclEntry, AclKind } from './acl.js';
import { sumMessage, sumOf } from './sum.js';

export interface InodeMore {
  readonly pinned: boolean;
  readonly replicationMin: number;
  /** 0: as many as there are. */
  readonly replicationMax: number;
  /** As it was asked for, counted from `createdMs`. */
  readonly ttlMs: number;
  /** Unix milliseconds; 0: never. A row `t` stands for it. */
  readonly expiresMs: number;
  readonly expiryAction: ExpiryAction;
  readonly quota: Quota | null;
  /** As acl.ts stores it. */
  readonly acl: readonly AclEntry[];
  /** There is a row `a`. */
  readonly hasXattrs: boolean;
  /** Of a file that is not complete. */
  readonly lease: Lease | null;
  /** Of a file joined out of others: its first blocks (extents.ts); block i behind them is (id, i). */
  readonly extents: readonly Extent[];
  /** Of a mount point; 0: it is none. */
  readonly mountId: number;
  readonly childrenLoaded: boolean;
  /** Leader's time, Unix milliseconds; 0: never. */
  readonly syncedMs: number;
  readonly stored: Stored | null;
}

export const EXPIRY = { delete: 0, free: 1 } as const;
export type ExpiryAction = (typeof EXPIRY)[keyof typeof EXPIRY];

export const NO_EXPIRY = { ttlMs: 0, expiresMs: 0, expiryAction: EXPIRY.delete } as const;

/** Bounds of what is below a directory, itself not counted. */
export interface Quota {
  /** 0: none. */
  readonly namesMax: number;
  /** 0: none. */
  readonly bytesMax: bigint;
}

/** What the under store has of a file that was written to since: message Stored in proto/records.proto. */
export interface Stored {
  readonly length: number;
  /** Its first bytes that are the file's still; never 0. */
  readonly same: number;
  /** Of the file, then. */
  readonly generation: number;
  /** 0: not known. */
  readonly modifiedMs: number;
}

interface Lease {
  readonly clientId: number;
  /** Handed out so far. */
  readonly blocks: number;
}

/** Blocks (inodeId, first) to (inodeId, first + blocks - 1). */
export interface Extent {
  readonly inodeId: number;
  readonly first: number;
  readonly blocks: number;
}

export const NOTHING_MORE: InodeMore = {
  pinned: false,
  replicationMin: 0,
  replicationMax: 0,
  ttlMs: 0,
  expiresMs: 0,
  expiryAction: 0,
  quota: null,
  acl: [],
  hasXattrs: false,
  lease: null,
  extents: [],
  mountId: 0,
  childrenLoaded: false,
  syncedMs: 0,
  stored: null,
};

/** @returns `more` with these changes; null where nothing is left of it, as it has to be stored. */
export function withMore(more: InodeMore | null, changes: Partial<InodeMore>): InodeMore | null {
  const after = { ...NOTHING_MORE, ...more, ...changes };
  return isNothing(after) ? null : after;
}

const FIELDS = Object.keys(NOTHING_MORE) as (keyof InodeMore)[];

function isNothing(more: InodeMore): boolean {
  for (const field of FIELDS) {
    const value = more[field];
    if (Array.isArray(value) ? value.length > 0 : value !== NOTHING_MORE[field]) return false;
  }
  return true;
}

/** @returns the plain value of a decoded message, or the one that it was made of a moment ago. */
export function moreOf(message: understudy.InodeMore.$Properties): InodeMore {
  if (last?.message === message) return last.more;
  return {
    pinned: message.pinned ?? false,
    replicationMin: message.replicationMin ?? 0,
    replicationMax: message.replicationMax ?? 0,
    ttlMs: message.ttlMs ?? 0,
    expiresMs: message.expiresMs ?? 0,
    expiryAction: (message.expiryAction ?? 0) as ExpiryAction,
    quota: message.quota ? quotaOf(message.quota) : null,
    acl: storedAclOf(message.acl),
    hasXattrs: message.hasXattrs ?? false,
    lease: message.lease ? { clientId: message.lease.clientId ?? 0, blocks: message.lease.blocks ?? 0 } : null,
    extents: (message.extents ?? []).map(({ inodeId = 0, first = 0, blocks = 0 }) => ({
      inodeId: inodeId ?? 0,
      first: first ?? 0,
      blocks: blocks ?? 0,
    })),
    mountId: message.mountId ?? 0,
    childrenLoaded: message.childrenLoaded ?? false,
    syncedMs: message.syncedMs ?? 0,
    stored: message.stored ? storedFields(message.stored) : null,
  };
}

/** The last pair: what is made is planned, applied, answered and recorded in a row, and siblings share it where they inherit it. */
let last: { readonly more: InodeMore; readonly message: understudy.InodeMore.$Properties } | null = null;

/** @returns `more` as a message: not to be changed. */
export function moreMessage(more: InodeMore): understudy.InodeMore.$Properties {
  if (last?.more === more) return last.message;
  const message = newMessage(more);
  last = { more, message };
  return message;
}

/** Named field by field: spreading objects is slow. */
function newMessage(more: InodeMore): understudy.InodeMore.$Properties {
  return {
    pinned: more.pinned,
    replicationMin: more.replicationMin,
    replicationMax: more.replicationMax,
    ttlMs: more.ttlMs,
    expiresMs: more.expiresMs,
    expiryAction: more.expiryAction,
    quota: more.quota && quotaMessage(more.quota),
    acl: more.acl.length === 0 ? NO_ENTRIES : more.acl.map(aclEntryMessage),
    hasXattrs: more.hasXattrs,
    lease: more.lease,
    extents: more.extents as understudy.Extent.$Properties[],
    mountId: more.mountId,
    childrenLoaded: more.childrenLoaded,
    syncedMs: more.syncedMs,
    stored: more.stored,
  };
}

const NO_ENTRIES: understudy.AclEntry.$Properties[] = [];

function storedFields({ length, same, generation, modifiedMs }: understudy.Stored.$Properties): Stored {
  return { length: length ?? 0, same: same ?? 0, generation: generation ?? 0, modifiedMs: modifiedMs ?? 0 };
}

export function quotaOf({ namesMax, bytesMax }: understudy.Quota.$Properties): Quota {
  return { namesMax: namesMax ?? 0, bytesMax: sumOf(bytesMax) };
}

export function quotaMessage({ namesMax, bytesMax }: Quota): understudy.Quota.$Properties {
  return { namesMax, bytesMax: sumMessage(bytesMax) };
}

/** In the order of their numbers in proto/records.proto. */
const ACL_KINDS: readonly AclKind[] = ['user', 'group', 'mask', 'other'];

/** @throws `invalid_argument`: a kind that there is not. */
export function aclEntryOf(message: understudy.AclEntry.$Properties): AclEntry {
  const kind = ACL_KINDS[message.kind ?? 0];
  if (kind === undefined) throw new UnderstudyError('invalid_argument', `not a kind of entry: kind=${message.kind}`, { errno: 'EINVAL' });
  return { isDefault: message.default ?? false, kind, name: message.name ?? '', permissions: message.permissions ?? 0 };
}

/** @returns the list of a stored record or a journal entry. @throws `failed_precondition` (`needs version`). */
export function storedAclOf(messages: readonly understudy.AclEntry.$Properties[] | null | undefined): AclEntry[] {
  const unknown = messages?.find(({ kind }) => ACL_KINDS[kind ?? 0] === undefined);
  if (unknown !== undefined) throw needsVersionFor(`kind of an entry of an access control list: kind=${unknown.kind}`);
  return (messages ?? []).map(aclEntryOf);
}

export function aclEntryMessage({ isDefault, kind, name, permissions }: AclEntry): understudy.AclEntry.$Properties {
  return { default: isDefault, kind: ACL_KINDS.indexOf(kind), name, permissions };
}
