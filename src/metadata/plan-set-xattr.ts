import { understudy } from '#proto/understudy.js';
import { checkAccess, checkOwner, WRITE } from './access.js';
import { type PlanContext, type Planned, plainPath, type Resolved, resolveExisting } from './plan.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';
import { checkXattrName, isUserXattr, withoutXattr, withXattr, type XattrMode } from './xattr-edits.js';
import { type Xattrs, xattrsMessage } from './xattrs.js';

const MODES: Readonly<Record<number, XattrMode>> = {
  [understudy.XattrFlag.CREATE_OR_REPLACE]: 'either',
  [understudy.XattrFlag.CREATE]: 'create',
  [understudy.XattrFlag.REPLACE_ONLY]: 'replace',
};

const STICKY = 0o1000;

/** Sets one extended attribute. */
export function planSetXattr(request: understudy.SetXattrRequest, state: StateView, context: PlanContext): Planned {
  const { path, name, value } = request;
  const resolved = resolveSettable(path, name, state, context);
  const held = state.xattrs.get(resolved.inode.id) ?? [];
  const mode = MODES[request.flag];
  if (mode === undefined) throw refusal('EINVAL', 'no such way to set an attribute', path, `flag=${request.flag}`);
  if (mode !== 'create' && held.some((each) => each.name === name && Buffer.compare(each.value, value) === 0)) {
    return { unchanged: resolved.inode };
  }
  return changed(resolved, withXattr(held, { name, value }, mode, path));
}

/** Removes one. */
export function planRemoveXattr(request: understudy.RemoveXattrRequest, state: StateView, context: PlanContext): Planned {
  const { path, name } = request;
  const resolved = resolveSettable(path, name, state, context);
  return changed(resolved, withoutXattr(state.xattrs.get(resolved.inode.id) ?? [], name, path));
}

/** @throws EACCES; in a sticky directory that others write in, only its owner may: EPERM. */
function resolveSettable(path: string, name: string, state: StateView, context: PlanContext): Resolved {
  const { identity } = context;
  checkXattrName(name, identity, path);
  const resolved = resolveExisting(path, state, context);
  const { inode } = resolved;
  if (!isUserXattr(name)) return resolved;
  if (inode.directory && (inode.mode & STICKY) !== 0) checkOwner(inode, identity, path);
  else checkAccess(inode, identity, WRITE, path);
  return resolved;
}

function changed(resolved: Resolved, xattrs: Xattrs): Planned {
  const { parentId, name } = resolved;
  return { entry: { path: plainPath(resolved), setXattr: { parentId, name, xattrs: xattrsMessage(xattrs) } } };
}
