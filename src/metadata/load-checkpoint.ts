/**
 * Fills an empty store from a checkpoint, in many bounded writes. A marker row stands first and goes with the last write, which brings the
 * flush mark: a load that broke off anywhere is known by it, and what it left is cleared away, being nothing but a part of a copy.
 */
import { UnderstudyError } from '../base/errors.js';
import type { KvOperation, KvRange, KvRows, KvStore } from '../kv/kv-store.js';
import type { CheckpointReader } from './checkpoint-reader.js';
import { type FlushMark, type JournalIdentity, markRows } from './flush-mark.js';
import { APPLIED_KEY, LOADING_KEY } from './keys.js';

const ALL: KvRange = { gte: Uint8Array.of(0), lt: Uint8Array.of(0xff) };
const CLEAR_ROWS = 1_000;

/** @returns whether nothing was ever applied to the store: it is new, or a load of it broke off. */
export function isBlank(kv: KvStore): boolean {
  return kv.get(APPLIED_KEY) === undefined;
}

/** Takes away what a load left that broke off. Does nothing to any other store. */
export async function clearBrokenLoad(kv: KvStore): Promise<void> {
  if (kv.get(LOADING_KEY) === undefined || !isBlank(kv)) return;
  const snapshot = kv.snapshot();
  try {
    for await (const rows of snapshot.rows(ALL, CLEAR_ROWS)) await kv.write(rows.flatMap(([key]) => (isMarker(key) ? [] : [del(key)])));
  } finally {
    await snapshot.close();
  }
  await kv.write([del(LOADING_KEY)]);
}

/** @throws `corrupt` where a blank store has rows: damage took its mark away, and they would pass for a checkpoint's. */
export async function checkEmpty(kv: KvStore): Promise<void> {
  const snapshot = kv.snapshot();
  try {
    for await (const rows of snapshot.rows(ALL, 1)) {
      if (rows.length > 0) throw new UnderstudyError('corrupt', 'the metastore has rows, and no mark that says of when');
    }
  } finally {
    await snapshot.close();
  }
}

/**
 * Writes the checkpoint's rows into `kv`, which is blank. Rests between writes, one of which is in flight at a time.
 *
 * @returns the store's mark: its state is the checkpoint's, and its digest has been counted.
 * @throws `corrupt`: the checkpoint is damaged or of another cluster; as `CheckpointReader.rows`; as `KvStore.write`. What it left is for
 *   `clearBrokenLoad` then.
 */
export async function loadCheckpoint(
  kv: KvStore,
  reader: CheckpointReader,
  identity: JournalIdentity,
  rest: (rows: number) => Promise<void>,
): Promise<FlushMark> {
  const { clusterId, ...head } = reader.head;
  if (clusterId !== identity.clusterId) {
    throw new UnderstudyError('corrupt', `the checkpoint is another cluster's: its=${clusterId} journal=${identity.clusterId}`);
  }
  await kv.write([{ type: 'put', key: LOADING_KEY, value: new Uint8Array(0) }]);
  let writing: Promise<void> = Promise.resolve();
  let count = 0;
  try {
    for await (const rows of reader.rows()) {
      const operations = putAll(rows);
      await writing;
      writing = kv.write(operations);
      writing.catch(() => undefined); // thrown where it is awaited
      count += rows.length;
      await rest(count);
    }
  } finally {
    await writing;
  }
  const mark = { ...head, flush: 1 };
  await kv.write([del(LOADING_KEY), ...markRows(mark, identity)]);
  return mark;
}

function putAll(rows: KvRows): KvOperation[] {
  return rows.map(([key, value]) => ({ type: 'put', key, value }));
}

const del = (key: Uint8Array): KvOperation => ({ type: 'del', key });
const isMarker = (key: Uint8Array): boolean => Buffer.compare(key, LOADING_KEY) === 0;
