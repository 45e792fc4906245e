/** How much of a file workers hold, as far as they have told. */
import { type BlockRange, blocksOf, blocksWithin } from './extents.js';
import type { ToldCopies } from './plan.js';
import type { Inode } from './records.js';

/** Blocks that are looked up, of one file: a page of a listing has a thousand files. Of more, as many, spread over the file, stand for all. */
const BLOCKS_MAX = 64;

/** @returns bytes of the blocks that some worker holds; of a file of more than 64 blocks, about. */
export function heldBytes(inode: Inode, copies: Pick<ToldCopies, 'copiesOf'>): number {
  const { length, blockBytes, directory } = inode;
  if (directory || length === 0) return 0;
  const isThere = (block: BlockRange) => isHeld(block, copies);
  if (blocksOf(length, blockBytes) <= BLOCKS_MAX) {
    const held = blocksWithin(inode, 0, length, BLOCKS_MAX).filter(isThere);
    return held.reduce((sum, block) => sum + block.length, 0);
  }
  const starts = Array.from({ length: BLOCKS_MAX }, (_, at) => Math.floor((at * length) / BLOCKS_MAX));
  const held = starts.flatMap((start) => blocksWithin(inode, start, start + 1, 1)).filter(isThere).length;
  return Math.floor((held * length) / BLOCKS_MAX);
}

/** @returns whether a worker that is there has it. */
export function isHeld({ inodeId, index }: BlockRange, copies: Pick<ToldCopies, 'copiesOf'>): boolean {
  return (copies.copiesOf(inodeId, index)?.workers.length ?? 0) > 0;
}
