import type { understudy } from '#proto/understudy.js';
import { parsePath } from './path.js';
import {
  checkMayMake,
  checkMayTakeAway,
  checkRoomFor,
  type PlanContext,
  type Planned,
  plainPath,
  type Resolved,
  resolve,
  resolveExisting,
} from './plan.js';
import { checkQuota } from './quota.js';
import type { Inode } from './records.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';
import { NO_USAGE, usageWith } from './usage.js';

/** Moves a file or a whole directory, in one entry whatever its size, as rename(2) does. Something to be renamed to itself stays. */
export function planRename(request: understudy.RenameRequest, state: StateView, context: PlanContext): Planned {
  parsePath(request.to);
  const from = resolveExisting(request.from, state, context);
  const to = targetOf(request, from, state, context);
  if (from.parentId === 0) throw refusal('EINVAL', 'the root cannot be renamed', request.from);
  const exists = to.missing.length === 0;
  if (exists && to.inode.id === from.inode.id) return { unchanged: from.inode };
  if (exists) checkReplaces(from, to, request.overwrite);
  else checkRoomFor(to, false);
  if (isBelow(to, from.inode)) throw refusal('EINVAL', 'a directory cannot be moved below itself', request.from, `to=${to.path}`);

  checkMayTakeAway(from, context);
  if (exists) checkMayTakeAway(to, context);
  else checkMayMake(to, context);
  if (exists && to.inode.more?.mountId) throw refusal('EBUSY', 'a mount point cannot be replaced', to.path);
  if (exists && to.inode.childCount > 0) throw refusal('ENOTEMPTY', 'the directory to be replaced is not empty', to.path);
  checkQuota(to, growth(from.inode, exists, to.inode, state), state, sharedDirectories(from, to));

  const [toParentId, toName] = exists ? [to.parentId, to.name] : [to.inode.id, to.missing[0] as string];
  const rename = { fromParentId: from.parentId, fromName: from.name, toParentId, toName, replaces: exists };
  return { entry: { path: plainPath(from), toPath: plainPath(to), rename } };
}

/** @returns where it is to be: with `into`, below the directory that is there, under its own name. */
function targetOf({ to: path, into }: understudy.RenameRequest, from: Resolved, state: StateView, context: PlanContext): Resolved {
  const to = resolve(path, state, context);
  if (!into || to.missing.length > 0 || !to.inode.directory || from.parentId === 0) return to;
  return resolve(`${to.names.length === 0 ? '' : plainPath(to)}/${from.name}`, state, context);
}

/** @throws EINVAL, EEXIST, EISDIR, ENOTDIR: what is there cannot be replaced. */
function checkReplaces(from: Resolved, to: Resolved, overwrite: boolean): void {
  if (to.parentId === 0) throw refusal('EINVAL', 'the root cannot be replaced', to.path);
  if (!isBelow(to, from.inode)) {
    if (!overwrite) throw refusal('EEXIST', 'path already exists', to.path);
    if (to.inode.directory && !from.inode.directory) throw refusal('EISDIR', 'a file cannot replace a directory', to.path);
    if (!to.inode.directory && from.inode.directory) throw refusal('ENOTDIR', 'a directory cannot replace a file', to.path);
  }
}

function isBelow({ above, missing, inode }: Resolved, directory: Inode): boolean {
  return directory.directory && ((missing.length > 0 && inode.id === directory.id) || above.some(({ id }) => id === directory.id));
}

function growth(moved: Inode, replaces: boolean, replaced: Inode, state: StateView): { names: number; bytes: bigint } {
  const { files, directories, bytes } = usageWith(moved, state.usages.get(moved.id) ?? NO_USAGE);
  return { names: files + directories - (replaces ? 1 : 0), bytes: replaces ? bytes - BigInt(replaced.length) : bytes };
}

/** @returns how many directories from the root hold both: what they have below them stays. */
function sharedDirectories(from: Resolved, to: Resolved): number {
  const directories = to.missing.length === 0 ? to.above : [...to.above, to.inode];
  let shared = 0;
  while (shared < directories.length && directories[shared]?.id === from.above[shared]?.id) shared += 1;
  return shared;
}
