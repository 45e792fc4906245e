/**
 * Entries that change the shape of the tree.
 */
import { addChildren, dropInode, mustHave, putInode, takeInodeIds, usageOf } from './apply-inode.js';
import type { Entry } from './entries.js';
import { NO_EXPIRY, withMore } from './inode-more.js';
import { type Inode, inodeOf } from './records.js';
import type { State } from './state.js';
import { addUsage, NO_USAGE } from './usage.js';

type Body<K extends keyof Entry> = NonNullable<Entry[K]>;

export function createFile(body: Body<'createFile'>, state: State, timeMs: number): Inode {
  const inode = inodeOf(body.inode ?? {});
  const name = body.name ?? '';
  const parents = body.parents ?? [];
  let parentId = body.parentId ?? 0;
  if (body.replaces) {
    const before = mustHave(state, parentId, name);
    state.discharge(parentId, usageOf(state, before));
    dropInode(state, parentId, name, before);
    addChildren(state, parentId, 0, timeMs);
  } else if (parents.length === 0) addChildren(state, parentId, 1, timeMs);
  else parentId = makeDirectories(state, parentId, parents, { ...inodeOf(body.parentsInode ?? {}), childCount: 1 }, timeMs).id;
  putInode(state, parentId, name, inode);
  state.charge(parentId, usageOf(state, inode));
  takeInodeIds(state, inode.id, 1);
  return inode;
}

export function createDirectory(body: Body<'createDirectory'>, state: State, timeMs: number): Inode {
  return makeDirectories(state, body.parentId ?? 0, body.names ?? [], inodeOf(body.inode ?? {}), timeMs);
}

export function rename(body: Body<'rename'>, state: State, timeMs: number): Inode {
  const from = { parentId: body.fromParentId ?? 0, name: body.fromName ?? '' };
  const to = { parentId: body.toParentId ?? 0, name: body.toName ?? '' };
  const inode = mustHave(state, from.parentId, from.name);
  if (body.replaces) {
    const replaced = mustHave(state, to.parentId, to.name);
    state.discharge(to.parentId, usageOf(state, replaced));
    dropInode(state, to.parentId, to.name, replaced);
  }
  const usage = usageOf(state, inode);
  if (from.parentId !== to.parentId) state.discharge(from.parentId, usage);
  state.putChild(from.parentId, from.name, null, inode);
  state.putChild(to.parentId, to.name, inode, null);
  state.putParent(inode.id, to, from);
  if (from.parentId !== to.parentId) state.charge(to.parentId, usage);
  addChildren(state, from.parentId, -1, timeMs);
  addChildren(state, to.parentId, body.replaces ? 0 : 1, timeMs);
  return inode;
}

export function remove(body: Body<'remove'>, state: State, timeMs: number): null {
  dropChild(state, body.parentId ?? 0, body.name ?? '');
  addChildren(state, body.parentId ?? 0, -1, timeMs);
  return null;
}

/** Takes a child out of the tree, and out of the usage above. */
export function dropChild(state: State, parentId: number, name: string): void {
  const inode = mustHave(state, parentId, name);
  state.discharge(parentId, usageOf(state, inode));
  dropInode(state, parentId, name, inode);
}

export function reap(body: Body<'reap'>, state: State): null {
  const directoryId = body.directoryId ?? 0;
  for (const name of body.names ?? []) dropInode(state, directoryId, name, mustHave(state, directoryId, name));
  if (body.done) state.detached.put(directoryId, null, true);
  return null;
}

/** Inodes that an under store has, and some that it does not have any longer. */
export function load(body: Body<'load'>, state: State): null {
  const directoryId = body.directoryId ?? 0;
  for (const name of body.gone ?? []) dropChild(state, directoryId, name);
  const inodes = (body.inodes ?? []).map(inodeOf);
  let usage = NO_USAGE;
  inodes.forEach((inode, at) => {
    putInode(state, directoryId, body.names?.[at] ?? '', inode);
    usage = addUsage(usage, usageOf(state, inode));
  });
  if (inodes.length > 0) {
    state.charge(directoryId, usage);
    takeInodeIds(state, inodes[0]?.id ?? 0, inodes.length);
  }
  const { inode, parentId, name } = state.directory(directoryId);
  const childCount = inode.childCount + inodes.length - (body.gone?.length ?? 0);
  const more = body.complete || body.syncedMs ? withLoaded(inode, body) : inode.more;
  state.putChild(parentId, name, { ...inode, childCount, more }, inode);
  return null;
}

function withLoaded({ more }: Inode, { complete, syncedMs }: Body<'load'>): Inode['more'] {
  return withMore(more, { ...(complete ? { childrenLoaded: true } : {}), ...(syncedMs ? { syncedMs } : {}) });
}

/** Makes directories one below the other, the first one below `parentId`; `alike` is the last one, but for its id. Only that one expires. */
function makeDirectories(state: State, parentId: number, names: readonly string[], alike: Inode, timeMs: number): Inode {
  addChildren(state, parentId, 1, timeMs);
  let above = parentId;
  let made = alike;
  const moreAbove = alike.more && withMore(alike.more, NO_EXPIRY);
  names.forEach((name, depth) => {
    const below = names.length - 1 - depth;
    const differing = below === 0 ? {} : { childCount: 1, more: moreAbove };
    made = { ...alike, id: alike.id + depth, ...differing };
    putInode(state, above, name, made);
    if (below > 0) state.usages.put(made.id, { ...NO_USAGE, directories: below }, null);
    above = made.id;
  });
  state.charge(parentId, { ...NO_USAGE, directories: names.length });
  takeInodeIds(state, alike.id, names.length);
  return made;
}
