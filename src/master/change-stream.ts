/**
 * One watcher: sends it the committed changes that concern its path, in order, without a gap, from the entry that it asked for.
 *
 *   journal --all that is older was read--> memory --it took too long, and memory went on without it--> journal
 *
 * Invariants:
 * - One position, which only moves on: all up to it was looked at. What is in memory is committed, and so is what the journal yields.
 * - A watcher costs the item that is on its way to it, and waits for nobody, nor anybody for it: one that does not take its items is overtaken.
 * - Whatever the master's role becomes, the replica's committed batches are one chain: a stream goes on as long as the replica lives.
 */
import { isError, UnderstudyError } from '../base/errors.js';
import { type Deferred, deferred, orAborted, sleep } from '../base/wait.js';
import { type ChainPoint, endOf } from '../journal/journal.js';
import { type Change, encodeWatchItem, lookedInto } from '../metadata/change-events.js';
import type { ServerCall } from '../rpc/rpc.js';
import type { ChangeSource } from './change-source.js';

export interface Watched {
  /** Without a slash at its end. */
  readonly path: string;
  /** The first entry of interest. */
  readonly fromSn: number;
  /** A place in the journal before that. */
  readonly start: ChainPoint;
  /** @returns whether the watcher may look into this directory below the path, or file, as it is now; null: it may look everywhere. */
  readonly maySee: ((place: string) => boolean) | null;
}

/** A watcher is told at least so often how far it has come. */
const HEARTBEAT_MS = 1_000;
const ITEM_BYTES = 256 * 1024;
/** Changes whose places are looked at in one go, before other work has its turn. */
const LOOKS_AT_ONCE = 512;
/** Whoever does not take an item within this lets go of the journal until it has. */
const STALL_MS = 1_000;

export class ChangeStream {
  readonly #call: ServerCall;
  readonly #watched: Watched;
  readonly #source: ChangeSource;
  /** The last batch that was looked at. */
  #point: ChainPoint;
  /** Of the next batch in memory; null: it is in the journal only. */
  #number: number | null;
  #sentMs = Number.NEGATIVE_INFINITY;
  #toldSn = -1;
  /** It has had all that there was, once: from then on how far it has come is told by heartbeats. */
  #isCaughtUp = false;
  #woken: Deferred<void> | null = null;

  constructor(call: ServerCall, watched: Watched, source: ChangeSource) {
    this.#call = call;
    this.#watched = watched;
    this.#source = source;
    this.#point = watched.start;
    this.#number = source.recent.behind(watched.start);
  }

  /** Sends until `signal` is aborted. @throws `out_of_range`: the journal does not go back so far; `unavailable`, `corrupt`: as `Journal.read`. */
  async run(signal: AbortSignal): Promise<void> {
    const unwatch = this.#source.recent.watch(() => this.#woken?.resolve());
    try {
      await this.#send([], signal);
      while (!signal.aborted) {
        if (this.#number === null) await this.#readJournal(signal);
        else await this.#readMemory(this.#number, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      unwatch();
    }
  }

  async #readMemory(number: number, signal: AbortSignal): Promise<void> {
    const batch = this.#source.recent.get(number);
    if (batch === undefined) {
      if (number < this.#source.recent.first) this.#number = null;
      else await this.#wait(signal);
      return;
    }
    const changes = await this.#source.recentChanges(number);
    // Meanwhile it may have been forgotten: it was what follows all the same.
    if (changes === undefined) return;
    this.#point = batch.end;
    this.#number = number + 1;
    await this.#send(changes, signal);
  }

  /** Reads on in the journal until memory has what follows, or the watcher does not keep up with it. */
  async #readJournal(signal: AbortSignal): Promise<void> {
    const endTurn = await this.#source.readerTurns.take(signal);
    let late: Promise<void> = Promise.resolve();
    const enough = new AbortController();
    const either = AbortSignal.any([signal, enough.signal]);
    try {
      const onIdle = () => this.#seekMemory() && enough.abort();
      for await (const batch of this.#source.journal.read({ from: this.#point, signal: either, onIdle })) {
        if (either.aborted) break;
        const changes = await this.#source.changes(batch.entries, batch.firstSn);
        this.#point = endOf(batch);
        late = this.#send(changes, signal);
        if (!(await this.#isPrompt(late, signal)) || this.#seekMemory()) break;
      }
    } catch (error) {
      if (!isError(error, 'out_of_range')) throw error;
      await this.#goPastBoundary(signal);
    } finally {
      endTurn();
    }
    await late;
  }

  /** @returns whether what follows is in memory. */
  #seekMemory(): boolean {
    this.#number = this.#source.recent.behind(this.#point);
    return this.#number !== null;
  }

  /** @returns whether `sending` has ended in good time. */
  async #isPrompt(sending: Promise<void>, signal: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    try {
      const stall = sleep(this.#source.clock, STALL_MS, AbortSignal.any([signal, over.signal])).then(() => false);
      return await Promise.race([sending.then(() => true), stall]);
    } finally {
      over.abort();
    }
  }

  /** What follows was collected: goes on where the log begins by now, if that is before what is wanted. @throws `out_of_range`. */
  async #goPastBoundary(signal: AbortSignal): Promise<void> {
    const { boundary } = await this.#source.journal.checkpoints.published(signal);
    const oldest = boundary?.point ?? this.#point;
    const wantedSn = Math.max(this.#watched.fromSn, this.#point.sn + 1);
    if (oldest.sn <= this.#point.sn || oldest.sn >= wantedSn) throw behindOldest(wantedSn, oldest.sn + 1);
    this.#point = oldest;
  }

  /** Sends what concerns the watcher, all of which lies at or before the position; a sign of life where one is due. */
  async #send(changes: readonly Change[], signal: AbortSignal): Promise<void> {
    const { path, fromSn } = this.#watched;
    const mine = await this.#shown(changes.filter((change) => change.sn >= fromSn && change.concerns(path)));
    let from = 0;
    let bytes = 0;
    for (let at = 0; at < mine.length; at++) {
      const { encoded, sn } = mine[at] as Change;
      bytes += encoded.length;
      const next = mine[at + 1];
      if (next === undefined || bytes < ITEM_BYTES) continue;
      // An entry that is several changes was looked at when all of them were.
      await this.#item(mine.slice(from, at + 1), next.sn > sn ? sn : sn - 1, signal);
      from = at + 1;
      bytes = 0;
    }
    if (from < mine.length) await this.#item(mine.slice(from), this.#throughSn, signal);
    else if (this.#isBeatDue()) await this.#beat(signal);
  }

  /** @returns those that the watcher may be told of. */
  async #shown(changes: readonly Change[]): Promise<readonly Change[]> {
    const { path, maySee } = this.#watched;
    if (maySee === null) return changes;
    const seen = new Map<string, boolean>();
    const isSeen = (place: string): boolean => {
      const may = seen.get(place) ?? maySee(place);
      seen.set(place, may);
      return may;
    };
    const shown: Change[] = [];
    for (const [at, change] of changes.entries()) {
      if (at > 0 && at % LOOKS_AT_ONCE === 0) await new Promise<void>((resolve) => this.#source.clock.defer(resolve));
      const places = lookedInto(change, path);
      if (places.length === 0 || places.some(isSeen)) shown.push(change);
    }
    return shown;
  }

  get #throughSn(): number {
    return Math.max(this.#point.sn, this.#watched.fromSn - 1);
  }

  #isBeatDue(): boolean {
    return this.#source.clock.monotonicMs() - this.#sentMs >= HEARTBEAT_MS;
  }

  #beat(signal: AbortSignal): Promise<void> {
    return this.#item([], this.#throughSn, signal);
  }

  async #item(changes: readonly Change[], throughSn: number, signal: AbortSignal): Promise<void> {
    await orAborted(this.#call.item(encodeWatchItem(changes, throughSn)), signal);
    this.#sentMs = this.#source.clock.monotonicMs();
    this.#toldSn = throughSn;
  }

  /** Waits for the next batch in memory, or until a sign of life is due. */
  async #wait(signal: AbortSignal): Promise<void> {
    if (!this.#isCaughtUp) {
      this.#isCaughtUp = true;
      if (this.#toldSn < this.#throughSn) return this.#beat(signal);
    }
    const woken = deferred<void>();
    const dueMs = this.#sentMs + HEARTBEAT_MS - this.#source.clock.monotonicMs();
    const timer = this.#source.clock.setTimer(Math.max(0, dueMs), woken.resolve);
    this.#woken = woken;
    try {
      await orAborted(woken.promise, signal);
    } finally {
      timer.cancel();
      this.#woken = null;
    }
    if (this.#isBeatDue()) await this.#beat(signal);
  }
}

export function behindOldest(fromSn: number, oldestSn: number): UnderstudyError {
  return new UnderstudyError('out_of_range', `the journal does not go back so far any longer: from_sn=${fromSn} oldest=${oldestSn}`);
}
