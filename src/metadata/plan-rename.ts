import type { understudy } from '#proto/understudy.js';
import { checkMayMake, checkMayTakeAway, type PlanContext, type Planned, plainPath, resolveExisting, resolveNew } from './plan.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

/** Moves a file or a whole directory, in one entry whatever its size. */
export function planRename(request: understudy.RenameRequest, state: StateView, context: PlanContext): Planned {
  const from = resolveExisting(request.from, state, context);
  if (from.parentId === 0) throw refusal('EINVAL', 'the root cannot be renamed', request.from);
  if (isPrefix(from.names, request.to)) {
    throw refusal('EINVAL', 'a directory cannot be moved below itself', request.from, `to=${request.to}`);
  }
  checkMayTakeAway(from, context);
  const to = resolveNew(request.to, false, state, context);
  checkMayMake(to, context);
  return {
    entry: {
      path: plainPath(from),
      toPath: plainPath(to),
      rename: { fromParentId: from.parentId, fromName: from.name, toParentId: to.inode.id, toName: to.missing[0] as string },
    },
  };
}

function isPrefix(names: readonly string[], path: string): boolean {
  return path.startsWith(`/${names.join('/')}/`) && path.length > names.join('/').length + 2;
}
