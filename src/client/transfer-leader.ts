/**
 * Moves the lead on purpose: asks the leader to hand it over, or, where nobody leads, tells a master to take it.
 */
import { isError, UnderstudyError } from '../base/errors.js';
import { operations } from '../metadata/operations.js';
import type { Client, ClientCallOptions } from './client.js';

export interface TransferOptions extends ClientCallOptions {
  /** `host:port` of the master that is to lead; without it the leader chooses the standby that is nearest to the end. */
  readonly to?: string;
}

export interface Transferred {
  /** `host:port` of the leader before; empty where nobody led. */
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
 * @throws `deadline_exceeded`, `cancelled`: it may have happened.
 */
export async function transferLeader(client: Client, { to = '', ...given }: TransferOptions = {}): Promise<Transferred> {
  const options = { timeoutMs: TIMEOUT_MS, ...given };
  const leader = await client.leader(given.signal === undefined ? {} : { signal: given.signal });
  if (leader === undefined) throw new UnderstudyError('unavailable', 'no master leads now');
  const ask = (address: string) => client.ask(address, operations.transferLeader, { to }, options);
  const { pauseUs, ...told } = await ask(leader.address).catch((error) => {
    // It has moved between the look and the request.
    if (isError(error, 'not_leader') && error.leader !== undefined) return ask(error.leader);
    throw error;
  });
  return { from: told.from, to: told.to, epoch: told.epoch, pauseMs: pauseUs / 1_000 };
}

/** Tells the master at `to` to lead, where nobody does. @throws `failed_precondition`: a leader serves, or this master cannot lead. */
export async function takeLead(client: Client, to: string, given: ClientCallOptions = {}): Promise<Transferred> {
  const { epoch, rpcAddress } = await client.ask(to, operations.takeLead, {}, { timeoutMs: TIMEOUT_MS, ...given });
  return { from: '', to: rpcAddress, epoch, pauseMs: 0 };
}
