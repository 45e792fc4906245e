/** Asks a store again that does not answer, a few times and with growing pauses. */
import type { Clock } from '../base/clock.js';
import { isError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { sleep } from '../base/wait.js';

const TRIES = 5;
const PAUSE_FIRST_MS = 20;

/** For what may be asked or done twice. @throws what the last try threw; anything but silence at once. */
export async function insistently<T>(
  deps: { readonly clock: Clock; readonly random: Random },
  request: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let tries = 1, pauseMs = PAUSE_FIRST_MS; ; tries++, pauseMs *= 2) {
    try {
      return await request();
    } catch (error) {
      const isSilence = isError(error, 'unavailable') || isError(error, 'outcome_unknown');
      if (!isSilence || tries === TRIES || signal?.aborted) throw error;
      await sleep(deps.clock, pauseMs * (0.5 + deps.random.float()), signal);
    }
  }
}
