/**
 * Who may do what to an inode: the algorithm of POSIX 1003.1e draft 17.
 *
 * The first of these that fits decides alone: owner; a user named in the list; all groups of the user that the list names, or that own the
 * inode, together (one of them has to grant all that is wanted); others. The mask takes bits from named users and from groups. A superuser
 * may do anything. This runs for each component of each path: most answers come from the mode alone, without a look at a name.
 */
import { UnderstudyError } from '../base/errors.js';
import type { AclEntry } from './acl.js';
import { formatMode } from './mode-text.js';

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
}

const STICKY = 0o1000;

/**
 * @param acl stored entries of the inode, src/metadata/acl.ts; those of a default list do not count.
 * @param wanted bits of READ, WRITE and EXECUTE; all of them.
 */
export function mayAccess(inode: Guarded, acl: readonly AclEntry[], identity: Identity, wanted: number): boolean {
  const { mode } = inode;
  if (identity.isSuperuser) return true;
  if ((acl.length === 0 || acl[0]?.isDefault) && (mode & (mode >> 3) & (mode >> 6) & wanted) === wanted) return true;
  if (identity.user === inode.owner) return ((mode >> 6) & wanted) === wanted;
  let isExtended = false;
  let isOfGroup = false;
  let isGranted = false;
  for (const { isDefault, kind, name, permissions } of acl) {
    if (isDefault) break;
    isExtended = true;
    const grants = (permissions & (mode >> 3) & wanted) === wanted;
    if (kind === 'user') {
      if (name === identity.user) return grants;
    } else if (identity.groups.has(name || inode.group)) {
      isOfGroup = true;
      isGranted ||= grants;
    }
  }
  if (isExtended) return isOfGroup ? isGranted : (mode & wanted) === wanted;
  return ((identity.groups.has(inode.group) ? mode >> 3 : mode) & wanted) === wanted;
}

/** @returns whether a child may be removed from a directory, or renamed, as far as its sticky bit goes: only by the owner of either. */
export function mayTakeAway(directory: Guarded, child: Guarded, identity: Identity): boolean {
  const { user, isSuperuser } = identity;
  return (directory.mode & STICKY) === 0 || isSuperuser || user === child.owner || user === directory.owner;
}

/** @returns the refusal of access to `inode`, which stands under `path`. */
export function accessDenied(
  identity: Identity,
  wanted: number,
  path: string,
  inode: Guarded & { readonly directory: boolean },
): UnderstudyError {
  const words = [wanted & READ ? 'read' : '', wanted & WRITE ? 'write' : '', wanted & EXECUTE ? 'execute' : ''].filter(
    (word) => word !== '',
  );
  return new UnderstudyError(
    'permission_denied',
    `permission denied: user=${identity.user} access=${words.join('+')} path=${path} inode=${describeGuarded(inode)}`,
  );
}

/** @returns `owner:group:drwxr-xr-x`. */
function describeGuarded({ owner, group, mode, directory }: Guarded & { readonly directory: boolean }): string {
  return `${owner}:${group}:${formatMode({ directory, mode })}`;
}
