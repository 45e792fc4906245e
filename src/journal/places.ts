/**
 * Where a batch stands: finds the slot of a position that a reader or claimant names by sequence number and hash.
 *
 * The log never changes, so a place that was found or made once holds for good: a few are remembered. Another is found by halving, in some
 * twenty reads; then the boundary is read again, for slots that were being collected meanwhile look as if they had never been.
 */
import { UnderstudyError } from '../base/errors.js';
import type { Boundaries } from './boundaries.js';
import type { ChainPoint } from './journal.js';
import { type Place, placeOf } from './place.js';
import type { SlotLog } from './slot-log.js';

const KNOWN_MAX = 16;
const TRIES = 5;

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
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const object = await this.#log.read(middle, signal);
      const place = object === undefined ? undefined : placeOf(middle, object.stored.batch);
      if (place !== undefined && place.point.sn < from.sn) low = middle + 1;
      else {
        high = middle;
        found = place;
      }
    }
    return found?.slot === low ? found : undefined;
  }
}

function checked(place: Place, from: ChainPoint): Place {
  if (place.point.sn === from.sn && Buffer.compare(place.point.hash, from.hash) === 0) return place;
  throw new UnderstudyError('diverged', `the position is not on the journal's chain: sn=${from.sn}`);
}
