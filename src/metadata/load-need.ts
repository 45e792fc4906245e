/**
 * What an under store has to be asked before a path can be spoken of (LoadMetadata in proto/namespace.proto).
 */
import type { understudy } from '#proto/understudy.js';
import type { Identity } from './access.js';
import { mountPlace } from './mount-place.js';
import type { Mount } from './mounts.js';
import { nameTooMuch } from './path.js';
import { type QueryContext, resolve } from './plan.js';
import type { Inode } from './records.js';
import type { StateView } from './state.js';

/** Ask for one child of a directory, or for all of them. */
export interface LoadNeed {
  readonly mount: Mount;
  readonly directoryId: number;
  /** The directory in the under store. */
  readonly under: string;
  /** Null: all. */
  readonly name: string | null;
}

export interface LoadWish {
  readonly path: string;
  /** What is in the directory is asked for, not only what it is. */
  readonly children: boolean;
  /** And in all directories below it. */
  readonly recursive: boolean;
  /** Looks before this moment, leader's time, do not count; 0: any does. Infinity: nothing is to be looked up. */
  readonly notBeforeMs: number;
}

/** When things were looked up, beyond what the state says of directories. */
export interface Looked {
  /** @returns leader's time; 0: not that is known. */
  inode(id: number): number;
  absent(directoryId: number, name: string): number;
}

/** Requests by the fields that name paths. */
interface Named {
  readonly path?: string | null;
  readonly from?: string | null;
  readonly to?: string | null;
  readonly sources?: readonly string[] | null;
  readonly recursive?: boolean | null;
  readonly sync?: understudy.Sync.$Properties | null;
}

/** @param children whether the request asks what is in a directory. @returns what it has to know of under stores. */
export function loadWishes(request: object, children: boolean, timeMs: number): LoadWish[] {
  const { path, from, to, sources, recursive, sync } = request as Named;
  const notBeforeMs = notBefore(sync, timeMs);
  // It will be refused.
  if (sources != null && nameTooMuch(sources)) return [];
  const paths = [path, from, to, ...(sources ?? [])].filter((one) => one != null && one !== '');
  return paths.map((one) => ({ path: one as string, children, recursive: children && recursive === true, notBeforeMs }));
}

/** @returns the oldest look that counts for a request that came at `timeMs`. */
function notBefore(sync: understudy.Sync.$Properties | null | undefined, timeMs: number): number {
  if (sync?.load === LOAD.never) return Number.POSITIVE_INFINITY;
  if (sync?.load === LOAD.always) return timeMs;
  return sync?.intervalMs == null ? 0 : Math.max(0, timeMs - sync.intervalMs);
}

/** The path is followed in the master's name: what the caller may see is decided afterwards. */
const MASTER: Identity = { user: '', group: '', groups: new Set(), isSuperuser: true };

const LOAD = { once: 0, always: 1, never: 2 } as const;

/** @returns the next thing to ask for, null where nothing is. */
export function loadNeed(wish: LoadWish, looked: Looked, state: StateView, settings: QueryContext['settings']): LoadNeed | null {
  if (wish.notBeforeMs === Number.POSITIVE_INFINITY) return null;
  const place = mountPlace(wish.path, state);
  if (place === null) return null;
  const { mount } = place;
  const { inode, missing, above, name } = resolve(wish.path, state, { identity: MASTER, settings });
  const names = place.under === '' ? [] : place.under.split('/');
  const under = (count: number) => names.slice(0, count).join('/');
  const [next] = missing;
  if (next !== undefined) {
    if (!inode.directory || isKnown(inode, wish.notBeforeMs) || looked.absent(inode.id, next) >= Math.max(1, wish.notBeforeMs)) return null;
    return { mount, directoryId: inode.id, under: under(names.length - missing.length), name: next };
  }
  if (wish.children && inode.directory) {
    return isKnown(inode, wish.notBeforeMs) ? null : { mount, directoryId: inode.id, under: place.under, name: null };
  }
  const parent = above.at(-1);
  if (parent === undefined || names.length === 0 || wish.notBeforeMs === 0) return null;
  if (isKnown(parent, wish.notBeforeMs) || looked.inode(inode.id) >= wish.notBeforeMs) return null;
  return { mount, directoryId: parent.id, under: under(names.length - 1), name };
}

/** All that is in the directory is known, as of that moment or later. */
function isKnown({ more }: Inode, notBeforeMs: number): boolean {
  return more?.childrenLoaded === true && more.syncedMs >= notBeforeMs;
}
