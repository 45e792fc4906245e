import { understudy } from '#proto/understudy.js';
import { checkOwner } from './access.js';
import {
  type AclEntry,
  type AclName,
  modifyAcl,
  type Permissions,
  removeAcl,
  removeAclEntries,
  removeDefaultAcl,
  replaceAcl,
} from './acl.js';
import { withOwnSetgid } from './attribute-access.js';
import { aclEntryMessage, aclEntryOf } from './inode-more.js';
import { checkPrincipal, type PlanContext, type Planned, plainPath, resolveExisting } from './plan.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

const EDITS: Readonly<Record<understudy.AclAction, (held: Permissions, entries: readonly AclEntry[], directory: boolean) => Permissions>> =
  {
    [understudy.AclAction.MODIFY]: modifyAcl,
    [understudy.AclAction.REPLACE]: replaceAcl,
    [understudy.AclAction.REMOVE]: (held, entries, directory) => removeAclEntries(held, entries.map(nameOf), directory),
    [understudy.AclAction.REMOVE_DEFAULT]: removeDefaultAcl,
    [understudy.AclAction.REMOVE_ALL]: removeAcl,
  };

/** Changes the access control list, and with it the mode: one edit of `setfacl`. */
export function planSetAcl(request: understudy.SetAclRequest, state: StateView, context: PlanContext): Planned {
  const resolved = resolveExisting(request.path, state, context);
  const { path, parentId, name, inode } = resolved;
  checkOwner(inode, context.identity, path);
  const entries = request.entries.map(aclEntryOf);
  for (const entry of entries) if (entry.name !== '') checkPrincipal(entry.name, entry.kind);
  const held = { mode: inode.mode, acl: inode.more?.acl ?? [] };
  const edit = EDITS[request.action];
  if (edit === undefined) throw refusal('EINVAL', 'no such edit of an access control list', path, `action=${request.action}`);
  const edited = edit(held, entries, inode.directory);
  const changesAccess = edited.mode !== held.mode || !isSame(edited.acl.filter(isAccess), held.acl.filter(isAccess));
  const mode = changesAccess ? withOwnSetgid(edited.mode, inode.group, context.identity) : held.mode;
  if (mode === held.mode && isSame(edited.acl, held.acl)) return { unchanged: inode };
  return { entry: { path: plainPath(resolved), setAcl: { parentId, name, mode, acl: edited.acl.map(aclEntryMessage) } } };
}

/** What an entry that is to go says of permissions, says nothing. */
function nameOf({ isDefault, kind, name }: AclEntry): AclName {
  return { isDefault, kind, name };
}

const isAccess = ({ isDefault }: AclEntry): boolean => !isDefault;

function isSame(some: readonly AclEntry[], others: readonly AclEntry[]): boolean {
  return some.length === others.length && some.every((entry, at) => isSameEntry(entry, others[at]));
}

function isSameEntry(entry: AclEntry, other: AclEntry | undefined): boolean {
  return (
    entry.isDefault === other?.isDefault &&
    entry.kind === other.kind &&
    entry.name === other.name &&
    entry.permissions === other.permissions
  );
}
