import type { understudy } from '#proto/understudy.js';
import { checkMaySet, settableMode } from './attribute-access.js';
import { checkCount, checkMode, checkPrincipal, type PlanContext, type Planned, plainPath, resolveExisting } from './plan.js';
import type { StateView } from './state.js';

/** Changes owner, group, mode and times: those that the request names. */
export function planSetAttributes(request: understudy.SetAttributesRequest, state: StateView, context: PlanContext): Planned {
  const resolved = resolveExisting(request.path, state, context);
  const { path, parentId, name, inode } = resolved;
  checkMaySet(request, inode, context.identity, path);
  const changes = {
    ...(request.owner == null ? {} : { owner: checkPrincipal(request.owner, 'owner') }),
    ...(request.group == null ? {} : { group: checkPrincipal(request.group, 'group') }),
    ...(request.mode == null ? {} : { mode: settableMode(checkMode(request.mode), request.group ?? inode.group, context.identity) }),
    ...(request.modifiedMs == null ? {} : { modifiedMs: checkCount(request.modifiedMs, 'modified_ms') }),
    ...(request.accessedMs == null ? {} : { accessedMs: checkCount(request.accessedMs, 'accessed_ms') }),
  };
  const same = Object.entries(changes).every(([field, value]) => inode[field as keyof typeof changes] === value);
  return same ? { unchanged: inode } : { entry: { path: plainPath(resolved), setAttributes: { parentId, name, ...changes } } };
}
