import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import { type Planned, resolveExisting, resolveNew } from './plan.js';
import type { StateView } from './state.js';

/** Moves a file or a whole directory, in one entry whatever its size. The target must not exist; its parent must. */
export function planRename(request: understudy.RenameRequest, state: StateView): Planned {
  const from = resolveExisting(request.from, state);
  if (from.parentId === 0) throw new UnderstudyError('invalid_argument', 'the root cannot be renamed');
  if (isPrefix(from.names, request.to)) {
    throw new UnderstudyError('invalid_argument', `a directory cannot be moved below itself: from=${request.from} to=${request.to}`);
  }
  const to = resolveNew(request.to, state);
  return {
    entry: { rename: { fromParentId: from.parentId, fromName: from.name, toParentId: to.inode.id, toName: to.missing[0] as string } },
  };
}

function isPrefix(names: readonly string[], path: string): boolean {
  return path.startsWith(`/${names.join('/')}/`) && path.length > names.join('/').length + 2;
}
