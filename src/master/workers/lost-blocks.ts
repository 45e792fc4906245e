/**
 * Counts the blocks that are lost: a leader's. They are of complete files, not in mounted storage, and no worker that is there has them
 * (`metadata/lost-files.ts`). Nothing is remembered of it, and nothing done: it is for operators.
 *
 * Only the files say which blocks there should be: so all are looked through, from a snapshot of the store, at leisure, round after round. What
 * seems lost is looked at again in the state, for the snapshot may be old.
 */
import type { Clock } from '../../base/clock.js';
import type { Log } from '../../base/log.js';
import { sleep } from '../../base/wait.js';
import { blocksWithin } from '../../metadata/extents.js';
import { inodeById, pathTo } from '../../metadata/inode-path.js';
import { isNowhere, mayBeLost, mayRowBeLost } from '../../metadata/lost-files.js';
import { type Inode, inodeCodec } from '../../metadata/records.js';
import type { Replica } from '../replica.js';
import type { StorageTroubles } from '../storage-troubles.js';
import { INODES } from './joined-files.js';
import { TimeSlices } from './time-slices.js';
import type { WorkerRoster } from './worker-roster.js';

interface Deps {
  readonly replica: Replica;
  readonly workers: WorkerRoster;
  readonly troubles: StorageTroubles;
  readonly clock: Clock;
  readonly log: Log;
}

const CHUNK_ROWS = 512;
const BLOCKS_AT_ONCE = 32;
const REST_MIN_MS = 2_000;
/** Rounds take a fraction of the time. */
const REST_FACTOR = 16;
/** While something is lost, or that could not be told. */
const REST_MAX_MS = 60_000;

/** Runs until `signal` is aborted. Never throws. */
export async function countLostBlocks(deps: Deps, signal: AbortSignal): Promise<void> {
  const { replica, clock, log, workers } = deps;
  const counting = new LostBlocks(deps, signal);
  for (let restMs = REST_MIN_MS; !signal.aborted; ) {
    await sleep(clock, restMs, signal).catch(() => {});
    let isWell = false;
    const startedMs = clock.monotonicMs();
    try {
      if (!signal.aborted && workers.isComplete) isWell = await counting.round();
    } catch (thrown) {
      if (!signal.aborted) log.warn({ error: replica.checked(thrown) }, 'a look for lost blocks failed; it is tried again');
    }
    const longMs = REST_FACTOR * (clock.monotonicMs() - startedMs);
    restMs = Math.max(REST_MIN_MS, isWell ? longMs : Math.min(longMs, REST_MAX_MS));
  }
}

class LostBlocks {
  readonly #deps: Deps;
  readonly #slices: TimeSlices;

  constructor(deps: Deps, signal: AbortSignal) {
    this.#deps = deps;
    this.#slices = new TimeSlices(deps.clock, signal);
  }

  /** @returns whether nothing is lost, as far as can be told. */
  async round(): Promise<boolean> {
    const { replica, workers, troubles, log } = this.#deps;
    const [before, lost] = [troubles.blocksLost ?? 0, { blocks: 0, files: 0, path: '' }];
    const snapshot = replica.kv.snapshot();
    try {
      for await (const rows of snapshot.rows(INODES, CHUNK_ROWS)) {
        await this.#slices.next();
        for (const [, value] of rows) {
          const blocks = mayRowBeLost(value) ? await this.#lostOf(inodeCodec.decode(value)) : 0;
          if (blocks === 0) continue;
          if (lost.files === 0) lost.path = pathTo(inodeCodec.decode(value).id, replica.state) ?? '';
          lost.files += 1;
          lost.blocks += blocks;
        }
      }
    } finally {
      await snapshot.close();
    }
    // A worker that is not sure to be there any more may come back with what it has.
    if (!workers.isComplete) return false;
    troubles.blocksLost = lost.blocks;
    if (before === 0 && lost.blocks > 0) log.warn(lost, 'blocks are lost: no worker that is there has them');
    return lost.blocks === 0;
  }

  async #lostOf(seen: Inode): Promise<number> {
    const { replica, workers } = this.#deps;
    if (!mayBeLost(seen, workers)) return 0;
    let lost = 0;
    for (let from = 0; from < seen.length; from += BLOCKS_AT_ONCE * seen.blockBytes) {
      await this.#slices.next();
      const blocks = blocksWithin(seen, from, Number.POSITIVE_INFINITY, BLOCKS_AT_ONCE);
      const missing = blocks.filter((block) => isNowhere(block, seen, workers)).length;
      if (missing === 0) continue;
      const now = inodeById(seen.id, replica.state);
      if (now === null || now.generation !== seen.generation || !mayBeLost(now, workers)) return 0;
      lost += missing;
    }
    return lost;
  }
}
