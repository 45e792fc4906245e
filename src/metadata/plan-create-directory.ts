import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import { checkMode, newInodeIds, type PlanContext, type Planned, resolve } from './plan.js';
import type { Inode } from './records.js';
import type { StateView } from './state.js';

/** Makes a directory; with `recursive` those missing above it too, all alike. */
export function planCreateDirectory(request: understudy.CreateDirectoryRequest, state: StateView, context: PlanContext): Planned {
  const { path, missing, inode } = resolve(request.path, state);
  const mode = checkMode(request.mode ?? 0o755);
  if (missing.length === 0) {
    if (request.allowExists && inode.directory) return { unchanged: inode };
    throw new UnderstudyError('already_exists', `path already exists: path=${path}`);
  }
  if (!inode.directory) throw new UnderstudyError('failed_precondition', `the parent is not a directory: path=${path}`);
  if (missing.length > 1 && !request.recursive) throw new UnderstudyError('not_found', `the parent does not exist: path=${path}`);
  return {
    entry: { createDirectory: { parentId: inode.id, names: [...missing], inode: newDirectory(newInodeIds(state), mode, context) } },
  };
}

/** @returns an empty directory, made now. */
export function newDirectory(id: number, mode: number, context: PlanContext): Inode {
  return {
    id,
    directory: true,
    owner: context.user,
    group: context.group,
    mode,
    createdMs: context.timeMs,
    modifiedMs: context.timeMs,
    accessedMs: context.timeMs,
    length: 0,
    blockBytes: 0,
    complete: false,
    childCount: 0,
    persistence: 0,
  };
}
