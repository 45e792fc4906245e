/**
 * Looks through one kind of row in key order: what the store holds, with the changes that have not reached it laid over it, or without.
 */
import type { KvRange, KvStore } from '../kv/kv-store.js';
import type { Rows } from './state.js';

/**
 * @returns the first `max` keys within `range` that have a row now; fewer only where there are no more.
 * @param decode of a stored key.
 */
export async function firstKeys<K, V>(
  rows: Rows<K, V>,
  kv: KvStore,
  range: KvRange,
  decode: (key: Uint8Array) => K,
  max: number,
): Promise<K[]> {
  const { table } = rows;
  const found = new Map<K, Uint8Array>();
  for (const key of table.changedKeys()) {
    const bytes = table.encodeKey(key);
    if (Buffer.compare(bytes, range.gte) >= 0 && Buffer.compare(bytes, range.lt) < 0 && rows.get(key) !== null) found.set(key, bytes);
  }
  const snapshot = kv.snapshot();
  try {
    let present = 0;
    for await (const chunk of snapshot.rows(range, Math.min(max, CHUNK_ROWS))) {
      for (const [bytes] of chunk) {
        const key = decode(bytes);
        if (rows.get(key) === null) continue;
        if (!found.has(key)) found.set(key, bytes);
        present += 1;
      }
      if (present >= max) break;
    }
  } finally {
    await snapshot.close();
  }
  const ordered = [...found].sort(([, a], [, b]) => Buffer.compare(a, b));
  return ordered.slice(0, max).map(([key]) => key);
}

/** @returns the first `max` keys within `range` that the store holds, as far as it has come; fewer only where there are no more. */
export async function storedKeys<K>(kv: KvStore, range: KvRange, decode: (key: Uint8Array) => K, max: number): Promise<K[]> {
  const snapshot = kv.snapshot();
  try {
    const keys: K[] = [];
    for await (const chunk of snapshot.rows(range, Math.min(max, CHUNK_ROWS))) {
      for (const [key] of chunk) keys.push(decode(key));
      if (keys.length >= max) break;
    }
    return keys.slice(0, max);
  } finally {
    await snapshot.close();
  }
}

const CHUNK_ROWS = 1_000;
