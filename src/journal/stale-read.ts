/** Damage, and storage that does not answer, have to be seen several times running before they count: another machine may be writing. */
import { isError } from '../base/errors.js';
import { sleep } from '../base/wait.js';
import type { DirectoryContext } from './directory-layout.js';

export const STALE_TRIES = 6;

/** @returns whether the error may pass by itself. */
export function mayBeStale(error: unknown): boolean {
  return isError(error, 'unavailable') || isError(error, 'corrupt');
}

/** @returns the pause before the next look, after `failures` of them in a row. */
export function stalePauseMs(context: DirectoryContext, failures: number): number {
  return context.settings.pollIntervalMs * 2 ** failures;
}

/** Calls `look` again while it throws what may pass, up to `STALE_TRIES` times. */
export async function retryStale<T>(context: DirectoryContext, look: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await look();
    } catch (error) {
      if (!mayBeStale(error) || failures >= STALE_TRIES) throw error;
      await sleep(context.deps.clock, stalePauseMs(context, failures));
    }
  }
}
