/**
 * The key-value seam: an ordered map from bytes to bytes, durable in LevelDB, in memory for tests.
 *
 * Keys are ordered as unsigned bytes. Writes are atomic: all of a batch or none of it is there after a crash. Whether the newest writes
 * survive a crash is not promised (the journal has them), but what survives is always a prefix of the batches in order.
 */
export type KvOperation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

export interface KvRange {
  /** First key that counts. */
  readonly gte: Uint8Array;
  /** First key that no longer counts. */
  readonly lt: Uint8Array;
}

/** Rows of one chunk of a range, in key order. */
export type KvRows = readonly (readonly [key: Uint8Array, value: Uint8Array])[];

export interface KvSnapshot {
  /** Yields the rows of `range` in chunks of up to `chunkRows`. */
  rows(range: KvRange, chunkRows: number): AsyncIterable<KvRows>;
  /** Idempotent. Has to be called: an open snapshot keeps old data on disk. */
  close(): Promise<void>;
}

export interface KvStore extends AsyncDisposable {
  /** @returns the value, or undefined. Synchronous: planning and applying never wait. @throws `corrupt` when the store is damaged. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** Writes atomically, in call order. @throws `unavailable` (disk full, I/O error), `corrupt`. */
  write(operations: readonly KvOperation[]): Promise<void>;
  /** A consistent view as of now, whatever is written later. */
  snapshot(): KvSnapshot;
  /** Waits for what is in flight. Idempotent. Snapshots have to be closed before. */
  close(): Promise<void>;
}
