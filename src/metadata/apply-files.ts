/**
 * Entries that change what a file holds, and who writes it.
 */
import { addChildren, changeInode, dropInode, mustHave, usageOf } from './apply-inode.js';
import type { Entry } from './entries.js';
import { blocksOf, cutExtents, extentsOf } from './extents.js';
import { PERSIST } from './features.js';
import { type InodeMore, withMore } from './inode-more.js';
import { type Inode, PERSISTENCE } from './records.js';
import type { State } from './state.js';
import { storedWhole } from './stored.js';

type Body<K extends keyof Entry> = NonNullable<Entry[K]>;

export function completeFile(body: Body<'completeFile'>, state: State): Inode {
  const { parentId, name, before } = named(body, state);
  const length = body.length ?? 0;
  const more = cutMore(before, length, { lease: null });
  return changeInode(state, parentId, name, { ...before, complete: true, length, modifiedMs: body.modifiedMs ?? 0, more }, before);
}

export function addBlocks(body: Body<'addBlocks'>, state: State): Inode {
  const { parentId, name, before } = named(body, state);
  const { clientId = 0, blocks = 0 } = before.more?.lease ?? {};
  const more = withMore(before.more, { lease: { clientId: body.clientId || clientId, blocks: blocks + (body.blocks ?? 0) } });
  return changeInode(state, parentId, name, { ...before, length: body.length ?? before.length, more }, before);
}

export function appendFile(body: Body<'appendFile'>, state: State): Inode {
  const { parentId, name, before } = named(body, state);
  const more = withMore(before.more, { lease: { clientId: body.clientId ?? 0, blocks: blocksOf(before.length, before.blockBytes) } });
  return changeInode(
    state,
    parentId,
    name,
    { ...otherContents(before), complete: false, more: withStored(more, before, before.length, state) },
    before,
  );
}

export function truncateFile(body: Body<'truncateFile'>, state: State): Inode {
  const { parentId, name, before } = named(body, state);
  const length = body.length ?? 0;
  const more = withStored(cutMore(before, length, {}), before, length, state);
  const after = { ...otherContents(before), length, modifiedMs: body.modifiedMs ?? 0, more };
  return changeInode(state, parentId, name, after, before);
}

export function concat(body: Body<'concat'>, state: State, timeMs: number): Inode {
  const sourceParentId = body.sourceParentId ?? 0;
  const joined: Inode[] = [];
  for (const source of body.sources ?? []) {
    const inode = mustHave(state, sourceParentId, source);
    state.discharge(sourceParentId, usageOf(state, inode));
    dropInode(state, sourceParentId, source, inode);
    joined.push(inode);
  }
  addChildren(state, sourceParentId, -joined.length, timeMs);
  const { parentId, name, before } = named(body, state);
  const extents = [before, ...joined].flatMap(extentsOf);
  const length = [before, ...joined].reduce((sum, inode) => sum + inode.length, 0);
  const after = { ...otherContents(before), length, modifiedMs: body.modifiedMs ?? 0, more: withMore(before.more, { extents }) };
  return changeInode(state, parentId, name, after, before);
}

/** @returns a file whose contents are no longer those that it had, nor those that the under store has of it. */
function otherContents(before: Inode): Inode {
  const { persisted, notPersisted } = PERSISTENCE;
  const persistence = before.persistence === persisted ? notPersisted : before.persistence;
  return { ...before, persistence, generation: before.generation + 1 };
}

/** @returns `more` with what the under store has of the file, of which the first `same` bytes stay. */
function withStored(more: InodeMore | null, before: Inode, same: number, state: State): InodeMore | null {
  const had = before.persistence === PERSISTENCE.persisted && state.features().has(PERSIST) ? storedWhole(before) : more?.stored;
  if (had == null) return more;
  const left = Math.min(same, had.same);
  return withMore(more, { stored: left > 0 ? { ...had, same: left } : null });
}

function cutMore({ more, blockBytes }: Inode, length: number, changes: Partial<InodeMore>): InodeMore | null {
  return more === null ? null : withMore(more, { ...changes, extents: cutExtents(more, length, blockBytes) });
}

function named(body: { readonly parentId?: number | null; readonly name?: string | null }, state: State) {
  const parentId = body.parentId ?? 0;
  const name = body.name ?? '';
  return { parentId, name, before: mustHave(state, parentId, name) };
}
