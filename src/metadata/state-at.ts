/**
 * The state as of one entry of a journal, in a store beside it: from the newest sound checkpoint that is not later, and a replay from there.
 * The journal is only read. Any entry will do: a batch that goes on behind it is cut.
 */
import type { Clock } from '../base/clock.js';
import { isError, UnderstudyError } from '../base/errors.js';
import { endOf, type Journal } from '../journal/journal.js';
import { readCommitted } from '../journal/read-committed.js';
import type { KvStore } from '../kv/kv-store.js';
import { cutBatch } from './closing-batches.js';
import { dumpStart } from './dump-start.js';
import type { Features } from './features.js';
import { type FlushMark, readMark } from './flush-mark.js';
import { Replay } from './replay.js';

export interface StateAtDeps {
  readonly clock: Clock;
  /** @returns an empty store, the caller's. */
  openStore(): Promise<KvStore>;
  progress?(sn: number): void;
}

export interface StateAt {
  readonly kv: KvStore;
  /** Of entry `sn`; its digest is that of the rows. */
  readonly mark: FlushMark;
  readonly features: Features;
}

/** Collection may overtake a reader as often. */
const TRIES = 5;

/**
 * @throws `invalid_argument`: the journal does not reach that far, or what it would be made of was collected.
 * @throws `corrupt`: damage, or the state differs from what the journal says that its leader's was. @throws as `Journal.read`.
 */
export async function stateAt(journal: Journal, sn: number, deps: StateAtDeps): Promise<StateAt> {
  for (let tries = 1; ; tries++) {
    try {
      return await replayTo(journal, sn, deps);
    } catch (error) {
      const isOvertaken = isError(error, 'out_of_range') || isError(error, 'not_found');
      if (!isOvertaken || tries === TRIES) throw error;
    }
  }
}

async function replayTo(journal: Journal, sn: number, { clock, openStore, progress }: StateAtDeps): Promise<StateAt> {
  const { from, kv } = await dumpStart(journal, sn + 1, openStore);
  if (kv === undefined) throw new UnderstudyError('corrupt', 'no checkpoint is sound, and what comes before them was collected');
  if (from.sn > sn) {
    const what = 'what this entry stands on was collected: take a later one';
    throw new UnderstudyError('invalid_argument', `${what}: sn=${sn} oldest=${from.sn}`);
  }
  const features = await replay(journal, sn, { kv, clock, ...(progress === undefined ? {} : { progress }) });
  return { kv, mark: readMark(kv, journal), features };
}

async function replay(
  journal: Journal,
  sn: number,
  { kv, clock, progress }: Pick<StateAtDeps, 'clock' | 'progress'> & { readonly kv: KvStore },
): Promise<Features> {
  await using replayed = new Replay(kv, { clock, identity: journal });
  if (replayed.end.sn < sn) {
    for await (const batch of readCommitted(journal, replayed.end, { toSn: sn })) {
      await replayed.apply(endOf(batch).sn > sn ? cutBatch(batch, sn - batch.firstSn + 1) : batch);
      progress?.(replayed.end.sn);
    }
  }
  const { sn: endSn } = await replayed.digest();
  if (endSn < sn) throw new UnderstudyError('invalid_argument', `the journal ends earlier: sn=${sn} end=${endSn}`);
  return replayed.state.features();
}
