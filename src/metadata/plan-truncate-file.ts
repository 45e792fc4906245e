import type { understudy } from '#proto/understudy.js';
import { checkCount, type PlanContext, type Planned, plainPath } from './plan.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';
import { resolveCompleteFile } from './writing.js';

/** Cuts a complete file, anywhere: blocks behind the cut are no longer its. */
export function planTruncateFile(request: understudy.TruncateFileRequest, state: StateView, context: PlanContext): Planned {
  const length = checkCount(request.length, 'length');
  const resolved = resolveCompleteFile(request.path, state, context);
  const { path, parentId, name, inode } = resolved;
  if (length > inode.length) throw refusal('EINVAL', 'the file is shorter', path, `length=${length} present=${inode.length}`);
  if (length === inode.length) return { unchanged: inode };
  return { entry: { path: plainPath(resolved), truncateFile: { parentId, name, length, modifiedMs: context.timeMs } } };
}
