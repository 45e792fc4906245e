/**
 * Entries about mount points and the work for their under stores, what a fork makes of both, and cursors of the change feed.
 */
import { addChildren, changeInode, mustHave, putInode, takeInodeIds, usageOf } from './apply-inode.js';
import { dropChild } from './apply-tree.js';
import { cursorOf } from './cursors.js';
import type { Entry } from './entries.js';
import { forkOf } from './fork.js';
import { withMore } from './inode-more.js';
import { pairKey } from './keys.js';
import { mountOf, type UnderWork, underWorkOf } from './mounts.js';
import { renamedPart } from './parts.js';
import { type Inode, inodeOf } from './records.js';
import { ROOT_ID, type State } from './state.js';

type Body<K extends keyof Entry> = NonNullable<Entry[K]>;

export function mount(body: Body<'mount'>, state: State, timeMs: number): Inode {
  const made = mountOf(body.mount ?? {});
  state.mounts.put(made.id, made, null);
  state.putNextIds({ ...state.nextIds(), mountId: made.id + 1 });
  if (made.inodeId === ROOT_ID) return changeRoot(state, made.id);
  const inode = inodeOf(body.inode ?? {});
  const parentId = body.parentId ?? 0;
  addChildren(state, parentId, 1, timeMs);
  putInode(state, parentId, body.name ?? '', inode);
  state.charge(parentId, usageOf(state, inode));
  takeInodeIds(state, inode.id, 1);
  return inode;
}

export function unmount(body: Body<'unmount'>, state: State, timeMs: number): null {
  const mountId = body.mountId ?? 0;
  state.mounts.put(mountId, null);
  if (!body.parentId) {
    changeRoot(state, 0);
    return null;
  }
  dropChild(state, body.parentId, body.name ?? '');
  addChildren(state, body.parentId, -1, timeMs);
  return null;
}

export function updateMount(body: Body<'updateMount'>, state: State): Inode {
  const after = mountOf(body.mount ?? {});
  state.mounts.put(after.id, after);
  return state.directory(after.inodeId).inode;
}

/** The root keeps what it knows of its own; what it knew of the under store it forgets. */
function changeRoot(state: State, mountId: number): Inode {
  const before = mustHave(state, 0, '');
  const after = { ...before, more: withMore(before.more, { mountId, childrenLoaded: false, syncedMs: 0 }) };
  state.putChild(0, '', after, before);
  return after;
}

export function queueWork(body: Body<'queueWork'>, state: State): null {
  const mountId = body.mountId ?? 0;
  const before = state.mounts.get(mountId);
  if (before === null) return null;
  const workSeq = before.workSeq + 1;
  state.mounts.put(mountId, { ...before, workSeq }, before);
  state.work.put(pairKey(mountId, workSeq), underWorkOf(body.work ?? {}), null);
  return null;
}

export function workDone(body: Body<'workDone'>, state: State): null {
  const before = state.mounts.get(body.mountId ?? 0);
  if (before === null) return null;
  const through = body.through ?? 0;
  for (let seq = before.workDone + 1; seq <= through; seq++) {
    const key = pairKey(before.id, seq);
    const work = state.work.get(key);
    if (body.refused && work !== null) forgetStored(work, state);
    state.work.put(key, null, work);
  }
  const workRefused = before.workRefused + (body.refused ? 1 : 0);
  state.mounts.put(before.id, { ...before, workDone: through, workRefused }, before);
  return null;
}

/** What the storage has refused was taken for the beginning of a file that was written to since: what stands there is another. */
function forgetStored(work: UnderWork, state: State): void {
  const of = renamedPart(work);
  const parent = of && state.parentOf(of.inodeId);
  const inode = parent && state.child(parent.parentId, parent.name);
  if (!of || !parent || inode?.more?.stored?.generation !== of.generation) return;
  changeInode(state, parent.parentId, parent.name, { ...inode, more: withMore(inode.more, { stored: null }) }, inode);
}

/** What the storage has yet to see is the other cluster's to do. */
export function fork(body: Body<'fork'>, state: State): null {
  state.forks.put('fork', forkOf(body.fork ?? {}));
  for (const before of state.allMounts()) {
    for (let seq = before.workDone + 1; seq <= before.workSeq; seq++) state.work.put(pairKey(before.id, seq), null);
    state.mounts.put(before.id, { ...before, readOnly: true, workDone: before.workSeq }, before);
  }
  return null;
}

export function setCursor(body: Body<'setCursor'>, state: State): null {
  const cursor = cursorOf(body.cursor ?? {});
  const before = state.cursors.get(cursor.name);
  const after = body.remove ? null : cursor;
  state.cursors.put(cursor.name, after, before);
  if ((before === null) === (after === null)) return null;
  const names = state.cursorNames.get('cursors') ?? [];
  const others = names.filter((name) => name !== cursor.name);
  const now = after === null ? others : [...others, cursor.name].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  state.cursorNames.put('cursors', now.length === 0 ? null : now, names.length === 0 ? null : names);
  return null;
}
