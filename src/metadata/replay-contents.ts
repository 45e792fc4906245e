/** The state that contents make: from nothing or their checkpoint, through all their batches. */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import type { JournalContents } from '../journal/journal-contents.js';
import type { KvStore } from '../kv/kv-store.js';
import { CheckpointReader } from './checkpoint-reader.js';
import { loadCheckpoint } from './load-checkpoint.js';
import { Replay } from './replay.js';
import type { DigestAt } from './write-behind.js';

export interface ReplayContentsDeps {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly progress?: (sn: number) => void;
}

/**
 * @param kv empty; the caller's.
 * @returns the digest at their end. @throws `corrupt`: they do not fit together. @throws what they throw.
 */
export async function replayContents(contents: JournalContents, deps: ReplayContentsDeps): Promise<DigestAt> {
  const identity = { clusterId: contents.clusterId, incarnationId: 'replay' };
  const { point } = contents.begin;
  const [checkpoint] = point.sn === 0 ? [] : (await contents.retention()).checkpoints;
  if (checkpoint !== undefined) {
    await using reader = await CheckpointReader.open(contents.checkpoint(checkpoint));
    await loadCheckpoint(deps.kv, reader, identity, () => Promise.resolve());
  }
  await using replay = new Replay(deps.kv, { clock: deps.clock, identity });
  if (replay.end.sn !== point.sn || Buffer.compare(replay.end.hash, point.hash) !== 0) {
    throw new UnderstudyError('corrupt', `the log does not begin where the checkpoint ends: checkpoint=${replay.end.sn} log=${point.sn}`);
  }
  for await (const batch of contents.batches()) {
    await replay.apply(batch);
    deps.progress?.(replay.end.sn);
  }
  return await replay.digest();
}
