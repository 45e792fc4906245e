/**
 * Who may change which attributes of an inode.
 *
 * Owner, group, mode, times, time to live and pins are the owner's to change, and a superuser's; but only a superuser gives an inode to somebody
 * else, and an owner gives it only to a group of its own. How many copies there are, whoever may write it changes. What the under store has
 * of it, only a superuser says.
 */
import type { understudy } from '#proto/understudy.js';
import { checkAccess, checkOwner, checkSuperuser, type Guarded, type Identity, WRITE } from './access.js';
import { refusal } from './refusals.js';

const SETUID = 0o4000;
const SETGID = 0o2000;

type Request = understudy.SetAttributesRequest;

/** @throws EPERM, EACCES. */
export function checkMaySet(request: Request, inode: Guarded, identity: Identity, path: string): void {
  const { owner, group, mode, modifiedMs, accessedMs, pinned, ttlMs, persistence, replicationMin, replicationMax } = request;
  if (owner != null && owner !== inode.owner) checkSuperuser(identity, 'change the owner', path);
  const isOwners = request.clearTtl || [owner, group, mode, modifiedMs, accessedMs, pinned, ttlMs].some((field) => field != null);
  if (isOwners) checkOwner(inode, identity, path);
  if (group != null && group !== inode.group && !identity.isSuperuser && !identity.groups.has(group)) {
    throw refusal('EPERM', 'permission denied, only a member may give something to a group', path, `user=${identity.user} group=${group}`);
  }
  if (persistence != null) checkSuperuser(identity, 'say what is persisted', path);
  if ((replicationMin != null || replicationMax != null) && identity.user !== inode.owner) checkAccess(inode, identity, WRITE, path);
}

/**
 * @returns the mode that is to be set; null where it stays. Without setgid where that would hand down a group that the caller is not in. A
 * file that somebody other than a superuser gives away runs as nobody else any longer.
 */
export function settableMode({ owner, group, mode }: Request, inode: Guarded, identity: Identity): number | null {
  const isGiven = (owner != null && owner !== inode.owner) || (group != null && group !== inode.group);
  if (mode != null) return withOwnSetgid(mode, group ?? inode.group, identity);
  return isGiven && !identity.isSuperuser && !inode.directory ? inode.mode & ~(SETUID | SETGID) : null;
}

/** @returns `mode`, without setgid where that would hand down a group that the caller is not in. */
export function withOwnSetgid(mode: number, group: string, { isSuperuser, groups }: Identity): number {
  return isSuperuser || groups.has(group) ? mode : mode & ~SETGID;
}
