/**
 * What is made anew: the caller's, with the permissions that follow from the request and from the directory that it is made in.
 */
import { SETTINGS } from '../config/settings.js';
import { type AclEntry, inheritedPermissions } from './acl.js';
import { pathValue } from './cluster-config.js';
import { type ExpiryAction, type InodeMore, withMore } from './inode-more.js';
import { checkCount, type PlanContext } from './plan.js';
import type { Inode } from './records.js';
import type { StateView } from './state.js';

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
  const given = inherited(parent.more?.acl ?? NO_ENTRIES, mode, umask, directory);
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
    more: more === null ? given.more : withMore(given.more, more),
  };
}

interface Given {
  readonly mode: number;
  readonly more: InodeMore | null;
}

const NO_ENTRIES: readonly AclEntry[] = [];
/** What the last inode was given: the next one is made in the same directory, most often, and shares it. */
let last: { readonly acl: readonly AclEntry[]; readonly key: number; readonly given: Given } | null = null;

function inherited(acl: readonly AclEntry[], mode: number, umask: number, directory: boolean): Given {
  if (acl.length === 0) return { mode: mode & ~umask, more: null };
  const key = (directory ? 1 << 24 : 0) | ((umask & 0o7777) << 12) | mode;
  if (last !== null && last.acl === acl && last.key === key) return last.given;
  const made = inheritedPermissions(acl, mode, umask, directory);
  const given = { mode: made.mode, more: made.acl.length === 0 ? null : withMore(null, { acl: made.acl }) };
  last = { acl, key, given };
  return given;
}

/** @returns the bits that are taken from a mode that the caller did not name: as is set for the path, else as the caller's own settings say. */
export function umaskFor(
  { path, mode, umask }: { readonly path: string; readonly mode?: number | null; readonly umask: number },
  state: StateView,
): number {
  if (mode != null) return umask;
  return pathValue(SETTINGS.securityAuthorizationPermissionUmask, path, state.config()) ?? umask;
}

/** Of what is made now with a time to live; null: it has none. @throws EINVAL. */
export function expiryOf(
  { ttlMs, expiryAction }: { readonly ttlMs?: number | null; readonly expiryAction: number },
  { timeMs }: PlanContext,
): Partial<InodeMore> | null {
  if (ttlMs == null) return null;
  return { ttlMs, expiresMs: checkCount(timeMs + checkCount(ttlMs, 'ttl_ms'), 'expires_ms'), expiryAction: expiryAction as ExpiryAction };
}
