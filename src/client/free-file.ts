/** Has workers give up the blocks of a file that mounted storage has: whoever reads it next fetches it from there. */
import { isError } from '../base/errors.js';
import { sleep } from '../base/wait.js';
import { operations } from '../metadata/operations.js';
import { askLeader } from './ask-leader.js';
import type { Client, ClientCallOptions } from './client.js';
import type { FreedBlocks } from './file-system-options.js';

const TIMEOUT_MS = 20_000;
const PAUSE_MS = 100;

/**
 * Resolves when it is commanded. Asked again while the lead moves: done twice it is done once. @param forced also of a pinned file.
 *
 * @throws `failed_precondition`: mounted storage does not have the file, or it is pinned; `unavailable`: nobody leads now.
 */
export async function freeFile(client: Client, path: string, forced: boolean, options: ClientCallOptions): Promise<FreedBlocks> {
  const request = { path, forced, user: client.settings.user };
  const { clock } = client.deps;
  const { timeoutMs = TIMEOUT_MS, signal } = options;
  const endMs = clock.monotonicMs() + timeoutMs;
  for (;;) {
    try {
      const left = { ...options, timeoutMs: endMs - clock.monotonicMs() };
      const { copies, bytes } = await askLeader(client, operations.free, request, left);
      return { copies, bytes };
    } catch (error) {
      if (!isError(error, 'not_leader') || clock.monotonicMs() + PAUSE_MS >= endMs) throw error;
      await sleep(clock, PAUSE_MS, signal);
    }
  }
}
