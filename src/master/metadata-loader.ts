/**
 * Loads what under stores have into the namespace: a leader's, outside of plans. An under store is asked, page by page, and what differs is
 * journaled page by page; plans look at the state again (src/metadata/plan-load.ts).
 *
 * Work that the under store has yet to see (rows `w`) is waited for first, and what was listed while such work came up is listed again:
 * else what was just removed or moved here would come back. Loads of the same directory are one. In flight for each mount, so that one that
 * hangs leaves the others their room: at most `LOADS_MAX` loads, with `PAGES_IN_FLIGHT` pages of each, for which at most `WAITERS_MAX` wait;
 * of all mounts: `WALKS_MAX` walks through trees.
 */
import type { Clock } from '../base/clock.js';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import { orAborted, sleep } from '../base/wait.js';
import { decodeChildName } from '../metadata/keys.js';
import { Listing } from '../metadata/listing.js';
import {
  ANY_LOOK,
  isListed,
  type LoadNeed,
  type LoadWish,
  type Look,
  type Looked,
  type LooksWanted,
  loadNeed,
} from '../metadata/load-need.js';
import { directoryPlace, hasMounts, mountPlace, mountsWithin } from '../metadata/mount-place.js';
import type { Mount } from '../metadata/mounts.js';
import { type NamespaceSettings, resolve } from '../metadata/plan.js';
import { isMirrored, type Loaded, type LoadedChild, type LoadTally, planLoad } from '../metadata/plan-load.js';
import { RecentRows } from '../metadata/recent-rows.js';
import { inodeCodec } from '../metadata/records.js';
import type { State } from '../metadata/state.js';
import { hasQueuedWork } from '../metadata/under-work.js';
import type { UnderEntry, UnderStore } from '../underfs/under-store.js';
import type { UnderStores } from '../underfs/under-stores.js';
import { MASTER_IDENTITY } from './identities.js';
import type { Leadership } from './leadership.js';
import { NameSet } from './name-set.js';
import type { Replica } from './replica.js';
import { visitDirectories } from './visit-directories.js';

export interface MetadataLoaderDeps {
  readonly replica: Replica;
  readonly leadership: Leadership;
  readonly underStores: UnderStores;
  readonly clock: Clock;
  readonly settings: NamespaceSettings;
}

/** A directory in an under store. */
export interface UnderDirectory {
  readonly store: UnderStore;
  readonly under: string;
}

/** What a load has done so far. */
export interface LoadProgress extends LoadTally {
  /** Entries of the under store that were looked at. */
  looked: number;
}

const LOADS_MAX = 256;
const WAITERS_MAX = 4_096;
const WALKS_MAX = 64;
/** Directories of a tree that are loaded at the same time. */
const PARALLEL = 8;
const PAGES_IN_FLIGHT = 4;
const LOOKED_MAX = 100_000;
/** One look at a path asks for its components one after the other. */
const STEPS_MAX = 520;
/** Listings that are begun again because work for the under store came up meanwhile. */
const TRIES_MAX = 8;
const WORK_WAIT_MS = 20;
const WORK_WAIT_MAX_MS = 30_000;
/** What the under store did not have is asked for again after this time. */
const ABSENT_MS = 60_000;
const ROWS_PER_CHUNK = 1_000;

/** What is in flight of one mount. */
interface Busy {
  loads: number;
  waiters: number;
}

/** Work for the under store came up: what was listed may be older. */
class Outdated extends Error {}

export class MetadataLoader implements Looked {
  readonly #deps: MetadataLoaderDeps;
  readonly #signal: AbortSignal;
  readonly #running = new Map<string, Promise<void>>();
  /** By mount. */
  readonly #busy = new Map<number, Busy>();
  #walks = 0;
  readonly #looks = new RecentRows<number, Look>(LOOKED_MAX);
  readonly #absent = new RecentRows<string, Look>(LOOKED_MAX);
  /** Numbers of looks, by directory. */
  readonly #listings = new RecentRows<number, number>(LOOKED_MAX);
  #begun = 0;

  /** @param signal is aborted with the leadership. */
  constructor(deps: MetadataLoaderDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  inode(id: number): Look | undefined {
    return this.#looks.get(id);
  }

  absent(directoryId: number, name: string): Look | undefined {
    const look = this.#absent.get(`${directoryId}/${name}`);
    return look !== undefined && look.ms + ABSENT_MS > this.#deps.leadership.nowMs() ? look : undefined;
  }

  listing(directoryId: number): number {
    return this.#listings.get(directoryId) ?? 0;
  }

  /** The newest look that has begun, with the leader's time now, Unix milliseconds. */
  now(): Look {
    return { ms: this.#deps.leadership.nowMs(), number: this.#begun };
  }

  /** @returns whether anything has to be asked before this can be answered: not for a path that will be refused. */
  isNeeded(wish: LoadWish): boolean {
    const { state } = this.#deps.replica;
    try {
      return isWalk(wish) || loadNeed(wish, this, state, this.#deps.settings) !== null;
    } catch (error) {
      if (isError(error, 'invalid_argument')) return false;
      throw this.#deps.replica.checked(error);
    }
  }

  /**
   * Asks for all that has to be known of a path.
   *
   * @param signal ends a walk through a tree: nobody wants it any longer. @throws `unavailable` and what else the under store refuses with.
   */
  async load(wish: LoadWish, signal = this.#signal): Promise<void> {
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      const need = loadNeed(wish, this, this.#deps.replica.state, this.#deps.settings);
      if (need === null) return isWalk(wish) ? this.#loadBelow(wish, signal) : undefined;
      await this.#once(need);
    }
    throw new UnderstudyError('aborted', `the path changes faster than it can be looked up: path=${wish.path}`);
  }

  /** Loads the directories at and below the path that are not known well enough; of those above mount points, only what is mounted. */
  async #loadBelow({ path, ...wanted }: LoadWish, signal: AbortSignal): Promise<void> {
    if (this.#walks >= WALKS_MAX) {
      throw new UnderstudyError('unavailable', `too many trees are being looked up in under stores: walks=${this.#walks}`);
    }
    const { replica, settings } = this.#deps;
    const { state } = replica;
    const { inode, missing } = resolve(path, state, { identity: MASTER_IDENTITY, settings });
    if (missing.length > 0 || !inode.directory) return;
    const isMounted = mountPlace(path, state) !== null;
    const roots = isMounted ? [inode.id] : mountsWithin(path.replace(/(?<=.)\/$/, ''), state).map(({ inodeId }) => inodeId);
    const visit = (id: number) => (this.isUnknown(id, wanted) ? this.loadChildren(id, newProgress()) : Promise.resolve());
    const either = AbortSignal.any([signal, this.#signal]);
    this.#walks += 1;
    try {
      for (const root of roots) await visitDirectories(root, replica, PARALLEL, visit, either);
    } finally {
      this.#walks -= 1;
    }
  }

  /** Loads all children of a directory, whatever is known of them. @throws as `load`. */
  async loadChildren(directoryId: number, progress: LoadProgress): Promise<void> {
    const { state } = this.#deps.replica;
    const place = directoryPlace(directoryId, state);
    if (place !== null) await this.#children({ mount: place.mount, under: place.under, directoryId, name: null }, progress);
  }

  /** Anything was ever mounted. */
  get hasMounts(): boolean {
    return hasMounts(this.#deps.replica.state);
  }

  /** @returns whether the directory is below a mount point, and its children were never all loaded, or by no look that counts. */
  isUnknown(directoryId: number, wanted: LooksWanted = ANY_LOOK): boolean {
    const { state } = this.#deps.replica;
    if (directoryPlace(directoryId, state) === null) return false;
    return !isListed(state.directory(directoryId).inode, wanted, this);
  }

  /** @returns the directory in its under store, which has seen all work by now; null below no mount point. @throws as `load`. */
  async settledStore(directoryId: number): Promise<UnderDirectory | null> {
    const place = directoryPlace(directoryId, this.#deps.replica.state);
    const mount = place === null ? null : await this.#workDone(place.mount.id);
    if (place === null || mount === null) return null;
    return { store: await this.#deps.underStores.of(mount), under: place.under };
  }

  async #once(need: LoadNeed): Promise<void> {
    const { id, uri } = need.mount;
    const busy = this.#busy.get(id) ?? { loads: 0, waiters: 0 };
    const running = this.#running.get(`${need.directoryId}/${need.name ?? ''}`);
    if (busy.waiters >= WAITERS_MAX || (running === undefined && busy.loads >= LOADS_MAX)) {
      throw new UnderstudyError('unavailable', `too many paths are being looked up in mounted storage: mount=${uri} loads=${busy.loads}`);
    }
    this.#busy.set(id, busy);
    busy.waiters += 1;
    try {
      await (running ?? this.#begin(need, busy));
    } finally {
      busy.waiters -= 1;
      if (busy.waiters === 0) this.#busy.delete(id);
    }
  }

  /** @returns the load, which others may wait for, too. */
  #begin(need: LoadNeed, busy: Busy): Promise<void> {
    const key = `${need.directoryId}/${need.name ?? ''}`;
    busy.loads += 1;
    const load = need.name === null ? this.#children(need, newProgress()) : this.#child(need, need.name);
    const done = load.finally(() => {
      busy.loads -= 1;
      this.#running.delete(key);
    });
    this.#running.set(key, done);
    return done;
  }

  async #child(wanted: LoadNeed, name: string): Promise<void> {
    await this.#untilSettled(wanted, async (need, store, signal) => {
      const began = this.#beginLook();
      const entry = await store.stat(need.under === '' ? name : `${need.under}/${name}`, signal);
      const before = this.#deps.replica.state.child(need.directoryId, name);
      const gone = entry === undefined && before !== null ? [{ name, id: before.id }] : [];
      const found = entry === undefined ? [] : [{ ...childOf(entry), name }];
      await this.#journal({ directoryId: need.directoryId, mountId: need.mount.id, found, gone, completeMs: 0 }, need.mount, newProgress());
      const after = this.#deps.replica.state.child(need.directoryId, name);
      if (after === null) this.#absent.set(`${need.directoryId}/${name}`, began);
      else this.#looks.set(after.id, began);
    });
  }

  #beginLook(): Look {
    this.#begun += 1;
    return this.now();
  }

  async #children(need: LoadNeed, progress: LoadProgress): Promise<void> {
    await this.#untilSettled(need, (settled, store, signal) => this.#listed(settled, store, progress, signal));
  }

  async #listed(need: LoadNeed, store: UnderStore, progress: LoadProgress, signal: AbortSignal): Promise<void> {
    const { directoryId, mount } = need;
    const { replica } = this.#deps;
    const { ms: completeMs, number } = this.#beginLook();
    const loaded = { directoryId, mountId: mount.id, gone: [], completeMs: 0 };
    const names = childCount(replica.state, directoryId) > 0 ? new NameSet() : null;
    const pages = new Set<Promise<void>>();
    let failure: UnderstudyError | Outdated | null = null;
    const send = (part: Loaded) => {
      const page = this.#journal(part, mount, progress)
        .catch((error) => {
          failure ??= error instanceof Outdated ? error : asError(error);
        })
        .finally(() => pages.delete(page));
      pages.add(page);
    };
    try {
      for await (const entries of pagesOf({ store, under: need.under }, signal)) {
        progress.looked += entries.length;
        if (names !== null) for (const { name } of entries) names.add(name);
        send({ ...loaded, found: entries.map(childOf) });
        while (pages.size >= PAGES_IN_FLIGHT && failure === null) await Promise.race(pages);
        if (failure !== null) throw failure;
      }
      if (names !== null) await this.#sweep(loaded, names, mount, progress);
    } finally {
      await Promise.all(pages);
    }
    if (failure !== null) throw failure;
    await this.#journal({ ...loaded, found: [], completeMs }, mount, progress);
    this.#listings.set(directoryId, number);
  }

  /** Takes out of the directory what only showed what the under store had, and has no longer. */
  async #sweep(loaded: Omit<Loaded, 'found'>, names: NameSet, mount: Mount, progress: LoadProgress): Promise<void> {
    const { kv, state } = this.#deps.replica;
    await using listing = new Listing(kv, state, loaded.directoryId, '');
    for await (const rows of listing.chunks(ROWS_PER_CHUNK)) {
      const gone = [];
      for (const [key, bytes] of rows) {
        const name = decodeChildName(key);
        if (names.has(name)) continue;
        const inode = inodeCodec.decode(bytes);
        if (!isMirrored(inode)) continue;
        if (inode.directory && inode.childCount > 0) await this.loadChildren(inode.id, progress);
        gone.push({ name, id: inode.id });
      }
      if (gone.length > 0) await this.#journal({ ...loaded, found: [], gone }, mount, progress);
    }
  }

  /** @throws `Outdated` where the mount has had work since. */
  async #journal(loaded: Loaded, mount: Mount, progress: LoadProgress): Promise<void> {
    const { leadership, settings } = this.#deps;
    let outdated = false;
    await leadership.append((state) => {
      if (state.mounts.get(mount.id)?.workSeq !== mount.workSeq) {
        outdated = true;
        return null;
      }
      return planLoad(loaded, state, leadership.nowMs(), settings, progress);
    });
    if (outdated) throw new Outdated('work for the under store came up');
  }

  /** Runs `look` once the under store has seen all work; again where more came up meanwhile. */
  async #untilSettled(need: LoadNeed, look: (need: LoadNeed, store: UnderStore, signal: AbortSignal) => Promise<void>): Promise<void> {
    const { replica, underStores } = this.#deps;
    for (let tries = 1; ; tries++) {
      const mount = await this.#workDone(need.mount.id);
      if (mount === null) return;
      try {
        const asked = async (signal: AbortSignal) => look({ ...need, mount }, await underStores.of(mount), signal);
        // Storage that hangs hears no signal, and must not keep the replica open.
        return await replica.during(this.#signal, (signal) => orAborted(asked(signal), signal));
      } catch (error) {
        if (!(error instanceof Outdated)) throw error;
        if (tries === TRIES_MAX) {
          throw new UnderstudyError('unavailable', `the under store's contents change too fast to be loaded: mount=${mount.uri}`);
        }
      }
    }
  }

  /** @returns the mount as it is once no work waits for it; null where it is gone. */
  async #workDone(mountId: number): Promise<Mount | null> {
    const { replica, clock } = this.#deps;
    for (let waitedMs = 0; ; waitedMs += WORK_WAIT_MS) {
      const mount = replica.state.mounts.get(mountId);
      if (mount === null || !hasQueuedWork(mount)) return mount;
      if (waitedMs >= WORK_WAIT_MAX_MS) {
        throw new UnderstudyError(
          'unavailable',
          `the under store has not yet seen earlier changes: mount=${mount.uri} work=${mount.workSeq}`,
        );
      }
      await sleep(clock, WORK_WAIT_MS, this.#signal);
    }
  }
}

function isWalk({ recursive, notBeforeMs }: LoadWish): boolean {
  return recursive && notBeforeMs !== Number.POSITIVE_INFINITY;
}

/** 0 for one that is gone. */
function childCount(state: State, directoryId: number): number {
  return directoryPlace(directoryId, state) === null ? 0 : state.directory(directoryId).inode.childCount;
}

export function newProgress(): LoadProgress {
  return { looked: 0, made: 0, changed: 0, gone: 0 };
}

/** A directory that the under store does not have is empty there. */
export async function* pagesOf({ store, under }: UnderDirectory, signal: AbortSignal): AsyncGenerator<readonly UnderEntry[]> {
  try {
    yield* store.list(under, { signal });
  } catch (error) {
    if (!isError(error, 'not_found') || under === '') throw error;
  }
}

function childOf({ isDirectory: directory, ...entry }: UnderEntry): LoadedChild {
  return { ...entry, directory };
}
