/**
 * Where a journal on an object store begins: each boundary is an object of its own that is never changed, so a PUT that lands late cannot
 * take it back. The highest that is listed counts. It is made before anything below it is deleted, and so: whoever reads slots, and then finds
 * the boundary at or below the first of them, has read what the log holds.
 */
import { isError, UnderstudyError } from '../base/errors.js';
import { NOTHING_RETAINED, type Retention } from './checkpoints.js';
import { encodeRetention, parseRetention } from './object-format.js';
import { boundaryKey, boundaryPrefix, boundarySlotOf, type ObjectContext } from './object-layout.js';
import { listAll } from './object-store.js';
import { insistently } from './persistence.js';
import { ORIGIN, type Place } from './place.js';

/** A boundary's object may be gone when it is read: there is a higher one then. */
const TRIES = 5;

export class Boundaries {
  readonly #context: ObjectContext;
  #newest: { readonly key: string; readonly retention: Retention } | undefined;

  constructor(context: ObjectContext) {
    this.#context = context;
  }

  /** @returns the lowest slot that is sure to be there, if the log reaches so far. Asks the store. */
  async slot(signal?: AbortSignal): Promise<number> {
    const key = (await this.#keys(signal)).at(-1);
    return key === undefined ? 1 : boundarySlotOf(key);
  }

  /** @returns the place before that slot. Asks the store. @throws `failed_precondition`: the journal is no more. */
  async place(signal?: AbortSignal): Promise<Place> {
    const { slot, retention } = await this.newest(signal);
    const { boundary } = retention;
    if (boundary === null && slot > 1) {
      const { location } = this.#context.deps.store;
      throw new UnderstudyError('failed_precondition', `the journal was formatted anew: open it again: location=${location}`);
    }
    if (boundary === null) return ORIGIN;
    return { slot: slot - 1, point: boundary.point, epoch: boundary.epoch, timeMs: 0 };
  }

  /** @returns the newest boundary, and what it says is kept. Asks the store. */
  async newest(signal?: AbortSignal): Promise<{ readonly slot: number; readonly retention: Retention }> {
    const { deps } = this.#context;
    for (let tries = 1; tries <= TRIES; tries++) {
      const key = (await this.#keys(signal)).at(-1);
      if (key === undefined) return { slot: 1, retention: NOTHING_RETAINED };
      if (this.#newest?.key !== key) {
        const bytes = await insistently(deps, () => deps.store.get(key, signal), signal);
        if (bytes === undefined) continue;
        this.#newest = { key, retention: parseRetention(bytes, deps.store.location + key) };
      }
      return { slot: boundarySlotOf(key), retention: this.#newest.retention };
    }
    throw new UnderstudyError('unavailable', `the journal's boundary cannot be read: location=${deps.store.location}`);
  }

  /**
   * Makes a boundary, durable on return, and removes those below it.
   *
   * @param sn the journal's end: whatever is kept later has a higher one.
   */
  async make(slot: number, sn: number, retention: Retention): Promise<void> {
    const { deps, format } = this.#context;
    const key = boundaryKey(format, slot, sn);
    await insistently(deps, () => deps.store.create(key, encodeRetention(retention))).catch((error: unknown) => {
      if (!isError(error, 'already_exists')) throw error;
    });
    for (const old of await this.#keys()) if (old < key) await insistently(deps, () => deps.store.delete(old));
  }

  async #keys(signal?: AbortSignal): Promise<readonly string[]> {
    const { deps, format } = this.#context;
    return insistently(
      deps,
      async () => {
        const keys: string[] = [];
        for await (const key of listAll(deps.store, boundaryPrefix(format), signal)) keys.push(key);
        return keys;
      },
      signal,
    );
  }
}
