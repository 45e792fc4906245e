/**
 * How entries change inodes: every row that follows from an inode's own is kept in step here (expiry, open files, usage, attributes, what is to
 * be persisted).
 */
import { UnderstudyError } from '../base/errors.js';
import { PERSIST } from './features.js';
import { pairKey } from './keys.js';
import { type Inode, PERSISTENCE } from './records.js';
import type { State } from './state.js';
import { NO_USAGE, type Usage, usageWith } from './usage.js';

/** @throws `corrupt` where it is not there: an entry names it. */
export function mustHave(state: State, parentId: number, name: string): Inode {
  const inode = state.child(parentId, name);
  if (inode === null)
    throw new UnderstudyError('corrupt', `entry names what is not there: sn=${state.sn} parent=${parentId} name=${JSON.stringify(name)}`);
  return inode;
}

/** Hangs a new inode into the tree. The directory's count of children, and the usage above, are the caller's. */
export function putInode(state: State, parentId: number, name: string, inode: Inode): void {
  state.putChild(parentId, name, inode, null);
  state.putParent(inode.id, { parentId, name }, null);
  if (inode.more !== null) follow(state, inode, null);
  followPersistence(state, inode, null);
}

/** Changes an inode where it hangs; the usage above it, too, where a file's length differs. */
export function changeInode(state: State, parentId: number, name: string, after: Inode, before: Inode): Inode {
  state.putChild(parentId, name, after, before);
  if (after.more !== before.more) follow(state, after, before);
  followPersistence(state, after, before);
  if (after.length !== before.length && !after.directory) {
    state.charge(parentId, { files: 0, directories: 0, bytes: BigInt(after.length) - BigInt(before.length) });
  }
  return after;
}

/** Takes an inode out of the tree; a directory that is not empty goes to the reaper. Counts and usage above are the caller's. */
export function dropInode(state: State, parentId: number, name: string, inode: Inode): void {
  state.putChild(parentId, name, null, inode);
  state.putParent(inode.id, null, { parentId, name });
  if (inode.more !== null) {
    follow(state, null, inode);
    if (inode.more.hasXattrs) state.xattrs.put(inode.id, null);
  }
  followPersistence(state, null, inode);
  if (!inode.directory) return;
  const usage = state.usages.get(inode.id);
  if (usage !== null) state.usages.put(inode.id, null, usage);
  if (inode.childCount > 0) state.detached.put(inode.id, true, null);
}

/** @returns what `inode` adds to the directories above it. */
export function usageOf(state: State, inode: Inode): Usage {
  return usageWith(inode, inode.directory ? (state.usages.get(inode.id) ?? NO_USAGE) : NO_USAGE);
}

/** Changes a directory's count of children, and its time. */
export function addChildren(state: State, directoryId: number, count: number, timeMs: number): void {
  const { inode, parentId, name } = state.directory(directoryId);
  state.putChild(parentId, name, { ...inode, childCount: inode.childCount + count, modifiedMs: timeMs }, inode);
}

export function takeInodeIds(state: State, first: number, count: number): void {
  state.putNextIds({ ...state.nextIds(), inodeId: first + count });
}

/** Keeps the rows `t` and `o` in step with the inode. */
function follow(state: State, after: Inode | null, before: Inode | null): void {
  const { id } = (after ?? before) as Inode;
  const expiresMs = after?.more?.expiresMs ?? 0;
  const expiredMs = before?.more?.expiresMs ?? 0;
  if (expiresMs !== expiredMs) {
    if (expiredMs !== 0) state.expiries.put(pairKey(expiredMs, id), null, true);
    if (expiresMs !== 0) state.expiries.put(pairKey(expiresMs, id), true, null);
  }
  const holder = after?.more?.lease?.clientId ?? 0;
  const held = before?.more?.lease?.clientId ?? 0;
  if (holder === held) return;
  if (held !== 0) state.openFiles.put(pairKey(held, id), null, true);
  if (holder !== 0) state.openFiles.put(pairKey(holder, id), true, null);
}

/** Keeps the row `b` in step. A file that was to be persisted before the feature was on has none. */
function followPersistence(state: State, after: Inode | null, before: Inode | null): void {
  const is = isToBePersisted(after);
  if (is === isToBePersisted(before) || !state.features().has(PERSIST)) return;
  const { id } = (after ?? before) as Inode;
  const row = state.toPersist.get(id);
  if ((row !== null) !== is) state.toPersist.put(id, is ? true : null, row);
}

function isToBePersisted(inode: Inode | null): boolean {
  return inode !== null && !inode.directory && inode.complete && inode.persistence === PERSISTENCE.toBePersisted;
}
