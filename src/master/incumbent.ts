/** Asks a leader whether it still serves: what an elected standby does before it supersedes one. */

import type { Clock } from '../base/clock.js';
import { encodeMessage } from '../base/encode-message.js';
import type { Log } from '../base/log.js';
import { operations } from '../metadata/operations.js';
import type { Network } from '../rpc/network.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../rpc/rpc-connection.js';

const ANSWER_MS = 200;

export interface IncumbentDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly network: Network;
}

/**
 * @returns whether the master at `address` says within 200 ms that it leads that epoch, or a later one, and can write; the journal has confirmed it then.
 */
export async function findIncumbent(
  deps: IncumbentDeps,
  { address, epoch }: { readonly address: string; readonly epoch: number },
  signal: AbortSignal,
): Promise<boolean> {
  const limit = new AbortController();
  const timer = deps.clock.setTimer(ANSWER_MS, () => limit.abort());
  const either = AbortSignal.any([signal, limit.signal]);
  try {
    await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, address, either);
    const { masterStatus } = operations;
    const body = await connection.call(masterStatus.method, encodeMessage(masterStatus.request, {}), {
      timeoutMs: ANSWER_MS,
      signal: either,
    });
    const status = masterStatus.response.decode(body);
    return status.state === 'ACTIVE' && status.epoch >= epoch && status.reason === '';
  } catch {
    return false;
  } finally {
    timer.cancel();
  }
}
