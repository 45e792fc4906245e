import type { understudy } from '#proto/understudy.js';
import { checkCount, type PlanContext, type Planned, plainPath } from './plan.js';
import { checkQuota } from './quota.js';
import type { StateView } from './state.js';
import { checkFits, resolveOpenFile } from './writing.js';

/** Fixes a file's length: its blocks follow from that, however many were handed out. Its lease ends. */
export function planCompleteFile(request: understudy.CompleteFileRequest, state: StateView, context: PlanContext): Planned {
  const length = checkCount(request.length, 'length');
  const modifiedMs = checkCount(request.modifiedMs ?? context.timeMs, 'modified_ms');
  const resolved = resolveOpenFile(request, state, context);
  const { path, parentId, name, inode } = resolved;
  checkFits(length, inode.blockBytes, path);
  checkQuota(resolved, { names: 0, bytes: length - inode.length }, state);
  return { entry: { path: plainPath(resolved), completeFile: { parentId, name, length, modifiedMs } } };
}
