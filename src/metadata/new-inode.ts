/**
 * What is made anew: the caller's, with the permissions that follow from the request and from the directory that it is made in.
 */
import { inheritedPermissions } from './acl.js';
import { type ExpiryAction, type InodeMore, withMore } from './inode-more.js';
import { checkCount, type PlanContext } from './plan.js';
import type { Inode } from './records.js';

export interface Making {
  readonly id: number;
  readonly directory: boolean;
  /** As it was asked for. */
  readonly mode: number;
  /** Bits that are taken from the mode, unless the parent has a default access control list. */
  readonly umask: number;
  /** What it begins with beside its access control list; null: nothing. */
  readonly more?: Partial<InodeMore> | null;
}

const SETGID = 0o2000;

/** @returns an empty directory, or an empty file that is not complete. With setgid, a directory hands down its group, and directories that bit. */
export function newInode({ id, directory, mode, umask, more = null }: Making, parent: Inode, { identity, timeMs }: PlanContext): Inode {
  const handsDown = (parent.mode & SETGID) !== 0;
  const given = inheritedPermissions(parent.more?.acl ?? [], mode, umask, directory);
  return {
    id,
    directory,
    owner: identity.user,
    group: handsDown ? parent.group : identity.group || parent.group,
    mode: handsDown && directory ? given.mode | SETGID : given.mode,
    createdMs: timeMs,
    modifiedMs: timeMs,
    accessedMs: timeMs,
    length: 0,
    blockBytes: 0,
    complete: false,
    childCount: 0,
    persistence: 0,
    generation: 0,
    more: given.acl.length === 0 && more === null ? null : withMore(null, { ...more, acl: given.acl }),
  };
}

/** Of what is made now with a time to live; null: it has none. @throws EINVAL. */
export function expiryOf(
  { ttlMs, expiryAction }: { readonly ttlMs?: number | null; readonly expiryAction: number },
  { timeMs }: PlanContext,
): Partial<InodeMore> | null {
  if (ttlMs == null) return null;
  return { ttlMs, expiresMs: checkCount(timeMs + checkCount(ttlMs, 'ttl_ms'), 'expires_ms'), expiryAction: expiryAction as ExpiryAction };
}
