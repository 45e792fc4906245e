/**
 * Entries that change what a file holds, and who writes it.
 */
import { addChildren, changeInode, discharge, dropInode, mustHave, usageOf } from './apply-inode.js';
import type { Entry } from './entries.js';
import { type Extent, withMore } from './inode-more.js';
import type { Inode } from './records.js';
import type { State } from './state.js';

type Body<K extends keyof Entry> = NonNullable<Entry[K]>;

export function completeFile(body: Body<'completeFile'>, state: State): Inode {
  const { parentId, name, before } = named(body, state);
  const more = before.more === null ? null : withMore(before.more, { lease: null });
  const after = { ...before, complete: true, length: body.length ?? 0, modifiedMs: body.modifiedMs ?? 0, more };
  return changeInode(state, parentId, name, after, before);
}

export function addBlocks(body: Body<'addBlocks'>, state: State): Inode {
  const { parentId, name, before } = named(body, state);
  const { clientId = 0, blocks = 0 } = before.more?.lease ?? {};
  const more = withMore(before.more, { lease: { clientId, blocks: blocks + (body.blocks ?? 0) } });
  return changeInode(state, parentId, name, { ...before, length: body.length ?? before.length, more }, before);
}

export function appendFile(body: Body<'appendFile'>, state: State): Inode {
  const { parentId, name, before } = named(body, state);
  const more = withMore(before.more, { lease: { clientId: body.clientId ?? 0, blocks: blockCount(before) } });
  return changeInode(state, parentId, name, { ...before, complete: false, generation: before.generation + 1, more }, before);
}

export function truncateFile(body: Body<'truncateFile'>, state: State): Inode {
  const { parentId, name, before } = named(body, state);
  const length = body.length ?? 0;
  const extents = firstBlocks(before.more?.extents ?? [], blocksOf(length, before.blockBytes));
  const more = before.more === null ? null : withMore(before.more, { extents });
  const after = { ...before, length, modifiedMs: body.modifiedMs ?? 0, generation: before.generation + 1, more };
  return changeInode(state, parentId, name, after, before);
}

export function concat(body: Body<'concat'>, state: State, timeMs: number): Inode {
  const sourceParentId = body.sourceParentId ?? 0;
  const joined: Inode[] = [];
  for (const source of body.sources ?? []) {
    const inode = mustHave(state, sourceParentId, source);
    discharge(state, sourceParentId, usageOf(state, inode));
    dropInode(state, sourceParentId, source, inode);
    joined.push(inode);
  }
  addChildren(state, sourceParentId, -joined.length, timeMs);
  const { parentId, name, before } = named(body, state);
  const extents = [before, ...joined].flatMap(extentsOf);
  const length = [before, ...joined].reduce((sum, inode) => sum + inode.length, 0);
  const more = withMore(before.more, { extents });
  const after = { ...before, length, modifiedMs: body.modifiedMs ?? 0, generation: before.generation + 1, more };
  return changeInode(state, parentId, name, after, before);
}

/** @returns how many blocks a file of this length has. */
export function blocksOf(length: number, blockBytes: number): number {
  return Math.ceil(length / blockBytes);
}

/** @returns the blocks of a file as runs, in order. */
export function extentsOf(inode: Inode): readonly Extent[] {
  const { extents = [] } = inode.more ?? {};
  if (extents.length > 0) return extents;
  const blocks = blocksOf(inode.length, inode.blockBytes);
  return blocks === 0 ? [] : [{ inodeId: inode.id, first: 0, blocks }];
}

function blockCount(inode: Inode): number {
  return extentsOf(inode).reduce((sum, { blocks }) => sum + blocks, 0);
}

function firstBlocks(extents: readonly Extent[], count: number): Extent[] {
  const kept: Extent[] = [];
  let rest = count;
  for (const extent of extents) {
    if (rest <= 0) break;
    kept.push({ ...extent, blocks: Math.min(rest, extent.blocks) });
    rest -= extent.blocks;
  }
  return kept;
}

function named(body: { readonly parentId?: number | null; readonly name?: string | null }, state: State) {
  const parentId = body.parentId ?? 0;
  const name = body.name ?? '';
  return { parentId, name, before: mustHave(state, parentId, name) };
}
