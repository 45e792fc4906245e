/**
 * Makes inodes of what an under store has in a directory. Plans of the master's own: the state may have gone on since the store was asked.
 *
 * The namespace's own counts more than the under store's: what was made here and is not persisted stays as it is.
 */
import { namesTo } from './inode-path.js';
import { directoryPlace } from './mount-place.js';
import { nameCheck } from './path.js';
import { type EntryBody, type NamespaceSettings, newInodeIds } from './plan.js';
import { type Inode, inodeMessage, PERSISTENCE } from './records.js';
import type { State } from './state.js';

/** A child as the under store tells it. */
export interface LoadedChild {
  readonly name: string;
  readonly directory: boolean;
  readonly length: number;
  readonly modifiedMs: number;
  readonly owner?: string;
  readonly group?: string;
  readonly mode?: number;
}

export interface Loaded {
  readonly directoryId: number;
  readonly mountId: number;
  readonly found: readonly LoadedChild[];
  /** Names that the under store was asked for and does not have, with the inodes that they had here. */
  readonly gone: readonly { readonly name: string; readonly id: number }[];
  /** With this all children are known as of this time; 0: it is a part. */
  readonly completeMs: number;
}

/** What became of it. */
export interface LoadTally {
  made: number;
  changed: number;
  gone: number;
}

/** @returns null where nothing is to be changed, or the directory is no longer there. */
export function planLoad(loaded: Loaded, state: State, timeMs: number, settings: NamespaceSettings, tally: LoadTally): EntryBody | null {
  const { directoryId } = loaded;
  const place = directoryPlace(directoryId, state);
  const above = namesTo(directoryId, state);
  if (above === null || place?.mount.id !== loaded.mountId) return null;
  const mountPoint = state.directory(place.mount.inodeId).inode;
  const names: string[] = [];
  const inodes: Inode[] = [];
  const gone = new Set<string>();
  const seen = new Set<string>();
  const canBeNamed = nameCheck(above);
  const firstId = newInodeIds(state);
  for (const child of loaded.found) {
    // Of a file and a folder under one name the first counts.
    if (seen.has(child.name) || !canBeNamed(child.name)) continue;
    seen.add(child.name);
    const present = state.child(directoryId, child.name);
    if (present !== null && !hasChanged(present, child)) continue;
    if (present === null) tally.made += 1;
    else {
      tally.changed += 1;
      gone.add(child.name);
    }
    names.push(child.name);
    inodes.push(newLoaded(firstId + inodes.length, child, mountPoint, timeMs, settings));
  }
  for (const { name, id } of loaded.gone) {
    const present = state.child(directoryId, name);
    if (present === null || present.id !== id || !isMirrored(present) || present.childCount > 0 || gone.has(name)) continue;
    gone.add(name);
    tally.gone += 1;
  }
  const complete = loaded.completeMs > 0;
  if (names.length === 0 && gone.size === 0 && !complete) return null;
  const load = { directoryId, names, inodes: inodes.map(inodeMessage), gone: [...gone], complete, syncedMs: loaded.completeMs };
  return { path: `/${above.join('/')}`, load };
}

/** @returns whether the inode only shows what the under store has. */
export function isMirrored(inode: Inode): boolean {
  return inode.persistence === PERSISTENCE.persisted && (inode.more?.mountId ?? 0) === 0;
}

/** The under store has another file under this name now. Directories stay what they are: what is in them is looked at by itself. */
function hasChanged(present: Inode, child: LoadedChild): boolean {
  if (!isMirrored(present) || present.directory) return false;
  const modifiedMs = toldTime(child);
  return child.directory || present.length !== child.length || (modifiedMs !== 0 && present.modifiedMs !== modifiedMs);
}

/** @returns when the child was changed last; 0 where the under store does not know, or tells what is no time that a row can hold. */
function toldTime({ modifiedMs }: LoadedChild): number {
  return Number.isSafeInteger(modifiedMs) && modifiedMs > 0 ? modifiedMs : 0;
}

function newLoaded(id: number, child: LoadedChild, mountPoint: Inode, timeMs: number, settings: NamespaceSettings): Inode {
  const { directory } = child;
  const modifiedMs = toldTime(child) || timeMs;
  return {
    id,
    directory,
    owner: child.owner ?? mountPoint.owner,
    group: child.group ?? mountPoint.group,
    mode: child.mode ?? (directory ? mountPoint.mode & 0o777 : mountPoint.mode & 0o666),
    createdMs: timeMs,
    modifiedMs,
    accessedMs: modifiedMs,
    length: directory ? 0 : child.length,
    blockBytes: directory ? 0 : settings.blockBytesDefault,
    complete: !directory,
    childCount: 0,
    persistence: PERSISTENCE.persisted,
    generation: 0,
    more: null,
  };
}
