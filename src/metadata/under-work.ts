/**
 * What a change of the namespace means for the storage mounted there: which changes may not be, and what is queued for the storage.
 *
 * One look at what a plan has decided serves every operation: whoever plans a change of the namespace passes it through `withUnderWork`. Work
 * is journaled in the same entry as the change that it follows from (a group, the change first), so one is never without the other. The
 * leader works it off later, in order for each mount (src/master/under-work.ts).
 *
 * Below a mount point every directory is persisted as soon as it is made: so whatever is persisted has its directories in the storage, and a
 * directory takes with it all that it holds there.
 */
import { understudy } from '#proto/understudy.js';
import { joinUnder } from '../underfs/under-path.js';
import type { Entry } from './entries.js';
import { forkedFrom } from './fork.js';
import { directoryPlace, hasMounts, type MountPlace, mountPlace, mountsWithin } from './mount-place.js';
import { type Mount, UNDER_WORK, type UnderWork } from './mounts.js';
import type { EntryBody, Planned } from './plan.js';
import type { Inode } from './records.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

const { PERSISTED } = understudy.Persistence;

/** @returns whether its storage has yet to see changes: what it holds now is not what the namespace says. */
export function hasQueuedWork({ workSeq, workDone }: Mount): boolean {
  return workDone < workSeq;
}

/** @returns the same change, with the work that follows from it. @throws EROFS, EXDEV, EBUSY. */
export function withUnderWork(planned: Planned, state: StateView): Planned {
  if (!('entry' in planned) || !hasMounts(state)) return planned;
  const { entry, storage } = planned;
  const place = entry.path ? mountPlace(entry.path, state) : null;
  const to = entry.rename ? mountPlace(entry.toPath ?? '', state) : null;
  checkMountPoints(entry, place, to, state);
  if (place === null) return planned;
  if (storage === 'stays') return planned;
  if (place.mount.readOnly) {
    if (!touchesStorage(entry)) return planned;
    throw readOnly(entry.path ?? '', place.mount.uri, state);
  }
  const persisted = withDirectoriesPersisted(entry);
  const work = entry.concat ? joined(entry.concat, state) : workOf(persisted, place, to, storage === 'goes whole');
  if (work.length === 0) return { entry: persisted };
  const queued = work.map((each): Entry => ({ queueWork: { mountId: place.mount.id, work: each } }));
  const { path = '', toPath } = entry;
  return { entry: { path, ...(toPath ? { toPath } : {}), group: { entries: [persisted, ...queued] } } };
}

/** @throws EBUSY: a mount point would go, or move. @throws EXDEV. */
function checkMountPoints(
  { path = '', toPath = '', rename, remove }: Entry,
  place: MountPlace | null,
  to: MountPlace | null,
  state: StateView,
) {
  if (rename) {
    if (place?.inode?.more?.mountId) throw refusal('EBUSY', 'a mount point cannot be renamed', path ?? '');
    if (place?.mount.id !== to?.mount.id) throw refusal('EXDEV', 'source and target lie in different mounts', path ?? '', `to=${toPath}`);
  }
  // The table is gone through only where something may be below.
  const removed = remove ? state.child(remove.parentId ?? 0, remove.name ?? '') : null;
  if (removed?.directory && (removed.childCount > 0 || removed.more?.mountId) && mountsWithin(path ?? '', state).length > 0) {
    throw refusal('EBUSY', 'there is a mount point, which has to be unmounted first', path ?? '');
  }
}

function readOnly(path: string, uri: string, state: StateView): Error {
  const fork = state.forks.get('fork');
  if (fork === null) return refusal('EROFS', 'the mount is read-only', path, `uri=${uri}`);
  return refusal('EROFS', 'in a fork all mounts are read-only', path, `uri=${uri} ${forkedFrom(fork)}`);
}

/** @returns whether the storage would be another: what only the namespace knows (pins, times to live, quotas) changes on read-only mounts too. */
function touchesStorage({ setAttributes, ...entry }: EntryBody): boolean {
  if (setAttributes) return setAttributes.owner != null || setAttributes.group != null || setAttributes.mode != null;
  return WRITES.some((kind) => entry[kind] != null);
}

const WRITES = [
  'createFile',
  'createDirectory',
  'rename',
  'remove',
  'completeFile',
  'addBlocks',
  'appendFile',
  'truncateFile',
  'concat',
  'setAcl',
  'setXattr',
] as const;

function withDirectoriesPersisted(entry: EntryBody): EntryBody {
  const { createDirectory, createFile } = entry;
  if (createDirectory) return { ...entry, createDirectory: { ...createDirectory, inode: inStorage(createDirectory.inode) } };
  if (!createFile?.parents?.length) return entry;
  return { ...entry, createFile: { ...createFile, parentsInode: inStorage(createFile.parentsInode) } };
}

/** A directory that is new there, too: nothing in it has yet to be looked up. */
function inStorage(made: understudy.Inode.$Properties | null | undefined): understudy.Inode.$Properties {
  const more = { ...made?.more, childrenLoaded: true, syncedMs: made?.createdMs ?? 0 };
  return { ...made, persistence: PERSISTED, more };
}

/** @param wholeTree what is removed goes with all that the storage has below it, looked at or not. */
function workOf(entry: EntryBody, { under, inode }: MountPlace, to: MountPlace | null, wholeTree: boolean): UnderWork[] {
  if (entry.createDirectory) return [make(under, entry.createDirectory.inode?.mode ?? null)];
  if (entry.createFile?.parents?.length) {
    return [make(under.slice(0, under.lastIndexOf('/')), entry.createFile.parentsInode?.mode ?? null)];
  }
  if (entry.createFile?.replaces) return takeAway(under, inode);
  if (entry.rename && to !== null) return renamed(under, inode, to);
  if (entry.remove) return takeAway(under, inode, wholeTree);
  if (entry.setAttributes) return changed(under, inode, entry.setAttributes);
  if (entry.setAcl) return changed(under, inode, { mode: entry.setAcl.mode ?? null });
  return [];
}

const WORK: Omit<UnderWork, 'kind' | 'path'> = { to: '', directory: false, mode: null, owner: '', group: '' };

function make(path: string, mode: number | null): UnderWork {
  return { ...WORK, kind: UNDER_WORK.makeDirectory, path, directory: true, mode };
}

/** What was persisted once and written to since is not any longer, but the storage has it still: left there, it would be loaded again. */
function mayBeStored(inode: Inode | null): inode is Inode {
  return inode !== null && (inode.persistence === PERSISTED || (!inode.directory && inode.generation > 0));
}

/** An empty directory of the namespace may have more in the storage than was looked at: that stays. */
function takeAway(path: string, inode: Inode | null, wholeTree = false): UnderWork[] {
  if (!mayBeStored(inode)) return [];
  const kind = inode.directory && (wholeTree || inode.childCount > 0) ? UNDER_WORK.deleteTree : UNDER_WORK.delete;
  return [{ ...WORK, kind, path, directory: inode.directory }];
}

function renamed(path: string, inode: Inode | null, to: MountPlace): UnderWork[] {
  if (!mayBeStored(inode)) return takeAway(to.under, to.inode);
  const move: UnderWork = { ...WORK, kind: UNDER_WORK.rename, path, to: to.under, directory: inode.directory };
  // A file that is there takes the place of another in one step; one that may not be there leaves it.
  return inode.persistence === PERSISTED && !inode.directory ? [move] : [...takeAway(to.under, to.inode), move];
}

/** Files whose blocks became part of another one. */
function joined({ sourceParentId, sources }: understudy.ConcatEntry.$Properties, state: StateView): UnderWork[] {
  const folder = directoryPlace(sourceParentId ?? 0, state)?.under ?? '';
  return (sources ?? []).flatMap((name) => takeAway(joinUnder(folder, name), state.child(sourceParentId ?? 0, name)));
}

function changed(
  path: string,
  inode: Inode | null,
  { mode, owner, group }: { mode?: number | null; owner?: string | null; group?: string | null },
): UnderWork[] {
  if (inode?.persistence !== PERSISTED || (mode == null && owner == null && group == null)) return [];
  const { directory } = inode;
  return [{ ...WORK, kind: UNDER_WORK.setAttributes, path, directory, mode: mode ?? null, owner: owner ?? '', group: group ?? '' }];
}
