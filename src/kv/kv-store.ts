/**
 * The key-value seam: an ordered map from bytes to bytes, durable in LevelDB, in memory for tests.
 *
 * Keys are ordered as unsigned bytes. Writes are atomic: all of a batch or none of it is there after a crash. Whether the newest writes
 * survive a crash is not promised (the journal has them), but what survives is always a prefix of the batches in order.
 * Every implementation passes test/contract/kv-contract.ts.
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
  /** Yields the rows of `range` in chunks of one up to `chunkRows`. @throws `corrupt`, `cancelled` once closed. */
  rows(range: KvRange, chunkRows: number): AsyncIterable<KvRows>;
  /** Idempotent. Has to be called: an open snapshot keeps old data on disk. */
  close(): Promise<void>;
}

export interface KvStore extends AsyncDisposable {
  /**
   * Synchronous: planning and applying never wait. Shows every write that has resolved, and may show those in flight.
   *
   * @returns the value, nobody's to change, or undefined. @throws `corrupt` when the store is damaged, `cancelled` once closed.
   */
  get(key: Uint8Array): Uint8Array | undefined;
  /**
   * Writes atomically, in call order; a later operation on the same key wins. The arrays are the caller's again on return; calls may
   * overlap, and the caller bounds how many. After a failed write the store takes no other: what survives stays a prefix.
   *
   * Large batches come in chunks, so that nothing else has to wait while they are handed over: the batch is complete, and takes its place
   * in the order, when the chunks end. If they throw, nothing is written, and that error is thrown on.
   *
   * @throws `unavailable` (disk full, I/O error), `corrupt`, `cancelled` once closed.
   */
  write(operations: readonly KvOperation[] | AsyncIterable<readonly KvOperation[]>): Promise<void>;
  /** A consistent view of what `get` shows now, whatever is written later. @throws `cancelled` once closed. */
  snapshot(): KvSnapshot;
  /** Waits for what is in flight. Idempotent. Snapshots have to be closed before. */
  close(): Promise<void>;
}

/** The place where one store lives. */
export interface KvStores {
  /**
   * Opens the store, making it if it is missing.
   *
   * @throws `failed_precondition`: it is open elsewhere. @throws `corrupt`: it is damaged, or several processes in a row have died with it
   *   before it was `proved` or closed. @throws `unavailable`: the disk does not answer.
   */
  open(): Promise<KvStore>;
  /** The store that is open has been read from end to end, and is sound. */
  proved(): Promise<void>;
  /**
   * Moves the store's folder aside (keeps one such copy, replacing an older one), so that `open` makes an empty one. Does nothing where
   * there is none. The store must be closed.
   *
   * @throws `failed_precondition`: it is open here. @throws `unavailable`.
   */
  setAside(): Promise<void>;
}
