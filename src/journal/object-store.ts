/**
 * The object-store seam: what a journal needs of S3, GCS, Azure or HDFS, and nothing more: create an object only where none is, overwrite,
 * get, list, delete; single requests on whole objects, nothing versioned, nothing conditional but the creation.
 *
 * Every call is one request, or none: stores never send anything twice by themselves. A request that was sent may be carried out at any
 * later time, even after its caller has been told that it failed: only `create` matters for safety, and only for names that nobody else uses.
 */

export interface ObjectStore extends AsyncDisposable {
  /** For people: `s3://bucket/prefix`, or the like. */
  readonly location: string;

  /**
   * Creates the object `key`, durable and readable everywhere on return, unless there is one: of any number of calls one succeeds. `bytes`
   * are not changed until it settles.
   *
   * @throws `already_exists`: something stands there, perhaps what an earlier try of the same bytes made.
   * @throws `outcome_unknown`: no answer, or one that does not say: it may have happened, or happen yet.
   * @throws `unavailable`: nothing was sent. @throws `permission_denied`, `failed_precondition`, `resource_exhausted` (the store is full): refused;
   *   this request changed nothing.
   */
  create(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<Created>;

  /** Creates or replaces the object. @throws as `create`, but for `already_exists`. */
  put(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void>;

  /** @returns the whole object, the receiver's to keep; undefined where there is none now. @throws `unavailable`, and refusals as `create`. */
  get(key: string, signal?: AbortSignal): Promise<Buffer | undefined>;

  /** @returns one page: keys in ascending order, as they are now. @throws as `get`. */
  list(request: ListRequest, signal?: AbortSignal): Promise<ListPage>;

  /** Removes the object, if it is there. @throws as `put`. */
  delete(key: string, signal?: AbortSignal): Promise<void>;

  /** Lets go of connections; what is in flight fails. Idempotent. */
  close(): Promise<void>;
}

export interface Created {
  /** Whether the store keeps what is overwritten or deleted: such a bucket grows without end. */
  readonly isVersioned: boolean;
}

export interface ListRequest {
  readonly prefix: string;
  /** Only keys behind this one. */
  readonly startAfter?: string;
  /** At most this many, and never more than `LIST_PAGE_MAX`, which is the default. */
  readonly limit?: number;
}

export interface ListPage {
  readonly keys: readonly string[];
  /** Whether there are more behind the last one. */
  readonly isTruncated: boolean;
}

export const LIST_PAGE_MAX = 1000;

/** Yields every key that begins with `prefix`, page by page. */
export async function* listAll(store: ObjectStore, prefix: string, signal?: AbortSignal): AsyncGenerator<string, void, void> {
  for (let startAfter: string | undefined; ; ) {
    const page = await store.list({ prefix, ...(startAfter === undefined ? {} : { startAfter }) }, signal);
    yield* page.keys;
    startAfter = page.keys.at(-1);
    if (!page.isTruncated || startAfter === undefined) return;
  }
}
