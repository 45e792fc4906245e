/**
 * Files that are shown as LOST: complete, and of some block that is not in mounted storage no worker that is there has a copy. It follows from what workers
 * tell, at the moment of asking, and stands nowhere: so it is over as soon as such a worker is back, and no leader has to take it back.
 *
 * Workers tell of what is written when it is written already: so a file that was changed just now is not. Not all blocks of a large file are looked for.
 */
import type { understudy } from '#proto/understudy.js';
import { type BlockRange, blocksWithin } from './extents.js';
import { isHeld } from './held-bytes.js';
import type { ToldCopies } from './plan.js';
import { type Inode, inodeMessage, PERSISTENCE } from './records.js';
import { storedOf } from './stored.js';

const BLOCKS_MAX = 256;
/** Field `persistence` of an inode: behind others, it counts. */
const LOST = Uint8Array.of(13 << 3, PERSISTENCE.lost);
/** Fields of an inode that tell whether it may be lost, as keys of varints. */
const DIRECTORY = 2 << 3;
const COMPLETE = 11 << 3;
const PERSISTED = 13 << 3;

/** @returns the inode as it is told to those who ask. */
export function shownInode(inode: Inode, copies: ToldCopies): understudy.Inode.$Properties {
  const message = inodeMessage(inode);
  return isLost(inode, copies) ? { ...message, persistence: PERSISTENCE.lost } : message;
}

export function isLost(inode: Inode, copies: Omit<ToldCopies, 'turn'>): boolean {
  if (!copies.isComplete || !mayBeLost(inode, copies)) return false;
  const looked = blocksWithin(inode, 0, Number.POSITIVE_INFINITY, Math.min(BLOCKS_MAX, copies.blocksAtOnce));
  return looked.some((block) => isNowhere(block, inode, copies));
}

/** @returns false: it has no blocks that have to be on workers, or they may not have been told of yet. */
export function mayBeLost(inode: Inode, { settledMs }: Pick<ToldCopies, 'settledMs'>): boolean {
  const { directory, complete, persistence, length, modifiedMs } = inode;
  const isElsewhere = persistence !== PERSISTENCE.notPersisted && persistence !== PERSISTENCE.toBePersisted;
  return !directory && complete && length > 0 && !isElsewhere && modifiedMs <= settledMs;
}

/** @returns whether neither workers nor mounted storage have a block of a file that may be lost. */
export function isNowhere(block: BlockRange, inode: Inode, copies: Pick<ToldCopies, 'copiesOf'>): boolean {
  return block.offset + block.length > (storedOf(inode)?.same ?? 0) && !isHeld(block, copies);
}

/** @returns the stored inode of a file that is lost as it is told. */
export function asLost(inode: Uint8Array): Uint8Array {
  return Buffer.concat([inode, LOST]);
}

/** A look at the bytes of a stored inode, for nearly all rows of a listing need no more. */
export function mayRowBeLost(bytes: Uint8Array): boolean {
  let isComplete = false;
  for (let at = 0; at < bytes.length; ) {
    const key = bytes[at] ?? 0;
    at += 1;
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      if (shift < 28) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if ((key & 7) === 2) at += value;
    else if (key === DIRECTORY && value === 1) return false;
    else if (key === COMPLETE) isComplete = value === 1;
    else if (key === PERSISTED) return isComplete && value === PERSISTENCE.toBePersisted;
    else if (key > PERSISTED) return isComplete;
  }
  return isComplete;
}
