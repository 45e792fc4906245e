/**
 * Where a batch stands: finds the slot of a position that a reader or claimant names by sequence number and hash.
 *
 * The log never changes, so a place that was found or made once holds for good: a few are remembered. Another is found by halving, in some
 * twenty reads; then the boundary is read again, for slots that were being collected meanwhile look as if they had never been.
 */
import { isError, UnderstudyError } from '../base/errors.js';
import type { Boundaries } from './boundaries.js';
import { isSame } from './epoch-chain.js';
import type { ChainPoint } from './journal.js';
import { type Place, placeOf } from './place.js';
import type { SlotLog } from './slot-log.js';

const KNOWN_MAX = 16;
const TRIES = 5;
/** Damaged slots in a row that a search passes over. */
const DAMAGED_MAX = 8;

export class Places {
  readonly #log: SlotLog;
  readonly #boundaries: Boundaries;
  readonly #known: Place[] = [];

  constructor(log: SlotLog, boundaries: Boundaries) {
    this.#log = log;
    this.#boundaries = boundaries;
  }

  /** Remembers a place of the committed log, for a while. */
  note(place: Place): void {
    this.#known.push(place);
    if (this.#known.length > KNOWN_MAX) this.#known.shift();
  }

  /** @throws `diverged`, `corrupt`, `out_of_range`, `unavailable`: as `Journal.read`. */
  async find(from: ChainPoint, signal?: AbortSignal): Promise<Place> {
    const known = this.#known.find(({ point }) => point.sn === from.sn);
    if (known !== undefined) return checked(known, from);
    for (let tries = 1; ; tries++) {
      const begin = await this.#boundaries.place(signal);
      const found = await this.#search(from, begin, signal);
      if ((await this.#boundaries.slot(signal)) === begin.slot + 1) {
        if (found === undefined) {
          throw new UnderstudyError('corrupt', `the position lies beyond the end of the journal: sn=${from.sn}`);
        }
        return checked(found, from);
      }
      if (tries === TRIES) throw new UnderstudyError('unavailable', `the journal is being collected too fast: sn=${from.sn}`);
    }
  }

  /** @returns the place behind the batch that holds `from`; undefined where the log ends before. */
  async #search(from: ChainPoint, begin: Place, signal?: AbortSignal): Promise<Place | undefined> {
    if (from.sn < begin.point.sn) {
      throw new UnderstudyError('out_of_range', `what follows has been collected: sn=${from.sn} collected=${begin.point.sn}`);
    }
    if (from.sn === begin.point.sn) return begin;
    // Each slot holds one entry at least.
    let low = begin.slot + 1;
    let high = low + from.sn - begin.point.sn;
    let found: Place | undefined;
    let damage: Error | undefined;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const look = await this.#firstSound(middle, high, signal);
      damage ??= look.damage;
      if (look.place !== undefined && look.place.point.sn < from.sn) low = look.place.slot + 1;
      else {
        high = middle;
        if (look.isTold) found = look.place;
      }
    }
    if (damage === undefined) return found?.slot === low ? found : undefined;
    // What has been applied needs nothing of what is damaged before it: the hash proves the place.
    if (found !== undefined && isSame(found.point, from)) return found;
    throw damage;
  }

  /** @returns the place behind the first slot of [from, to) that is not damaged; told by it, none where that slot is empty. */
  async #firstSound(
    from: number,
    to: number,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly isTold: boolean; readonly place?: Place; readonly damage?: Error }> {
    let damage: Error | undefined;
    for (let slot = from; slot < to; slot++) {
      try {
        const object = await this.#log.read(slot, signal);
        return {
          isTold: true,
          ...(object === undefined ? {} : { place: placeOf(slot, object.stored.batch) }),
          ...(damage === undefined ? {} : { damage }),
        };
      } catch (error) {
        if (!isError(error, 'corrupt') || slot - from === DAMAGED_MAX) throw error;
        damage ??= error;
      }
    }
    return { isTold: false, ...(damage === undefined ? {} : { damage }) };
  }
}

function checked(place: Place, from: ChainPoint): Place {
  if (isSame(place.point, from)) return place;
  throw new UnderstudyError('diverged', `the position is not on the journal's chain: sn=${from.sn}`);
}
