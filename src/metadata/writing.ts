/**
 * Who may write a file, and what it may come to hold.
 *
 * A file that is not complete has a lease: the client that wrote last writes on, and no other. The lease of a client whose session has ended
 * passes to whoever may write the file and does so next. One that stays with a client that says nothing any longer is ended by the masters
 * (src/master/recover-leases.ts); a writer that comes back after that finds a complete file, or none.
 */
import { checkAccess, checkWriter, WRITE } from './access.js';
import { BLOCKS_MAX, blocksOf } from './extents.js';
import { type PlanContext, type Resolved, resolveExisting, resolveInode } from './plan.js';
import type { Inode } from './records.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

/** @returns whether another client writes the file, one whose session goes on. */
export function isHeldByOther({ more }: Inode, state: StateView, clientId: number): boolean {
  const holder = more?.lease?.clientId ?? 0;
  return holder !== 0 && holder !== clientId && state.session(holder) !== null;
}

/**
 * Of a file that is not complete, by its id where one is given.
 *
 * @throws ENOENT, EISDIR; ETXTBSY: it is complete; EACCES; EBUSY: another client writes it.
 */
export function resolveOpenFile(
  { path, inodeId }: { readonly path: string; readonly inodeId: number },
  state: StateView,
  context: PlanContext,
): Resolved {
  const resolved = inodeId === 0 ? resolveExisting(path, state, context) : resolveInode(inodeId, state, context);
  const { inode } = resolved;
  checkIsFile(resolved);
  if (inode.complete) throw refusal('ETXTBSY', 'the file is complete: nobody writes it any longer', resolved.path, `inode_id=${inode.id}`);
  if (inode.more?.lease?.clientId !== context.clientId) checkWriter(inode, context.identity, resolved.path);
  if (isHeldByOther(inode, state, context.clientId)) throw heldByOther(resolved);
  return resolved;
}

/** Of a complete file whose contents are to change. @throws ENOENT, EISDIR, EACCES; EBUSY: it is being written. */
export function resolveCompleteFile(path: string, state: StateView, context: PlanContext): Resolved {
  const resolved = resolveWritable(path, state, context);
  checkComplete(resolved);
  return resolved;
}

/** @throws ENOENT, EISDIR, EACCES. */
export function resolveWritable(path: string, state: StateView, context: PlanContext): Resolved {
  const resolved = resolveExisting(path, state, context);
  checkIsFile(resolved);
  checkAccess(resolved.inode, context.identity, WRITE, path);
  return resolved;
}

/** @throws EBUSY: it is being written. */
export function checkComplete(resolved: Resolved): void {
  if (!resolved.inode.complete) throw heldByOther(resolved);
}

/** @throws EINVAL: a file can be left open only by a client that has a session. */
export function checkHasSession(path: string, { sessionless }: PlanContext): void {
  if (sessionless === true) throw refusal('EINVAL', 'only a client with a session can write a file bit by bit', path);
}

export function heldByOther({ path, inode }: Resolved): Error {
  return refusal('EBUSY', 'the file is being written', path, `inode_id=${inode.id} holder=${inode.more?.lease?.clientId ?? 0}`);
}

/** @throws EFBIG: the file would have more blocks than can be numbered. */
export function checkFits(length: number, blockBytes: number, path: string): void {
  const blocks = blocksOf(length, blockBytes);
  if (blocks > BLOCKS_MAX) throw refusal('EFBIG', 'the file would have too many blocks', path, `blocks=${blocks} max=${BLOCKS_MAX}`);
}

function checkIsFile({ path, inode }: Resolved): void {
  if (inode.directory) throw refusal('EISDIR', 'a directory cannot be written', path);
}
