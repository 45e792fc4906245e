import type { understudy } from '#proto/understudy.js';
import { checkAccess, READ } from './access.js';
import { blocksWithin } from './extents.js';
import { checkCount, type ReadContext, resolveExisting } from './plan.js';
import { inodeMessage } from './records.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

/** In one answer. */
const BLOCKS_MAX = 10_000;

/** Tells which blocks hold a part of a file, as far as it is written. No worker says yet what it holds. */
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
  return { blocks: blocksWithin(inode, from, to, BLOCKS_MAX), sn: state.sn, inode: inodeMessage(inode) };
}
