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

/** One asking of an under store, as this leader counts them. */
export interface Look {
  /** When it began, leader's time. */
  readonly ms: number;
  /** From 1, in the order in which they began; 0: an earlier leader's. */
  readonly number: number;
}

/** Which looks count: those that are late enough in both ways. */
export interface LooksWanted {
  /** Looks before this moment, leader's time, do not; 0: any does. Infinity: nothing is to be looked up. */
  readonly notBeforeMs: number;
  /** Nor does one up to this number: it began before the request came, in the same millisecond perhaps. -1: any does. */
  readonly after: number;
}

export const ANY_LOOK: LooksWanted = { notBeforeMs: 0, after: -1 };

export interface LoadWish extends LooksWanted {
  readonly path: string;
  /** What is in the directory is asked for, not only what it is. */
  readonly children: boolean;
  /** And in all directories below it. */
  readonly recursive: boolean;
}

/** When things were looked up, beyond what the state says of directories. */
export interface Looked {
  inode(id: number): Look | undefined;
  absent(directoryId: number, name: string): Look | undefined;
  /** @returns number of the look at all that is in the directory. */
  listing(directoryId: number): number;
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

/**
 * @param children whether the request asks what is in a directory. @param now the newest look as the request came, and the time of that.
 * @returns what it has to know of under stores.
 */
export function loadWishes(request: object, children: boolean, now: Look): LoadWish[] {
  const { path, from, to, sources, recursive, sync } = request as Named;
  const looks = looksWanted(sync, now);
  // It will be refused.
  if (sources != null && nameTooMuch(sources)) return [];
  const paths = [path, from, to, ...(sources ?? [])].filter((one) => one != null && one !== '');
  return paths.map((one) => ({ path: one as string, children, recursive: children && recursive === true, ...looks }));
}

function looksWanted(sync: understudy.Sync.$Properties | null | undefined, { ms, number }: Look): LooksWanted {
  if (sync?.load === LOAD.never) return { ...ANY_LOOK, notBeforeMs: Number.POSITIVE_INFINITY };
  if (sync?.load === LOAD.always || sync?.intervalMs === 0) return { notBeforeMs: 0, after: number };
  return sync?.intervalMs == null ? ANY_LOOK : { ...ANY_LOOK, notBeforeMs: Math.max(0, ms - sync.intervalMs) };
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
    if (!inode.directory || isListed(inode, wish, looked) || counts(looked.absent(inode.id, next), wish)) return null;
    return { mount, directoryId: inode.id, under: under(names.length - missing.length), name: next };
  }
  if (wish.children && inode.directory) {
    return isListed(inode, wish, looked) ? null : { mount, directoryId: inode.id, under: place.under, name: null };
  }
  const parent = above.at(-1);
  if (parent === undefined || names.length === 0 || (wish.notBeforeMs === 0 && wish.after < 0)) return null;
  if (isListed(parent, wish, looked) || counts(looked.inode(inode.id), wish)) return null;
  return { mount, directoryId: parent.id, under: under(names.length - 1), name };
}

/** All that is in the directory is known, by a look that counts. */
export function isListed({ id, more }: Inode, wanted: LooksWanted, looked: Looked): boolean {
  return more?.childrenLoaded === true && counts({ ms: more.syncedMs, number: looked.listing(id) }, wanted);
}

function counts(look: Look | undefined, { notBeforeMs, after }: LooksWanted): boolean {
  return look !== undefined && look.ms >= notBeforeMs && look.number > after;
}
