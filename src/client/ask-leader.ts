/** Asks the leader for what nobody else does. */
import { isError, UnderstudyError } from '../base/errors.js';
import type { Control } from '../metadata/operation.js';
import type { Client, ClientCallOptions } from './client.js';

/**
 * Resolves with its answer, or that of the master which it names as the leader: the lead may have moved between the look and the request.
 *
 * @throws `unavailable`: nobody leads now. @throws `not_leader`: the lead moved once more; nothing was done.
 */
export async function askLeader<Q, QS, R, RS>(
  client: Client,
  operation: Control<Q, QS, R, RS>,
  request: QS,
  options: ClientCallOptions,
): Promise<R> {
  const leader = await client.leader(options.signal === undefined ? {} : { signal: options.signal });
  if (leader === undefined) throw new UnderstudyError('unavailable', 'no master leads now');
  return await client.ask(leader.address, operation, request, options).catch((error) => {
    if (isError(error, 'not_leader') && error.leader !== undefined) return client.ask(error.leader, operation, request, options);
    throw error;
  });
}
