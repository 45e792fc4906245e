/**
 * Makes one checkpoint of a replica: in the background, out of a snapshot of its store, while it goes on applying and serving.
 *
 * The snapshot is taken at a boundary that the leader announces in the journal, and nothing is stored unless the rows as they are read back
 * have the digest that the store's mark says *and* the one that the leader journaled for that very entry. LevelDB can lose and change rows
 * of damaged files without an error: such a store never becomes a checkpoint, and its replica fails.
 */
import assert from 'node:assert/strict';
import type { Clock } from '../base/clock.js';
import { type Sequence, sequence } from '../base/ids.js';
import { sleep } from '../base/wait.js';
import type { Checkpoints } from '../journal/checkpoints.js';
import type { KvRows, KvSnapshot } from '../kv/kv-store.js';
import { encodeCheckpoint } from '../metadata/checkpoint-writer.js';
import { sameDigest } from '../metadata/digest.js';
import { STATE_RANGE } from '../metadata/keys.js';
import type { CheckpointRecord } from '../metadata/records.js';
import type { Replica } from './replica.js';

export interface MakeCheckpointDeps {
  readonly clusterId: string;
  readonly checkpoints: Checkpoints;
  readonly clock: Clock;
}

/** How far it has come. */
export type MakeStep =
  /** The next boundary will be seen: the leader may announce it. */
  | { readonly type: 'armed' }
  /** The store was looked at there: the leader may tell its digest of it. */
  | { readonly type: 'taken'; readonly sn: Sequence }
  | { readonly type: 'written'; readonly rows: number };

const CHUNK_ROWS = 500;
/** How long it rests after each piece of work, in times of that work. */
const REST_SHARE = 2;

/**
 * Resolves when the checkpoint is stored; it counts once it is published. `madeMs` is left to whoever does that.
 *
 * @throws `corrupt`, `unavailable`: the replica has failed, and has said so, or the storage has. @throws what `signal` was aborted with.
 */
export function makeCheckpoint(
  replica: Replica,
  deps: MakeCheckpointDeps,
  told: (step: MakeStep) => void,
  signal: AbortSignal,
): Promise<CheckpointRecord> {
  return replica.during(signal, async (either) => {
    const { boundaries } = replica.writeBehind;
    const looking = boundaries.next(either);
    told({ type: 'armed' });
    const { mark, snapshot } = await looking;
    try {
      const sn = sequence(mark.sn);
      const leaders = boundaries.toldAt(sn, either);
      told({ type: 'taken', sn });
      const digest = await leaders;
      assert(sameDigest(digest, mark.digest), 'a replica whose digest differs has failed already');
      const { hash, epoch, timeMs, leaderAddress } = mark;
      const head = { clusterId: deps.clusterId, sn, hash, epoch, timeMs, leaderAddress, digest };
      const rest = resting(deps.clock, either, (rows) => told({ type: 'written', rows }));
      const bytes = checked(replica, encodeCheckpoint(head, rowsOf(snapshot), rest), either);
      const stored = await deps.checkpoints.write(sn, bytes, either);
      return { sn, hash, id: Buffer.from(stored.id, 'hex'), epoch, bytes: stored.bytes, madeMs: 0 };
    } finally {
      await snapshot.close();
    }
  });
}

function rowsOf(snapshot: KvSnapshot): AsyncIterable<KvRows> {
  return snapshot.rows(STATE_RANGE, CHUNK_ROWS);
}

/** Rests after each piece of work for longer than that took: others have most of the time. */
function resting(clock: Clock, signal: AbortSignal, told: (rows: number) => void): (rows: number) => Promise<void> {
  let fromMs = clock.monotonicMs();
  return async (rows) => {
    told(rows);
    await sleep(clock, REST_SHARE * (clock.monotonicMs() - fromMs), signal);
    fromMs = clock.monotonicMs();
  };
}

/** What is wrong with the rows is wrong with the replica. */
async function* checked<T>(replica: Replica, items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    throw signal.aborted ? error : replica.checked(error);
  }
}
