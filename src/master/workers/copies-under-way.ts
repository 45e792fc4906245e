/**
 * Copies that this leader has workers make of blocks of which there are too few: each goes to one worker until it is there, or that worker is not,
 * or it takes too long. Else every round would pick another target while the first one copies.
 *
 * It is told round after round, for it may have had too much to do. So many at once for each worker of whose blocks copies are made. Nothing of it
 * outlives the leadership.
 */
import { type BlockId, blockName } from '../../blocks/block-id.js';
import type { StoredBlock } from '../../blocks/block-store.js';
import type { KnownWorker } from './known-worker.js';

/** For each worker of whose blocks copies are made. */
export const COPIES_AT_ONCE = 16;
const PATIENCE_MS = 60_000;
const SLOW_BYTES_PER_MS = 10_000;

interface Copy {
  readonly id: BlockId;
  readonly by: KnownWorker;
  readonly to: KnownWorker;
  readonly endMs: number;
}

/** @returns milliseconds after which a copy is given up. */
export function copyPatienceMs(bytes: number): number {
  return PATIENCE_MS + bytes / SLOW_BYTES_PER_MS;
}

export class CopiesUnderWay {
  readonly #byName = new Map<string, Copy>();

  /** Forgets what is done, or in vain. @returns how many more copies may be begun for what `by` holds. */
  room(by: KnownWorker, nowMs: number): number {
    let underWay = 0;
    for (const [name, copy] of this.#byName) {
      if (isOver(copy, nowMs)) this.#byName.delete(name);
      else if (copy.by === by) underWay += 1;
    }
    return Math.max(0, COPIES_AT_ONCE - underWay);
  }

  /** @returns to whom a copy is on its way; undefined: to nobody. */
  target(id: BlockId, nowMs: number): KnownWorker | undefined {
    const copy = this.#byName.get(blockName(id));
    return copy === undefined || isOver(copy, nowMs) ? undefined : copy.to;
  }

  /** It was told to `to`. */
  begin({ id, bytes }: StoredBlock, by: KnownWorker, to: KnownWorker, nowMs: number): void {
    this.#byName.set(blockName(id), { id, by, to, endMs: nowMs + copyPatienceMs(bytes) });
  }
}

function isOver({ id, to, endMs }: Copy, nowMs: number): boolean {
  return nowMs > endMs || to.state !== 'LIVE' || to.blocks.get(id) !== undefined;
}
