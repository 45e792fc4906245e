/** Where to begin reading a journal to come to an entry soon: at the newest sound checkpoint before it, or where what is kept begins. */
import { type ErrorCode, isError } from '../base/errors.js';
import { sequence } from '../base/ids.js';
import { type ChainPoint, GENESIS, type Journal } from '../journal/journal.js';
import type { KvStore } from '../kv/kv-store.js';
import { CheckpointReader } from './checkpoint-reader.js';
import { loadCheckpoint } from './load-checkpoint.js';

/** Damaged, gone, or of a later version, for which a flipped bit of its manifest can make it pass. */
const UNUSABLE: ReadonlySet<ErrorCode> = new Set(['corrupt', 'not_found', 'failed_precondition']);

/**
 * @param fresh makes an empty store: what is returned then holds the state as of `from`.
 * @returns a point at or before entry `sn`, or the oldest that is kept. Without a store: only a point was asked for, or no checkpoint is sound.
 */
export async function dumpStart(
  journal: Journal,
  sn: number,
  fresh?: () => Promise<KvStore>,
): Promise<{ readonly from: ChainPoint; readonly kv?: KvStore }> {
  const { checkpoints, boundary } = await journal.checkpoints.published();
  const before = checkpoints.filter((ref) => ref.sn < sn);
  // Where the log below was collected, a later one is better than none.
  const rest = boundary === null ? [] : checkpoints.filter((ref) => ref.sn >= sn).reverse();
  for (const ref of [...before, ...rest]) {
    try {
      await using reader = await CheckpointReader.open(journal.checkpoints.read(ref));
      const from = { sn: sequence(reader.head.sn), hash: reader.head.hash };
      if (fresh === undefined) return { from };
      const kv = await fresh();
      await loadCheckpoint(kv, reader, journal, () => Promise.resolve());
      return { from, kv };
    } catch (error) {
      if (!isError(error) || !UNUSABLE.has(error.code)) throw error;
    }
  }
  if (boundary !== null) return { from: boundary.point };
  return fresh === undefined ? { from: GENESIS } : { from: GENESIS, kv: await fresh() };
}
