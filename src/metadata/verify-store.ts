/**
 * Counts a store's digest anew, row by row, and compares it with what its mark says: rows that damage took away make no error of their own.
 */
import { UnderstudyError } from '../base/errors.js';
import type { KvSnapshot } from '../kv/kv-store.js';
import { DigestSum, digestText, sameDigest } from './digest.js';
import type { FlushMark } from './flush-mark.js';
import { STATE_RANGE } from './keys.js';

const CHUNK_ROWS = 1000;

/**
 * Reads all rows of `snapshot`, taken when the store stood at `mark`. Runs beside replay: `rest` is called between chunks.
 *
 * @returns the number of rows. @throws `corrupt`: rows are missing or changed. @throws what `signal` was aborted with.
 */
export async function verifyStore(snapshot: KvSnapshot, mark: FlushMark, rest: () => Promise<void>, signal: AbortSignal): Promise<number> {
  const sum = new DigestSum();
  let count = 0;
  for await (const rows of snapshot.rows(STATE_RANGE, CHUNK_ROWS)) {
    signal.throwIfAborted();
    for (const [key, value] of rows) sum.add(key, value);
    count += rows.length;
    if (rows.length === CHUNK_ROWS) await rest();
  }
  const found = sum.value();
  if (sameDigest(found, mark.digest)) return count;
  throw new UnderstudyError(
    'corrupt',
    `the metastore's rows do not add up: sn=${mark.sn} digest=${digestText(mark.digest)} found=${digestText(found)}`,
  );
}
