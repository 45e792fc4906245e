import type { understudy } from '#proto/understudy.js';
import { type PlanContext, type Planned, plainPath, resolveExisting } from './plan.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

/** Removes a file, an empty directory, or (`recursive`) a whole tree: it is detached at once and reaped in the background. */
export function planRemove(request: understudy.RemoveRequest, state: StateView, context: PlanContext): Planned {
  const resolved = resolveExisting(request.path, state, context);
  const { path, parentId, name, inode } = resolved;
  if (parentId === 0) throw refusal('EINVAL', 'the root cannot be removed', path);
  if (inode.directory && inode.childCount > 0 && !request.recursive) {
    throw refusal('ENOTEMPTY', 'the directory is not empty, and recursive was not asked for', path);
  }
  return { entry: { path: plainPath(resolved), remove: { parentId, name } } };
}
