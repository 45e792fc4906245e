/**
 * Who may do what to an inode: the algorithm of POSIX 1003.1e draft 17.
 *
 * The first of these that fits decides alone: owner; a user named in the list; all groups of the user that the list names, or that own the
 * inode, together (one of them has to grant all that is wanted); others. The mask takes bits from named users and from groups. A superuser
 * may do anything. This runs for each component of each path: most answers come from the mode alone, without a look at a name.
 */
import { type AclEntry, isExtended } from './acl.js';
import { formatMode } from './mode-text.js';
import { refusal } from './refusals.js';

export const READ = 4;
export const WRITE = 2;
export const EXECUTE = 1;

/** Who calls. */
export interface Identity {
  readonly user: string;
  /** Primary group: of what the user makes; empty where none is known. */
  readonly group: string;
  /** All groups of the user. */
  readonly groups: ReadonlySet<string>;
  readonly isSuperuser: boolean;
}

/** What decides about access to an inode. */
export interface Guarded {
  readonly owner: string;
  readonly group: string;
  readonly mode: number;
  readonly directory: boolean;
  /** With the stored entries of its list (acl.ts); those of a default list do not count here. */
  readonly more: { readonly acl: readonly AclEntry[] } | null;
}

const STICKY = 0o1000;

/** @param wanted bits of READ, WRITE and EXECUTE; all of them. */
export function mayAccess(inode: Guarded, identity: Identity, wanted: number): boolean {
  const { mode, more } = inode;
  if (identity.isSuperuser) return true;
  if (more !== null && isExtended(more.acl)) return mayAccessByList(inode, more.acl, identity, wanted);
  if ((mode & (mode >> 3) & (mode >> 6) & wanted) === wanted) return true;
  const shift = identity.user === inode.owner ? 6 : identity.groups.has(inode.group) ? 3 : 0;
  return ((mode >> shift) & wanted) === wanted;
}

function mayAccessByList(inode: Guarded, acl: readonly AclEntry[], { user, groups }: Identity, wanted: number): boolean {
  const { mode } = inode;
  if (user === inode.owner) return ((mode >> 6) & wanted) === wanted;
  let isOfGroup = false;
  let isGranted = false;
  for (const { isDefault, kind, name, permissions } of acl) {
    if (isDefault) break;
    const grants = (permissions & (mode >> 3) & wanted) === wanted;
    if (kind === 'user') {
      if (name === user) return grants;
    } else if (groups.has(name || inode.group)) {
      isOfGroup = true;
      isGranted ||= grants;
    }
  }
  return isOfGroup ? isGranted : (mode & wanted) === wanted;
}

/** @param path of the inode, likewise below. @throws EACCES: the caller lacks one of the wanted permissions. */
export function checkAccess(inode: Guarded, identity: Identity, wanted: number, path: string): void {
  if (mayAccess(inode, identity, wanted)) return;
  const words = ['read', 'write', 'execute'].filter((_, at) => wanted & (READ >> at));
  throw refusal('EACCES', 'permission denied', path, `user=${identity.user} access=${words.join('+')} inode=${describeGuarded(inode)}`);
}

/** @throws EPERM: the caller is neither the owner nor a superuser. */
export function checkOwner(inode: Guarded, identity: Identity, path: string): void {
  if (identity.isSuperuser || identity.user === inode.owner) return;
  throw refusal('EPERM', 'permission denied, only the owner may', path, `user=${identity.user} inode=${describeGuarded(inode)}`);
}

/** Of a file that is being written: its owner writes on, whatever its mode. @throws EACCES. */
export function checkWriter(inode: Guarded, identity: Identity, path: string): void {
  if (identity.user !== inode.owner) checkAccess(inode, identity, WRITE, path);
}

/** @param what is to be done, for people: `mount`. @throws EPERM. */
export function checkSuperuser(identity: Identity, what: string, path: string): void {
  if (!identity.isSuperuser) throw refusal('EPERM', `permission denied, only a superuser may ${what}`, path, `user=${identity.user}`);
}

/** Of a child that is to be removed, replaced, or renamed. @throws EACCES, EPERM: by the sticky bit. */
export function checkTakeAway(directory: Guarded, child: Guarded, identity: Identity, path: string): void {
  checkAccess(directory, identity, WRITE | EXECUTE, path.slice(0, path.lastIndexOf('/')) || '/');
  const { user, isSuperuser } = identity;
  if ((directory.mode & STICKY) === 0 || isSuperuser || user === child.owner || user === directory.owner) return;
  const inodes = `inode=${describeGuarded(child)} directory=${describeGuarded(directory)}`;
  throw refusal('EPERM', 'permission denied, by the sticky bit of the directory', path, `user=${user} ${inodes}`);
}

/** @returns `owner:group:drwxr-xr-x`; a `+` behind it where there is an access control list. */
function describeGuarded({ owner, group, mode, directory, more }: Guarded): string {
  return `${owner}:${group}:${formatMode({ directory, mode })}${more !== null && isExtended(more.acl) ? '+' : ''}`;
}
