import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import { type Planned, resolveExisting } from './plan.js';
import type { StateView } from './state.js';

/** Removes a file, an empty directory, or (`recursive`) a whole tree: it is detached at once and reaped in the background. */
export function planRemove(request: understudy.RemoveRequest, state: StateView): Planned {
  const { path, parentId, name, inode } = resolveExisting(request.path, state);
  if (parentId === 0) throw new UnderstudyError('invalid_argument', 'the root cannot be removed');
  if (inode.directory && inode.childCount > 0 && !request.recursive) {
    throw new UnderstudyError('failed_precondition', `the directory is not empty, and recursive was not asked for: path=${path}`);
  }
  return { entry: { remove: { parentId, name } } };
}
