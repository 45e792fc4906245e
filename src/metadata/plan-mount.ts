/**
 * Plans of the mount table. Only superusers mount: a mount shows what the masters can reach, folders of their machines among it.
 *
 * - A mount point is made by mounting: nothing is there before, its parent is. The root is mounted while it is empty.
 * - A mount may lie below another. The storage of one may not lie in another's, nor hold it: one file would be known under two names.
 * - It is unmounted once no mount lies below it and its storage has seen all changes. The storage stays as it is.
 */
import { understudy } from '#proto/understudy.js';
import { isError, UnderstudyError } from '../base/errors.js';
import { checkMountOptions, keepHidden } from '../config/mount-options.js';
import { canonicalUri, containsUri, parseUnderUri } from '../underfs/under-uri.js';
import { checkSuperuser } from './access.js';
import { forkedFrom } from './fork.js';
import { moreMessage, withMore } from './inode-more.js';
import { mountsWithin } from './mount-place.js';
import { type Mount, mountMessage } from './mounts.js';
import { newInodeIds, type PlanContext, type Planned, plainPath, type Resolved, resolve, resolveExisting, resolveNew } from './plan.js';
import { refusal } from './refusals.js';
import { ROOT_ID, type StateView } from './state.js';
import { hasQueuedWork } from './under-work.js';

/** Bytes of all options of one mount. */
const OPTIONS_BYTES_MAX = 16_384;
const MOUNTS_MAX = 1_000;
const SHARED_MODE = 0o777;
const OWN_MODE = 0o700;

export function planMount(request: understudy.MountRequest, state: StateView, context: PlanContext): Planned {
  checkSuperuser(context.identity, 'mount', request.path);
  const uri = asRefusal(request.path, () => canonicalUri(parseUnderUri(request.uri)));
  checkForked(request, state);
  const mounts = state.allMounts();
  const other = mounts.find((mount) => containsUri(mount.uri, uri) || containsUri(uri, mount.uri));
  if (other !== undefined)
    throw refusal('EBUSY', 'the storage is mounted already, or lies in or around what is', request.path, `uri=${uri} mounted=${other.uri}`);
  if (mounts.length >= MOUNTS_MAX) throw refusal('E2BIG', 'there are too many mounts', request.path, `mounts=${mounts.length}`);
  const mount = {
    id: state.nextIds().mountId,
    uri,
    options: optionList(request, []),
    readOnly: request.readOnly,
    shared: request.shared,
    mountedMs: context.timeMs,
    workSeq: 0,
    workDone: 0,
    workRefused: 0,
  };
  const asRoot = resolve(request.path, state, context);
  if (asRoot.inode.id === ROOT_ID && asRoot.missing.length === 0) return mountRoot(asRoot, mount);
  return mountNew(resolveNew(request.path, false, state, context), mount, state, context);
}

function mountRoot({ path, inode }: Resolved, mount: Omit<Mount, 'inodeId'>): Planned {
  if (inode.more?.mountId) throw refusal('EBUSY', 'the root is a mount point already', path);
  if (inode.childCount > 0) throw refusal('ENOTEMPTY', 'the root can be mounted only while it is empty', path);
  return { entry: { path: '/', mount: { parentId: 0, name: '', mount: mountMessage({ ...mount, inodeId: ROOT_ID }) } } };
}

function mountNew(resolved: Resolved, mount: Omit<Mount, 'inodeId'>, state: StateView, { identity, timeMs }: PlanContext): Planned {
  const inodeId = newInodeIds(state);
  const inode = {
    id: inodeId,
    directory: true,
    owner: identity.user,
    group: identity.group,
    mode: mount.shared ? SHARED_MODE : OWN_MODE,
    createdMs: timeMs,
    modifiedMs: timeMs,
    accessedMs: timeMs,
    persistence: understudy.Persistence.PERSISTED,
    more: withMore(null, { mountId: mount.id }),
  };
  const { missing, inode: parent } = resolved;
  const made = { parentId: parent.id, name: missing[0] ?? '', inode: { ...inode, more: inode.more && moreMessage(inode.more) } };
  return { entry: { path: plainPath(resolved), mount: { ...made, mount: mountMessage({ ...mount, inodeId }) } } };
}

export function planUnmount(request: understudy.UnmountRequest, state: StateView, context: PlanContext): Planned {
  checkSuperuser(context.identity, 'unmount', request.path);
  const { resolved, mount } = mountPoint(request.path, state, context);
  const { path, inode, parentId, name } = resolved;
  if (mountsWithin(plainPath(resolved), state).length > 1) throw refusal('EBUSY', 'there is another mount point below it', path);
  if (hasQueuedWork(mount)) {
    throw refusal('EBUSY', 'the storage has yet to see changes', path, `queued=${mount.workSeq - mount.workDone}`);
  }
  if (parentId === 0 && inode.childCount > 0) throw refusal('ENOTEMPTY', 'the root can be unmounted only while it is empty', path);
  return { entry: { path: plainPath(resolved), unmount: { mountId: mount.id, parentId, name } } };
}

export function planUpdateMount(request: understudy.UpdateMountRequest, state: StateView, context: PlanContext): Planned {
  checkSuperuser(context.identity, 'update a mount', request.path);
  const { resolved, mount } = mountPoint(request.path, state, context);
  checkForked(request, state);
  const options = optionList(request, mount.options);
  const after = { ...mount, options, readOnly: request.readOnly, shared: request.shared };
  if (JSON.stringify(after) === JSON.stringify(mount)) return { unchanged: resolved.inode };
  return { entry: { path: plainPath(resolved), updateMount: { mount: mountMessage(after) } } };
}

/** @throws EROFS: a fork writes to no storage: it may be what the other cluster writes to. */
function checkForked({ path, readOnly }: Pick<understudy.UpdateMountRequest, 'path' | 'readOnly'>, state: StateView): void {
  const fork = state.forks.get('fork');
  if (fork !== null && !readOnly) throw refusal('EROFS', 'in a fork all mounts are read-only', path, forkedFrom(fork));
}

function mountPoint(path: string, state: StateView, context: PlanContext): { resolved: Resolved; mount: Mount } {
  const resolved = resolveExisting(path, state, context);
  const mount = state.mounts.get(resolved.inode.more?.mountId ?? 0);
  if (mount === null) throw refusal('EINVAL', 'not a mount point', path);
  return { resolved, mount };
}

type Options = Pick<understudy.UpdateMountRequest, 'path' | 'options'>;

/** @param before what holds now: a secret that comes back as it is shown stays as it is. */
function optionList({ path, options }: Options, before: Mount['options']): Mount['options'] {
  const given = options.map(({ key, value }) => [key ?? '', value ?? ''] as const);
  const known = new Map(before.map(({ key, value }) => [key, value]));
  const checked = asRefusal(path, () => checkMountOptions(keepHidden(given, known)));
  const bytes = [...checked].reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (bytes > OPTIONS_BYTES_MAX) throw refusal('E2BIG', 'options of a mount are too large', path, `bytes=${bytes}`);
  return [...checked].map(([key, value]) => ({ key, value }));
}

/** @throws EINVAL: what `work` found wrong with the request. */
function asRefusal<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!isError(cause, 'invalid_argument')) throw cause;
    throw new UnderstudyError(cause.code, cause.message, { cause, errno: 'EINVAL', path });
  }
}
