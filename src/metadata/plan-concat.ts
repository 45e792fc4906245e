import type { understudy } from '#proto/understudy.js';
import { EXTENTS_MAX, extentsOf } from './extents.js';
import { mountPlace } from './mount-place.js';
import { COMPONENTS_MAX, nameTooMuch } from './path.js';
import { checkMayTakeAway, type PlanContext, type Planned, plainPath, type Resolved } from './plan.js';
import { checkQuota } from './quota.js';
import type { Inode } from './records.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';
import { storedOf } from './stored.js';
import { checkComplete, checkFits, resolveWritable } from './writing.js';

const SOURCES_MAX = 1_024;

/**
 * Moves the blocks of files of one directory behind those of another file, in order; the files go. Nothing is copied: so all but the last one
 * end where a block ends, and all have blocks of one size.
 */
export function planConcat(request: understudy.ConcatRequest, state: StateView, context: PlanContext): Planned {
  const { path } = request;
  const count = request.sources.length;
  if (count < 1 || count > SOURCES_MAX) throw refusal('EINVAL', `1 to ${SOURCES_MAX} files can be joined`, path, `sources=${count}`);
  if (nameTooMuch(request.sources)) throw refusal('E2BIG', 'the sources name too many components', path, `max=${COMPONENTS_MAX}`);
  const target = resolveWritable(path, state, context);
  const sources = request.sources.map((source) => resolveWritable(source, state, context));
  const [first] = sources as [Resolved];
  checkPlaces(target, sources);
  for (const source of sources) checkMayTakeAway(source, context);
  if (mountPlace(plainPath(target), state)?.mount.id !== mountPlace(plainPath(first), state)?.mount.id) {
    throw refusal('EXDEV', 'files of different mounts cannot be joined', path, `source=${first.path}`);
  }
  const length = checkContents([target, ...sources]);
  checkQuota(target, { names: 0, bytes: length - target.inode.length }, state, commonDepth(target, first));
  const { parentId, name } = target;
  const concat = { parentId, name, sources: sources.map((source) => source.name), sourceParentId: first.parentId };
  return { entry: { path: plainPath(target), concat: { ...concat, modifiedMs: context.timeMs } } };
}

/** @throws EINVAL: not files of one directory, or one of them twice. */
function checkPlaces(target: Resolved, sources: readonly Resolved[]): void {
  const [first] = sources;
  const elsewhere = sources.find(({ parentId }) => parentId !== first?.parentId);
  if (elsewhere !== undefined)
    throw refusal('EINVAL', 'files to be joined have to be of one directory', elsewhere.path, `other=${first?.path}`);
  const seen = new Set([target.inode.id]);
  for (const { inode, path } of sources) {
    if (seen.has(inode.id)) throw refusal('EINVAL', 'a file cannot be joined twice, nor with itself', path);
    seen.add(inode.id);
  }
}

/** @returns the length of all together. @throws EBUSY, ENOTSUP, EINVAL, EFBIG, E2BIG. */
function checkContents(files: readonly [Resolved, ...Resolved[]]): number {
  const [{ inode: target, path }] = files;
  for (const file of files) checkComplete(file);
  for (const file of files) {
    if (storedOf(file.inode) !== null) {
      throw refusal('ENOTSUP', 'a file that the under store has cannot be joined', file.path);
    }
  }
  let length = 0;
  for (const { path: at, inode } of files) {
    if (inode.blockBytes !== target.blockBytes) {
      throw refusal('EINVAL', 'the blocks differ in size', at, `block_bytes=${inode.blockBytes} first=${target.blockBytes}`);
    }
    if (length % target.blockBytes !== 0) throw refusal('EINVAL', 'a file before this one does not end where a block ends', at);
    length += inode.length;
    if (!Number.isSafeInteger(length)) throw refusal('EFBIG', 'the file would be too long', path, `length=${length}`);
  }
  checkFits(length, target.blockBytes, path);
  const extents = files.reduce((sum, { inode }) => sum + extentsOf(inode).length, 0);
  if (extents > EXTENTS_MAX)
    throw refusal('E2BIG', 'the file would be made of too many others', path, `extents=${extents} max=${EXTENTS_MAX}`);
  return length;
}

/** @returns how many directories, from the root, both lie below. */
function commonDepth(a: Pick<Resolved, 'above'>, b: Pick<Resolved, 'above'>): number {
  const differ = a.above.findIndex((directory: Inode, depth) => directory.id !== b.above[depth]?.id);
  return differ < 0 ? a.above.length : differ;
}
