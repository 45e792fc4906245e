import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import { checkCount, type PlanContext, type Planned, resolveExisting } from './plan.js';
import type { StateView } from './state.js';

/** Fixes a file's length: its blocks follow from that. */
export function planCompleteFile(request: understudy.CompleteFileRequest, state: StateView, context: PlanContext): Planned {
  const { path, parentId, name, inode } = resolveExisting(request.path, state);
  if (inode.directory) throw new UnderstudyError('failed_precondition', `only a file can be completed: path=${path}`);
  if (inode.complete) throw new UnderstudyError('failed_precondition', `the file is already complete: path=${path}`);
  const length = checkCount(request.length, 'length');
  return {
    entry: { completeFile: { parentId, name, length, modifiedMs: checkCount(request.modifiedMs ?? context.timeMs, 'modified_ms') } },
  };
}
