/**
 * Makes boundaries, and deletes what lies below them: batches, never claims (a fenced writer's next slot is its successor's claim, and would be
 * free again), and checkpoints that are not kept.
 *
 * A log object is only deleted where it is known to be no claim: it was read, or stands between two of the same writer's. So few are read.
 */
import { isError } from '../base/errors.js';
import { throwIfAborted } from '../base/wait.js';
import { checkRetention, NOTHING_RETAINED, type Retention } from './checkpoints.js';
import { checkpointsPrefix, intentPrefix, logPrefix, slotKey, slotOf } from './object-layout.js';
import type { ObjectJournalParts } from './object-parts.js';
import { LIST_PAGE_MAX, listAll } from './object-store.js';
import { insistently } from './persistence.js';

const DELETES_AT_ONCE = 8;

interface Looked {
  readonly index: number;
  readonly writer: string;
  readonly isBatch: boolean;
}

export class ObjectCollector {
  readonly #parts: ObjectJournalParts;
  readonly #signal: AbortSignal;
  /** All slots up to this one have been seen to. */
  #doneTo = 0;

  /** @param signal ends what is under way. */
  constructor(parts: ObjectJournalParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** Makes the boundary, then deletes what it allows. @param epoch of the writer; @param sn the journal's end. */
  async retain(retention: Retention, epoch: number, sn: number): Promise<void> {
    const { boundaries, places, context } = this.#parts;
    checkRetention(retention, sn);
    const before = await boundaries.slot(this.#signal);
    const slot = retention.boundary === null ? 1 : (await places.find(retention.boundary.point, this.#signal)).slot + 1;
    // Never goes back: what lies below may be gone.
    if (slot < before) return;
    await boundaries.make(slot, sn, retention);
    await context.deps.pause?.('known', epoch);
    await this.#collectCheckpoints(retention, epoch);
    await this.#collectLog(slot, epoch);
  }

  /** Deletes everything but claims, for good: nobody can claim this journal any more. */
  async removeAll(): Promise<void> {
    await this.#parts.boundaries.make(Number.MAX_SAFE_INTEGER, 0, NOTHING_RETAINED);
    const { deps, format } = this.#parts.context;
    for (const prefix of [checkpointsPrefix(format), intentPrefix(format)]) {
      for await (const key of listAll(deps.store, prefix, this.#signal)) await this.#delete(key, 0);
    }
    await this.#collectLog(Number.POSITIVE_INFINITY, 0);
  }

  async #collectCheckpoints({ checkpoints, boundary }: Retention, epoch: number): Promise<void> {
    if (boundary === null) return;
    const { deps, format } = this.#parts.context;
    const prefix = checkpointsPrefix(format);
    const kept = new Set(checkpoints.map(({ id }) => id));
    for await (const key of listAll(deps.store, prefix, this.#signal)) {
      const [, sn, id] = /^(\d+)-([0-9a-f]+)\//.exec(key.slice(prefix.length)) ?? [];
      // One that is being written now, or was and is not yet published, is not below the boundary.
      if (id !== undefined && !kept.has(id) && Number(sn) < boundary.point.sn) await this.#delete(key, epoch);
    }
  }

  async #collectLog(boundary: number, epoch: number): Promise<void> {
    const { deps, format } = this.#parts.context;
    while (this.#doneTo < boundary - 1) {
      const request = { prefix: logPrefix(format), startAfter: slotKey(format, this.#doneTo), limit: LIST_PAGE_MAX };
      const { keys } = await insistently(deps, () => deps.store.list(request, this.#signal), this.#signal);
      const slots = keys.map(slotOf).filter((slot) => slot < boundary);
      const last = slots.at(-1);
      if (last === undefined) break;
      await this.#deleteBatches(slots, epoch);
      this.#doneTo = last;
    }
  }

  async #deleteBatches(slots: readonly number[], epoch: number): Promise<void> {
    const looked: Looked[] = [];
    const look = async (index: number): Promise<Looked> => {
      const found = { index, ...(await this.#look(slots[index] as number)) };
      looked.push(found);
      return found;
    };
    const first = await look(0);
    const ranges = [[first, slots.length === 1 ? first : await look(slots.length - 1)] as const];
    for (let range = ranges.pop(); range !== undefined; range = ranges.pop()) {
      const [from, to] = range;
      if (to.index - from.index < 2) continue;
      if (from.writer === to.writer) await this.#deleteSlots(slots.slice(from.index + 1, to.index), epoch);
      else {
        const middle = await look(Math.floor((from.index + to.index) / 2));
        ranges.push([middle, to], [from, middle]);
      }
    }
    await this.#deleteSlots(
      looked.filter(({ isBatch }) => isBatch).map(({ index }) => slots[index] as number),
      epoch,
    );
  }

  /** Objects that are gone or damaged are nobody's, and left alone. */
  async #look(slot: number): Promise<{ readonly writer: string; readonly isBatch: boolean }> {
    try {
      const object = await this.#parts.log.read(slot, this.#signal);
      if (object === undefined) return { writer: `none ${slot}`, isBatch: false };
      return { writer: Buffer.from(object.stored.writerId).toString('hex'), isBatch: !object.isClaim };
    } catch (error) {
      if (isError(error, 'corrupt')) return { writer: `damaged ${slot}`, isBatch: false };
      throw error;
    }
  }

  async #deleteSlots(slots: readonly number[], epoch: number): Promise<void> {
    for (let at = 0; at < slots.length; at += DELETES_AT_ONCE) {
      const some = slots.slice(at, at + DELETES_AT_ONCE);
      await Promise.all(some.map((slot) => this.#delete(slotKey(this.#parts.context.format, slot), epoch)));
    }
  }

  async #delete(key: string, epoch: number): Promise<void> {
    const { deps } = this.#parts.context;
    await deps.pause?.('collecting', epoch);
    throwIfAborted(this.#signal);
    await insistently(deps, () => deps.store.delete(key, this.#signal), this.#signal);
  }
}
