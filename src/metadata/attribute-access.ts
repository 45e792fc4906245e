/**
 * Who may change which attributes of an inode.
 *
 * All of them are the owner's to change, and a superuser's; but only a superuser gives an inode to somebody else, and an owner gives it
 * only to a group of its own.
 */
import type { understudy } from '#proto/understudy.js';
import { checkOwner, checkSuperuser, type Guarded, type Identity } from './access.js';
import { refusal } from './refusals.js';

const SETGID = 0o2000;

/** @throws EPERM. */
export function checkMaySet(request: understudy.SetAttributesRequest, inode: Guarded, identity: Identity, path: string): void {
  checkOwner(inode, identity, path);
  const { owner, group } = request;
  if (owner != null && owner !== inode.owner) checkSuperuser(identity, 'change the owner', path);
  if (group != null && group !== inode.group && !identity.isSuperuser && !identity.groups.has(group)) {
    throw refusal('EPERM', 'permission denied, only a member may give something to a group', path, `user=${identity.user} group=${group}`);
  }
}

/** @returns the mode, without setgid where that would hand down a group that the caller is not in. */
export function settableMode(mode: number, group: string, { isSuperuser, groups }: Identity): number {
  return isSuperuser || groups.has(group) ? mode : mode & ~SETGID;
}
