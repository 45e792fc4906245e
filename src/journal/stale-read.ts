/** Damage, and storage that does not answer, have to be seen several times running before they count: another machine may be writing. */
import { isError } from '../base/errors.js';
import { sleep } from '../base/wait.js';
import type { DirectoryContext } from './directory-layout.js';

/** Looks in a row that fail in one way. */
const STALE_TRIES = 6;

/** Counts looks that failed in a row, each way by itself: a storage that hiccups says nothing about damage. */
export class StaleLooks {
  readonly #context: DirectoryContext;
  readonly #failed = { unavailable: 0, corrupt: 0 };

  constructor(context: DirectoryContext) {
    this.#context = context;
  }

  /** A look came to its end. */
  completed(): void {
    this.#failed.unavailable = 0;
    this.#failed.corrupt = 0;
  }

  /** @returns the pause before the next look. @throws `error` where it cannot pass by itself, or has been seen too often. */
  pauseAfter(error: unknown): number {
    const code = isError(error, 'unavailable') ? 'unavailable' : isError(error, 'corrupt') ? 'corrupt' : undefined;
    if (code === undefined) throw error;
    this.#failed[code] += 1;
    if (this.#failed[code] >= STALE_TRIES) throw error;
    return this.#context.settings.pollIntervalMs * 2 ** this.#failed[code];
  }
}

/**
 * Calls `look` again while it throws what may pass.
 *
 * @param checkFirst called after a look that failed: what it looked for may have been collected. Throws where looking again is of no use.
 */
export async function retryStale<T>(context: DirectoryContext, look: () => Promise<T>, checkFirst?: () => Promise<void>): Promise<T> {
  for (const looks = new StaleLooks(context); ; ) {
    try {
      return await look();
    } catch (error) {
      await checkFirst?.();
      await sleep(context.deps.clock, looks.pauseAfter(error));
    }
  }
}
