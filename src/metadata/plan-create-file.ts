import type { understudy } from '#proto/understudy.js';
import { SETTINGS } from '../config/settings.js';
import { checkAccess, WRITE } from './access.js';
import { pathValue } from './cluster-config.js';
import type { InodeMore } from './inode-more.js';
import { mountPlace } from './mount-place.js';
import { expiryOf, newInode, umaskFor } from './new-inode.js';
import {
  checkCount,
  checkMayMake,
  checkMayTakeAway,
  checkMode,
  checkRoomFor,
  newInodeIds,
  type PlanContext,
  type Planned,
  plainPath,
  type Resolved,
  resolve,
} from './plan.js';
import { checkQuota } from './quota.js';
import { type Inode, inodeMessage, PERSISTENCE } from './records.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';
import { checkFits, checkHasSession, heldByOther, isHeldByOther } from './writing.js';

type Request = understudy.CreateFileRequest;

/** What `mkdir -p` leaves to the owner of directories made on the way, whatever the umask: who makes them goes on below them. */
const OWNER_WRITE_EXECUTE = 0o300;

/**
 * Makes a file; with `recursive` the directories missing above it too, with `completeLength` a complete one, with `overwrite` in place of one
 * that is there, all in the same entry. One that is not complete is the caller's to write: the caller has its lease.
 */
export function planCreateFile(request: Request, state: StateView, context: PlanContext): Planned {
  const mode = checkMode(request.mode ?? 0o666);
  const { length, modifiedMs, blockBytes, more } = contents(request, state, context);
  const resolved = resolve(request.path, state, context);
  const { missing, above, inode: found } = resolved;
  const replaced = missing.length === 0 ? found : null;
  if (replaced === null) checkMayMakeBelow(resolved, request, context);
  else checkMayReplace(resolved, request, state, context);
  checkQuota(resolved, { names: missing.length, bytes: length - (replaced?.length ?? 0) }, state);

  const parent = replaced === null ? found : (above.at(-1) as Inode);
  const parents = missing.slice(0, -1);
  const firstId = newInodeIds(state);
  const umask = umaskFor(request, state);
  const made = newInode({ id: firstId + parents.length, directory: false, mode, umask, more }, parent, context);
  const persists = (request.persist || request.mustPersist) && mountPlace(plainPath(resolved), state) !== null;
  if (request.mustPersist && !persists) {
    throw refusal('ENOTSUP', 'below no mount point there is no storage to write it through to', plainPath(resolved));
  }
  const inode: Inode = {
    ...made,
    modifiedMs,
    length,
    blockBytes,
    complete: request.completeLength != null,
    persistence: persists ? PERSISTENCE.toBePersisted : PERSISTENCE.notPersisted,
  };
  const createFile = {
    parentId: parent.id,
    name: missing.at(-1) ?? resolved.name,
    inode: inodeMessage(inode),
    ...(replaced === null ? {} : { replaces: true }),
    ...(parents.length === 0 ? {} : { parents, parentsInode: inodeMessage(parentOf(firstId, umask, parent, context)) }),
  };
  return { entry: { path: plainPath(resolved), createFile } };
}

/** @throws EINVAL, EFBIG: whatever the state. */
function contents(request: Request, state: StateView, context: PlanContext): Contents {
  const { path, completeLength, replicationMin, replicationMax } = request;
  if (replicationMax !== 0 && replicationMax < replicationMin) {
    throw refusal('EINVAL', 'fewer copies at most than at least', path, `min=${replicationMin} max=${replicationMax}`);
  }
  const length = checkCount(completeLength ?? 0, 'complete_length');
  const blockBytesDefault = checkCount(request.blockBytesDefault, 'block_bytes_default') || context.settings.blockBytesDefault;
  const blockBytes =
    checkCount(request.blockBytes, 'block_bytes') ||
    (pathValue(SETTINGS.userBlockSizeBytesDefault, path, state.config()) ?? blockBytesDefault);
  checkFits(length, blockBytes, path);
  const modifiedMs = completeLength == null ? context.timeMs : checkCount(request.modifiedMs ?? context.timeMs, 'modified_ms');
  const expiry = expiryOf(request, context);
  const isPlain = completeLength != null && expiry === null && replicationMin === 0 && replicationMax === 0;
  if (completeLength == null) checkHasSession(path, context);
  const lease = completeLength == null ? { clientId: context.clientId, blocks: 0 } : null;
  return { length, blockBytes, modifiedMs, more: isPlain ? null : { ...expiry, replicationMin, replicationMax, lease } };
}

interface Contents extends Pick<Inode, 'length' | 'modifiedMs' | 'blockBytes'> {
  readonly more: Partial<InodeMore> | null;
}

function checkMayMakeBelow(resolved: Resolved, { recursive }: Request, context: PlanContext): void {
  checkRoomFor(resolved, recursive);
  checkMayMake(resolved, context);
}

/** @throws EEXIST, EISDIR; EACCES, EPERM; EBUSY: another client writes it. */
function checkMayReplace(resolved: Resolved, { overwrite }: Request, state: StateView, context: PlanContext): void {
  const { path, inode } = resolved;
  if (!overwrite) throw refusal('EEXIST', 'path already exists', path);
  if (inode.directory) throw refusal('EISDIR', 'a file cannot take the place of a directory', path);
  checkMayTakeAway(resolved, context);
  checkAccess(inode, context.identity, WRITE, path);
  if (isHeldByOther(inode, state, context.clientId)) throw heldByOther(resolved);
}

function parentOf(id: number, umask: number, parent: Inode, context: PlanContext): Inode {
  return newInode({ id, directory: true, mode: 0o777, umask: umask & ~OWNER_WRITE_EXECUTE }, parent, context);
}
