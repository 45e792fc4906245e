/**
 * What a replica's journal says of changes, for all who watch it: decoded once for those who keep up, who read it from memory; from the
 * journal itself for those who are further behind, a few at a time.
 */
import type { Clock } from '../base/clock.js';
import { Turns } from '../base/turns.js';
import type { Journal } from '../journal/journal.js';
import { type Change, changesOf } from '../metadata/change-events.js';
import { decodeEntry } from '../metadata/entries.js';
import { parseRecentBatch, type RecentBatches } from './recent-batches.js';
import type { Replica } from './replica.js';

export interface ChangeSourceDeps {
  readonly journal: Journal;
  readonly clock: Clock;
}

/** Decoded batches that are kept: those who keep up are no further apart. */
const BATCHES_KEPT = 8;
/** Entries that are decoded in one go, before other work has its turn. */
const ENTRIES_AT_ONCE = 512;
/** Readers of the journal at once. */
const READERS = 2;

export class ChangeSource {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly replica: Replica;
  readonly readerTurns: Turns;
  readonly #decoded = new Map<number, Promise<readonly Change[]>>();

  constructor(replica: Replica, { journal, clock }: ChangeSourceDeps) {
    this.replica = replica;
    this.journal = journal;
    this.clock = clock;
    this.readerTurns = new Turns(READERS);
  }

  get recent(): RecentBatches {
    return this.replica.recent;
  }

  /** @returns the changes of the batch with this number, in order; undefined where it is not in memory (any longer, or yet). */
  recentChanges(number: number): Promise<readonly Change[]> | undefined {
    const known = this.#decoded.get(number);
    if (known !== undefined) return known;
    const batch = this.recent.get(number);
    if (batch === undefined) return undefined;
    const { firstSn, entries } = parseRecentBatch(batch);
    const changes = this.changes(entries, firstSn);
    this.#decoded.set(number, changes);
    changes.catch(() => this.#decoded.delete(number));
    if (this.#decoded.size > BATCHES_KEPT) this.#decoded.delete(Math.min(...this.#decoded.keys()));
    return changes;
  }

  /** @throws as `decodeEntry`. */
  async changes(entries: readonly Uint8Array[], firstSn: number): Promise<readonly Change[]> {
    const changes: Change[] = [];
    for (let at = 0; at < entries.length; at++) {
      if (at > 0 && at % ENTRIES_AT_ONCE === 0) await new Promise<void>((resolve) => this.clock.defer(resolve));
      const sn = firstSn + at;
      changes.push(...changesOf(decodeEntry(entries[at] as Uint8Array, sn), sn));
    }
    return changes;
  }
}
