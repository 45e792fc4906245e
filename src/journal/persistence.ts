/**
 * Asks a store again that does not answer, a few times and with growing pauses.
 *
 * What a store refuses (rights, credentials that ran out, a bucket that is gone) is `unavailable` here too: an operator mends it, and the
 * journal is as it was.
 */
import type { Clock } from '../base/clock.js';
import { type ErrorCode, isError, UnderstudyError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { sleep, throwIfAborted } from '../base/wait.js';

const TRIES = 5;
const PAUSE_FIRST_MS = 20;
const SILENCE: ReadonlySet<ErrorCode> = new Set(['unavailable', 'outcome_unknown']);
const REFUSALS: ReadonlySet<ErrorCode> = new Set(['permission_denied', 'failed_precondition', 'resource_exhausted']);

/** For one request to a store, which may be sent twice. @throws `unavailable`; `already_exists`; as `throwIfAborted`. */
export async function insistently<T>(
  deps: { readonly clock: Clock; readonly random: Random },
  request: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let tries = 1, pauseMs = PAUSE_FIRST_MS; ; tries++, pauseMs *= 2) {
    try {
      return await request();
    } catch (error) {
      throwIfAborted(signal);
      if (!isError(error)) throw error;
      if (REFUSALS.has(error.code) || (SILENCE.has(error.code) && tries === TRIES)) {
        throw error.code === 'unavailable' ? error : new UnderstudyError('unavailable', error.message, { cause: error });
      }
      if (!SILENCE.has(error.code)) throw error;
      await sleep(deps.clock, pauseMs * (0.5 + deps.random.float()), signal);
    }
  }
}
