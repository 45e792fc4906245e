/**
 * Reads the log of a journal on an object store, in runs of slots that are fetched at once: as wide as the log is found to be ahead, within
 * a bound of bytes. The next run is fetched while one is being applied.
 *
 * After a run was read, and before any of it is believed, the boundary is read again: a claim that landed in a collected slot looks valid.
 */
import { setMaxListeners } from 'node:events';
import { UnderstudyError } from '../base/errors.js';
import { sleep } from '../base/wait.js';
import type { Batch, ReadRequest } from './journal.js';
import type { SlotObject } from './object-format.js';
import type { ObjectJournalParts } from './object-parts.js';
import { type Place, placeBehind } from './place.js';

const WIDTH_MAX = 32;
const RUN_BYTES_MAX = 32 << 20;
/** Looks at the log's end between two that make sure that it is the end. */
const LOOKS_PER_CHECK = 40;
/** After so long without a look (this process was stopped, or its consumer busy) the next end is made sure of, too: all may have been collected. */
const GAP_MS = 1_000;

interface Run {
  /** What stands in the slots from the first on, up to the first empty one. */
  readonly objects: readonly SlotObject[];
  /** Whether something stands in all of the slots. */
  readonly isFull: boolean;
  /** Whether an empty slot follows; where neither, the next one cannot be read: the next look says why. */
  readonly isEnd: boolean;
}

/** Reads runs behind a place. */
export class SlotReader {
  readonly #parts: ObjectJournalParts;
  readonly #signal: AbortSignal | undefined;
  #place: Place;
  #width = 1;
  #bytesMax = 1;
  #ahead: { readonly first: number; readonly run: Promise<Run> } | undefined;

  constructor(parts: ObjectJournalParts, place: Place, signal?: AbortSignal) {
    this.#parts = parts;
    this.#place = place;
    this.#signal = signal;
    // Each slot of a run listens to it while it is asked for again: more than Node takes for a leak.
    if (signal !== undefined) setMaxListeners(2 * WIDTH_MAX, signal);
  }

  /** Behind the last batch that was returned. */
  get place(): Place {
    return this.#place;
  }

  /**
   * @returns what follows, in order, as far as one look goes; the places behind each. `isEnd`: that was all when the look began.
   *
   * @throws `out_of_range`, `corrupt`, `unavailable`.
   */
  async next(): Promise<{ readonly found: readonly { readonly batch: Batch; readonly place: Place }[]; readonly isEnd: boolean }> {
    const first = this.#place.slot + 1;
    const width = this.#width;
    const run = this.#ahead?.first === first ? this.#ahead.run : this.#fetch(first, width);
    this.#ahead = undefined;
    const { objects, isFull, isEnd } = await run;
    const found = objects.map((object) => {
      this.#place = placeBehind(this.#place, object, this.#parts.context.deps.store.location);
      return { batch: object.stored.batch, place: this.#place };
    });
    for (const { bytes } of objects) this.#bytesMax = Math.max(this.#bytesMax, bytes);
    const widthMax = Math.max(1, Math.min(WIDTH_MAX, Math.floor(RUN_BYTES_MAX / this.#bytesMax)));
    this.#width = Math.min(widthMax, isFull ? 2 * objects.length : Math.max(1, objects.length));
    if (isFull) this.#fetchAhead();
    return { found, isEnd };
  }

  #fetchAhead(): void {
    const first = this.#place.slot + 1;
    const run = this.#fetch(first, this.#width);
    run.catch(() => undefined);
    this.#ahead = { first, run };
  }

  async #fetch(first: number, width: number): Promise<Run> {
    const { log } = this.#parts;
    const looks = Array.from({ length: width }, (_, index) => log.read(first + index, this.#signal));
    const objects: SlotObject[] = [];
    let isEnd = false;
    for (const look of await Promise.allSettled(looks)) {
      if (look.status === 'rejected' && objects.length === 0) throw look.reason;
      isEnd = look.status === 'fulfilled' && look.value === undefined;
      if (look.status === 'rejected' || look.value === undefined) break;
      objects.push(look.value);
    }
    if (objects.length > 0) await this.#checkBoundary(first);
    return { objects, isFull: objects.length === width, isEnd };
  }

  /**
   * Makes sure that the log ends here: an empty slot alone may have been collected, or its object lost.
   *
   * @returns false where it has grown meanwhile. @throws `out_of_range`, `corrupt`, `unavailable`.
   */
  async isAtEnd(): Promise<boolean> {
    const first = this.#place.slot + 1;
    try {
      return await this.#parts.log.endsBefore(first, this.#signal);
    } finally {
      // Rather than what it found: collected slots look lost.
      await this.#checkBoundary(first);
    }
  }

  async #checkBoundary(first: number): Promise<void> {
    const boundary = await this.#parts.boundaries.slot(this.#signal);
    if (boundary > first) throw new UnderstudyError('out_of_range', `what follows has been collected: slot=${first} boundary=${boundary}`);
  }
}

/** As `Journal.read`. */
export async function* followSlots(parts: ObjectJournalParts, request: ReadRequest): AsyncGenerator<Batch, void, void> {
  const { signal } = request;
  const { deps, settings } = parts.context;
  const reader = new SlotReader(parts, await parts.places.find(request.from, signal), signal);
  let lookedMs = Number.NEGATIVE_INFINITY;
  let looks = LOOKS_PER_CHECK;
  while (!signal.aborted) {
    const { found, isEnd } = await reader.next();
    const nowMs = deps.clock.monotonicMs();
    if (nowMs - lookedMs > GAP_MS) looks = LOOKS_PER_CHECK;
    lookedMs = nowMs;
    for (const { batch, place } of found) {
      if (signal.aborted) return;
      parts.places.note(place);
      yield batch;
    }
    if (!isEnd) continue;
    if (looks >= LOOKS_PER_CHECK) {
      if (!(await reader.isAtEnd())) continue;
      looks = 0;
    }
    looks += 1;
    if (signal.aborted) return;
    request.onIdle?.();
    await sleep(deps.clock, settings.pollIntervalMs, signal).catch(() => undefined);
  }
}
