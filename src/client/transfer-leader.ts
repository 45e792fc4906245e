/**
 * Moves the lead on purpose: asks the leader to hand it over. (Where none serves: promote-leader.ts.)
 */
import { operations } from '../metadata/operations.js';
import { askLeader } from './ask-leader.js';
import type { Client, ClientCallOptions } from './client.js';

export interface TransferOptions extends ClientCallOptions {
  /** `host:port` of the master that is to lead; without it the leader chooses the standby that is nearest to the end. */
  readonly to?: string;
}

export interface Transferred {
  /** `host:port` of the leader before. */
  readonly from: string;
  readonly to: string;
  readonly epoch: number;
  /** For which calls were held, milliseconds. */
  readonly pauseMs: number;
}

const TIMEOUT_MS = 20_000;

/**
 * Resolves when the new leader serves. Calls that clients make meanwhile wait, and are answered by the new leader.
 *
 * @throws `unavailable`: nobody leads now, or the leader cannot hand over; it goes on leading. @throws `failed_precondition`, `not_found`:
 *   that master cannot lead, or there is none. @throws `aborted`: the lead is being handed over already, or went to another.
 * @throws `permission_denied`: the client's user is no superuser. @throws `deadline_exceeded`, `cancelled`: it may have happened.
 */
export async function transferLeader(client: Client, { to = '', ...given }: TransferOptions = {}): Promise<Transferred> {
  const request = { to, user: client.settings.user };
  const { pauseUs, ...told } = await askLeader(client, operations.transferLeader, request, { timeoutMs: TIMEOUT_MS, ...given });
  return { from: told.from, to: told.to, epoch: told.epoch, pauseMs: pauseUs / 1_000 };
}
