/**
 * Reaps detached trees: each step takes a bounded number of names out of some detached directories, in one entry. A directory among them
 * that is not empty is detached in turn.
 *
 * What is left to do stands in the state, rows `g`. The directories that a step detaches are remembered, so that a deep tree need not wait for
 * the store at each level; beyond a bound they are found in the store, as those are that another leader has left.
 */
import type { Entry } from '../metadata/entries.js';
import { DETACHED_RANGE, decodeChildName, decodeId, encodeDetachedKey } from '../metadata/keys.js';
import { type ChildRow, Listing } from '../metadata/listing.js';
import { storedKeys } from '../metadata/scan.js';
import type { State } from '../metadata/state.js';
import { appendStep, type HousekeepingDeps, type HousekeepingStep } from './housekeeping-step.js';
import type { Replica } from './replica.js';

/** Of one entry. */
const NAMES_MAX = 256;
const DIRECTORIES_MAX = 128;
const KNOWN_MAX = 4_096;
/** A listing holds a snapshot of the store: after so many names it is opened anew. */
const NAMES_PER_LISTING = 16_384;
const IDLE_MS = 100;

export function reapTrees({ replica, leadership }: HousekeepingDeps): HousekeepingStep {
  let reaper = new Reaper(replica);
  return async () => {
    try {
      const taken = await reaper.take();
      if (taken.length === 0) return IDLE_MS;
      await appendStep(leadership, (now) => reaper.entry(taken, now));
      return 0;
    } catch (error) {
      // What was taken may be there still: from the beginning, then.
      await reaper.close();
      reaper = new Reaper(replica);
      throw error;
    }
  };
}

/** Names of children that are to go. */
interface Taken {
  readonly directoryId: number;
  readonly names: readonly string[];
  /** There are no others. */
  readonly done: boolean;
}

class Reaper {
  readonly #replica: Replica;
  /** Detached directories, to be taken from the end. */
  #known: number[] = [];
  #current: DetachedDirectory | null = null;
  /** Those in the store up to here have been looked at in this round. */
  #lookedAt = 0;

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** @returns nothing where nothing is detached, as far as the store knows. */
  async take(): Promise<Taken[]> {
    const taken: Taken[] = [];
    for (let left = NAMES_MAX; left > 0 && taken.length < DIRECTORIES_MAX; ) {
      if (this.#known.length === 0 && this.#current === null && (taken.length > 0 || !(await this.#look()))) break;
      this.#current ??= new DetachedDirectory(this.#known.pop() as number, this.#replica);
      const { id } = this.#current;
      const names = await this.#current.names(left);
      const done = this.#current.isOver;
      taken.push({ directoryId: id, names, done });
      left -= names.length;
      if (done) await this.close();
    }
    return taken;
  }

  /** @returns null where all of it has gone already. */
  entry(taken: readonly Taken[], now: State): { group: { entries: Entry[] } } | null {
    const entries: Entry[] = [];
    for (const { directoryId, names, done } of taken) {
      if (!now.isDetached(directoryId)) continue;
      const present = names.filter((name) => {
        const child = now.child(directoryId, name);
        if (child?.directory && child.childCount > 0 && this.#known.length < KNOWN_MAX) this.#known.push(child.id);
        return child !== null;
      });
      entries.push({ reap: { directoryId, names: present, done } });
    }
    return entries.length === 0 ? null : { group: { entries } };
  }

  async close(): Promise<void> {
    await this.#current?.close();
    this.#current = null;
  }

  /** @returns whether any is known now: looks at the next ones in the store, round and round. */
  async #look(): Promise<boolean> {
    const { kv, state } = this.#replica;
    const range = { gte: encodeDetachedKey(this.#lookedAt + 1), lt: DETACHED_RANGE.lt };
    const ids = await storedKeys(kv, range, decodeId, KNOWN_MAX);
    this.#lookedAt = ids.length < KNOWN_MAX ? 0 : (ids.at(-1) ?? 0);
    this.#known = ids.filter((id) => state.isDetached(id)).reverse();
    return this.#known.length > 0;
  }
}

/** Nothing is added to a detached directory: no path leads there. */
class DetachedDirectory {
  readonly id: number;
  readonly #replica: Replica;
  #listing: Listing | null = null;
  #chunks: AsyncGenerator<readonly ChildRow[]> | null = null;
  #after = '';
  #listed = 0;
  #names: string[] = [];
  #isRead = false;

  constructor(id: number, replica: Replica) {
    this.id = id;
    this.#replica = replica;
  }

  get isOver(): boolean {
    return this.#isRead && this.#names.length === 0;
  }

  /** @returns the next `max` names; fewer only where there are no more. */
  async names(max: number): Promise<string[]> {
    // One more, so as to know whether there are others.
    while (!this.#isRead && this.#names.length <= max) await this.#read();
    return this.#names.splice(0, max);
  }

  async #read(): Promise<void> {
    const { kv, state } = this.#replica;
    this.#listing ??= new Listing(kv, state, this.id, this.#after);
    this.#chunks ??= this.#listing.chunks(NAMES_MAX);
    const { value, done } = await this.#chunks.next();
    if (done) {
      this.#isRead = true;
      return;
    }
    for (const [key] of value) this.#names.push(decodeChildName(key));
    this.#after = this.#names.at(-1) ?? this.#after;
    this.#listed += value.length;
    if (this.#listed < NAMES_PER_LISTING) return;
    this.#listed = 0;
    await this.close();
  }

  async close(): Promise<void> {
    await this.#chunks?.return(undefined);
    await this.#listing?.[Symbol.asyncDispose]();
    this.#chunks = null;
    this.#listing = null;
  }
}
