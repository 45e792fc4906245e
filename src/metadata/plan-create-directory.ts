import type { understudy } from '#proto/understudy.js';
import { checkMode, checkRoomFor, newInodeIds, type PlanContext, type Planned, plainPath, resolve } from './plan.js';
import { type Inode, inodeMessage } from './records.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

/** Makes a directory; with `recursive` those missing above it too, all alike. */
export function planCreateDirectory(request: understudy.CreateDirectoryRequest, state: StateView, context: PlanContext): Planned {
  const resolved = resolve(request.path, state, context);
  const { path, missing, inode } = resolved;
  const mode = checkMode(request.mode ?? 0o777) & ~request.umask;
  if (missing.length === 0) {
    if (request.allowExists && inode.directory) return { unchanged: inode };
    throw refusal('EEXIST', 'path already exists', path);
  }
  checkRoomFor(resolved, request.recursive);
  const made = newDirectory(newInodeIds(state), mode, context);
  return {
    entry: { path: plainPath(resolved), createDirectory: { parentId: inode.id, names: [...missing], inode: inodeMessage(made) } },
  };
}

/** @returns an empty directory, made now. */
export function newDirectory(id: number, mode: number, context: PlanContext): Inode {
  return { ...newInode(id, mode, context), directory: true };
}

/** @returns an empty file, made now, that is not complete. */
export function newInode(id: number, mode: number, { identity, timeMs }: PlanContext): Inode {
  return {
    id,
    directory: false,
    owner: identity.user,
    group: identity.groups[0] ?? identity.user,
    mode,
    createdMs: timeMs,
    modifiedMs: timeMs,
    accessedMs: timeMs,
    length: 0,
    blockBytes: 0,
    complete: false,
    childCount: 0,
    persistence: 0,
    generation: 0,
    more: null,
  };
}
