import type { understudy } from '#proto/understudy.js';
import { newInode } from './new-inode.js';
import { checkCount, checkMayMake, checkMode, newInodeIds, type PlanContext, type Planned, plainPath, resolveNew } from './plan.js';
import { checkQuota } from './quota.js';
import { inodeMessage } from './records.js';
import type { StateView } from './state.js';

/** Makes a file; with `recursive` the directories missing above it too, with `completeLength` a complete one, all in the same entry. */
export function planCreateFile(request: understudy.CreateFileRequest, state: StateView, context: PlanContext): Planned {
  const resolved = resolveNew(request.path, request.recursive, state, context);
  const { missing, inode: parent } = resolved;
  checkMayMake(resolved, context);
  const { umask } = request;
  const complete = request.completeLength != null;
  const firstId = newInodeIds(state);
  const parents = missing.slice(0, -1);
  const mode = checkMode(request.mode ?? 0o666);
  const made = newInode({ id: firstId + parents.length, directory: false, mode, umask }, parent, context);
  const parentsInode = newInode({ id: firstId, directory: true, mode: 0o777, umask }, parent, context);
  const inode = {
    ...made,
    modifiedMs: complete ? checkCount(request.modifiedMs ?? context.timeMs, 'modified_ms') : context.timeMs,
    length: complete ? checkCount(request.completeLength ?? 0, 'complete_length') : 0,
    blockBytes: checkCount(request.blockBytes, 'block_bytes') || context.settings.blockBytesDefault,
    complete,
  };
  checkQuota(resolved, { names: missing.length, bytes: inode.length }, state);
  return {
    entry: {
      path: plainPath(resolved),
      createFile: {
        parentId: parent.id,
        name: missing[missing.length - 1] as string,
        inode: inodeMessage(inode),
        ...(parents.length > 0 ? { parents, parentsInode: inodeMessage(parentsInode) } : {}),
      },
    },
  };
}
