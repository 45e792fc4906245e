/** How bytes pass between workers and mounted storage. */

/**
 * Where the bytes of a written file go: to workers alone (`MUST_CACHE`), or to mounted storage, too: before `close` returns (`CACHE_THROUGH`;
 * `THROUGH`, after which workers may drop them), or some time after (`ASYNC_THROUGH`).
 */
export type WriteType = 'MUST_CACHE' | 'CACHE_THROUGH' | 'THROUGH' | 'ASYNC_THROUGH';

/** What becomes of blocks that come from mounted storage: `CACHE` keeps them at a worker, `CACHE_PROMOTE` moves them to its fastest tier, too. */
export type ReadType = 'CACHE' | 'CACHE_PROMOTE' | 'NO_CACHE';
