import type { understudy } from '#proto/understudy.js';
import { expiryOf, newInode, umaskFor } from './new-inode.js';
import { checkMayMake, checkMode, checkRoomFor, newInodeIds, type PlanContext, type Planned, plainPath, resolve } from './plan.js';
import { checkQuota } from './quota.js';
import { inodeMessage } from './records.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

/** Makes a directory; with `recursive` those missing above it too, all alike but for a time to live, which is the last one's. */
export function planCreateDirectory(request: understudy.CreateDirectoryRequest, state: StateView, context: PlanContext): Planned {
  const mode = checkMode(request.mode ?? 0o777);
  const more = expiryOf(request, context);
  const resolved = resolve(request.path, state, context);
  const { path, missing, inode } = resolved;
  if (missing.length === 0) {
    if (request.allowExists && inode.directory) return { unchanged: inode };
    throw refusal('EEXIST', 'path already exists', path);
  }
  checkRoomFor(resolved, request.recursive);
  checkMayMake(resolved, context);
  checkQuota(resolved, { names: missing.length, bytes: 0 }, state);
  const made = newInode({ id: newInodeIds(state), directory: true, mode, umask: umaskFor(request, state), more }, inode, context);
  return {
    entry: { path: plainPath(resolved), createDirectory: { parentId: inode.id, names: [...missing], inode: inodeMessage(made) } },
  };
}
