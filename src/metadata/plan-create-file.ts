import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import { checkCount, checkMode, newInodeIds, type PlanContext, type Planned, resolve } from './plan.js';
import { newDirectory } from './plan-create-directory.js';
import type { StateView } from './state.js';

/** Makes a file; with `recursive` the directories missing above it too, with `completeLength` a complete one, all in the same entry. */
export function planCreateFile(request: understudy.CreateFileRequest, state: StateView, context: PlanContext): Planned {
  const { path, missing, inode: parent } = resolve(request.path, state);
  if (missing.length === 0) throw new UnderstudyError('already_exists', `path already exists: path=${path}`);
  if (!parent.directory) throw new UnderstudyError('failed_precondition', `the parent is not a directory: path=${path}`);
  if (missing.length > 1 && !request.recursive) throw new UnderstudyError('not_found', `the parent does not exist: path=${path}`);
  const complete = request.completeLength != null;
  const firstId = newInodeIds(state);
  const parents = missing.slice(0, -1);
  return {
    entry: {
      createFile: {
        parentId: parent.id,
        name: missing[missing.length - 1] as string,
        inode: {
          id: firstId + parents.length,
          directory: false,
          owner: context.user,
          group: context.group,
          mode: checkMode(request.mode ?? 0o644),
          createdMs: context.timeMs,
          modifiedMs: complete ? checkCount(request.modifiedMs ?? context.timeMs, 'modified_ms') : context.timeMs,
          accessedMs: context.timeMs,
          length: complete ? checkCount(request.completeLength ?? 0, 'complete_length') : 0,
          blockBytes: checkCount(request.blockBytes, 'block_bytes') || context.blockBytesDefault,
          complete,
          childCount: 0,
          persistence: 0,
        },
        ...(parents.length > 0 ? { parents, parentsInode: newDirectory(firstId, 0o755, context) } : {}),
      },
    },
  };
}
