/**
 * Which blocks a file is made of.
 *
 * Block i of a file is called (its id, i), unless it came from another file: concat moves the blocks of its sources behind the target's, under
 * the names that they have. The file's list of extents then tells its first blocks, its own among them; what follows behind the list is the
 * file's own again, block i still being (id, i). So a file's own blocks always stand where their number says, and no name is used twice in it.
 */
import type { Extent, InodeMore } from './inode-more.js';
import type { Inode } from './records.js';

/** Runs of blocks of one file: each is a dozen bytes of its inode, and of every outcome of a call that is kept and tells of it. */
export const EXTENTS_MAX = 2_048;
/** Blocks of one file: their numbers have 32 bits. */
export const BLOCKS_MAX = 2 ** 32 - 1;

export interface BlockRange {
  readonly inodeId: number;
  readonly index: number;
  /** In the file, bytes. */
  readonly offset: number;
  readonly length: number;
}

/** @returns how many blocks a file of this length has. */
export function blocksOf(length: number, blockBytes: number): number {
  return length === 0 ? 0 : Math.ceil(length / blockBytes);
}

/** @returns the blocks of a file, as far as its length goes, in order. */
export function extentsOf({ id, length, blockBytes, more }: Inode): readonly Extent[] {
  const extents = more?.extents ?? [];
  const first = countBlocks(extents);
  const blocks = blocksOf(length, blockBytes) - first;
  return blocks > 0 ? [...extents, { inodeId: id, first, blocks }] : extents;
}

/** @returns what is left of `more` of a file that is cut to `length`: no extents behind its end. */
export function cutExtents(more: InodeMore, length: number, blockBytes: number): readonly Extent[] {
  const kept: Extent[] = [];
  let rest = blocksOf(length, blockBytes);
  for (const extent of more.extents) {
    if (rest <= 0) break;
    kept.push({ ...extent, blocks: Math.min(rest, extent.blocks) });
    rest -= extent.blocks;
  }
  return kept;
}

/** @returns up to `max` blocks of a file that hold bytes of [from, to), in order. */
export function blocksWithin(inode: Inode, from: number, to: number, max: number): BlockRange[] {
  const { length, blockBytes } = inode;
  const end = blocksOf(Math.min(to, length), blockBytes);
  const found: BlockRange[] = [];
  let at = Math.floor(from / blockBytes);
  let runStart = 0;
  if (from >= Math.min(to, length)) return found;
  for (const { inodeId, first, blocks } of extentsOf(inode)) {
    for (; at < Math.min(runStart + blocks, end) && found.length < max; at++) {
      const offset = at * blockBytes;
      found.push({ inodeId, index: first + at - runStart, offset, length: Math.min(blockBytes, length - offset) });
    }
    runStart += blocks;
  }
  return found;
}

function countBlocks(extents: readonly Extent[]): number {
  return extents.reduce((sum, { blocks }) => sum + blocks, 0);
}
