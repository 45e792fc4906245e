/**
 * Looks through one kind of row in key order. For housekeeping, which looks again, and whose plans look at the state: changes that have not
 * reached the store are left for the next time, for there may be some hundred thousand of them.
 */
import type { KvRange, KvStore } from '../kv/kv-store.js';

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
