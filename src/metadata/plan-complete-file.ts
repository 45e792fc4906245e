import type { understudy } from '#proto/understudy.js';
import { checkWriter } from './access.js';
import { checkCount, type PlanContext, type Planned, plainPath, resolveExisting } from './plan.js';
import { checkQuota } from './quota.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

/** Fixes a file's length: its blocks follow from that. */
export function planCompleteFile(request: understudy.CompleteFileRequest, state: StateView, context: PlanContext): Planned {
  const resolved = resolveExisting(request.path, state, context);
  const { path, parentId, name, inode } = resolved;
  if (inode.directory) throw refusal('EISDIR', 'only a file can be completed', path);
  if (inode.complete) throw refusal('ETXTBSY', 'the file is already complete', path);
  checkWriter(inode, context.identity, path);
  const length = checkCount(request.length, 'length');
  const modifiedMs = checkCount(request.modifiedMs ?? context.timeMs, 'modified_ms');
  checkQuota(resolved, { names: 0, bytes: length - inode.length }, state);
  return { entry: { path: plainPath(resolved), completeFile: { parentId, name, length, modifiedMs } } };
}
