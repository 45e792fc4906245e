import type { understudy } from '#proto/understudy.js';
import { checkAccess, READ } from './access.js';
import { blocksWithin } from './extents.js';
import type { Stored } from './inode-more.js';
import { shownInode } from './lost-files.js';
import { type MountPlace, mountPlace } from './mount-place.js';
import { type Copies, checkCount, type ReadContext, resolveExisting } from './plan.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';
import { storedOf } from './stored.js';

/** In one answer: some milliseconds of the event loop. */
const TOLD_MAX = 2_048;
const NOWHERE: Copies = { workers: [], generation: 0 };

/** Tells which blocks hold a part of a file, as far as it is written, and where copies of them are, as far as workers have told. */
export function getBlockLocations(
  request: understudy.GetBlockLocationsRequest,
  state: StateView,
  context: ReadContext,
): understudy.GetBlockLocationsResponse.$Properties {
  const from = checkCount(request.offset, 'offset');
  const to = request.length == null ? Number.POSITIVE_INFINITY : from + checkCount(request.length, 'length');
  const { path, inode } = resolveExisting(request.path, state, context);
  if (inode.directory) throw refusal('EISDIR', 'a directory has no blocks', path);
  checkAccess(inode, context.identity, READ, path);
  context.noteRead(inode);
  const stored = storedOf(inode);
  const place = stored && mountPlace(path, state);
  const blocks = blocksWithin(inode, from, to, Math.min(TOLD_MAX, context.copies.blocksAtOnce)).map((block) => {
    const { workers, generation } = context.copies.copiesOf(block.inodeId, block.index) ?? NOWHERE;
    return { ...block, workers: [...workers], generation: workers.length > 0 ? generation : (stored ?? inode).generation };
  });
  return { blocks, sn: state.sn, inode: shownInode(inode, context.copies), under: place && stored && underFile(place, stored) };
}

/** @returns where workers find what the under store has of a file. */
export function underFile(
  { mount, under }: Pick<MountPlace, 'mount' | 'under'>,
  { length, same, modifiedMs }: Stored,
): understudy.UnderFile.$Properties {
  return { mountId: mount.id, path: under, length, modifiedMs, same };
}
