import type { understudy } from '#proto/understudy.js';
import { checkAccess, EXECUTE, READ, WRITE } from './access.js';
import { checkMayTakeAway, type PlanContext, type Planned, plainPath, resolveExisting } from './plan.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';
import { goesToTrash, moveToTrash } from './trash.js';

/**
 * Removes a file, an empty directory, or (`recursive`) a whole tree: it is detached at once and reaped in the background. With the trash on
 * (trash.ts) it moves there instead.
 *
 * Of a tree that is not empty, only the top is asked for permission, as of one that is renamed: what is below could be moved away with it.
 */
export function planRemove(request: understudy.RemoveRequest, state: StateView, context: PlanContext): Planned {
  const resolved = resolveExisting(request.path, state, context);
  const { path, parentId, name, inode } = resolved;
  if (parentId === 0) throw refusal('EINVAL', 'the root cannot be removed', path);
  checkMayTakeAway(resolved, context);
  if (inode.directory && inode.childCount > 0) {
    if (!request.recursive) throw refusal('ENOTEMPTY', 'the directory is not empty, and recursive was not asked for', path);
    checkAccess(inode, context.identity, READ | WRITE | EXECUTE, path);
  }
  if (!request.skipTrash && goesToTrash(resolved, context)) return { entry: moveToTrash(resolved, state, context) };
  const storage = request.namespaceOnly ? 'stays' : request.recursive ? 'goes whole' : undefined;
  return { entry: { path: plainPath(resolved), remove: { parentId, name } }, ...(storage === undefined ? {} : { storage }) };
}
