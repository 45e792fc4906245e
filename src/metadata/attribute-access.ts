/**
 * Who may change which attributes of an inode.
 *
 * Owner, group, mode and times are the owner's to change, and a superuser's; but only a superuser gives an inode to somebody else, and an owner
 * gives it only to a group of its own. What concerns its copies and its time to live, whoever may write it changes. What the under store has of
 * it, only a superuser says.
 */
import type { understudy } from '#proto/understudy.js';
import { checkAccess, checkOwner, checkSuperuser, type Guarded, type Identity, WRITE } from './access.js';
import { refusal } from './refusals.js';

const SETUID = 0o4000;
const SETGID = 0o2000;

type Request = understudy.SetAttributesRequest;

/** @throws EPERM, EACCES. */
export function checkMaySet(request: Request, inode: Guarded, identity: Identity, path: string): void {
  const { owner, group, mode, modifiedMs, accessedMs, persistence } = request;
  if (owner != null && owner !== inode.owner) checkSuperuser(identity, 'change the owner', path);
  if ([owner, group, mode, modifiedMs, accessedMs].some((field) => field != null)) checkOwner(inode, identity, path);
  if (group != null && group !== inode.group && !identity.isSuperuser && !identity.groups.has(group)) {
    throw refusal('EPERM', 'permission denied, only a member may give something to a group', path, `user=${identity.user} group=${group}`);
  }
  if (persistence != null) checkSuperuser(identity, 'say what is persisted', path);
  if (identity.user !== inode.owner) checkAccess(inode, identity, changesCopies(request) ? WRITE : 0, path);
}

function changesCopies({ pinned, replicationMin, replicationMax, ttlMs, clearTtl }: Request): boolean {
  return clearTtl || [pinned, replicationMin, replicationMax, ttlMs].some((field) => field != null);
}

/**
 * @returns the mode that is to be set; null where it stays. Without setgid where that would hand down a group that the caller is not in. A
 * file that somebody other than a superuser gives away runs as nobody else any longer.
 */
export function settableMode({ owner, group, mode }: Request, inode: Guarded, identity: Identity): number | null {
  const { isSuperuser, groups } = identity;
  const isGiven = (owner != null && owner !== inode.owner) || (group != null && group !== inode.group);
  if (mode != null) return isSuperuser || groups.has(group ?? inode.group) ? mode : mode & ~SETGID;
  return isGiven && !isSuperuser && !inode.directory ? inode.mode & ~(SETUID | SETGID) : null;
}
