/** Asks a leader whether it still serves: what an elected standby does before it supersedes one. */

import type { Clock } from '../base/clock.js';
import { encodeMessage } from '../base/encode-message.js';
import type { Log } from '../base/log.js';
import type { Journal } from '../journal/journal.js';
import { operations } from '../metadata/operations.js';
import type { Network } from '../rpc/network.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../rpc/rpc-connection.js';

const ANSWER_MS = 200;
/** The lead may have moved on while a standby looked: so many masters are asked, each named by the one before it. */
const ASKED_MAX = 3;

export interface IncumbentDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly network: Network;
  readonly journal: Pick<Journal, 'incarnationId'>;
}

/** A leader, as far as is known. */
export interface Incumbent {
  readonly address: string;
  readonly epoch: number;
}

/**
 * @returns the master that says within 200 ms that it leads the epoch of `known`, or a later one, and can write; the journal has confirmed it
 *   then. `known` is asked first; where it has handed the lead over it says to whom. Null where none says so.
 */
export async function findIncumbent(
  deps: IncumbentDeps,
  known: Incumbent,
  ownAddress: string,
  signal: AbortSignal,
): Promise<Incumbent | null> {
  const leading = await findLeading(deps, known.address, ownAddress, signal);
  return leading?.serves && leading.epoch >= known.epoch ? { address: leading.rpcAddress, epoch: leading.epoch } : null;
}

/** @returns what the first master says that leads, as far as the journal can tell it: `address`, or who it says leads instead; each is asked for 200 ms. */
export async function findLeading(deps: IncumbentDeps, address: string, ownAddress: string, signal: AbortSignal) {
  let asked = address;
  for (let count = 0; count < ASKED_MAX && asked !== '' && asked !== ownAddress; count++) {
    const status = await askStatus(deps, asked, signal);
    // The masters of a journal that this one is a copy of lead nothing here.
    if (status === null || status.incarnationId !== deps.journal.incarnationId) return null;
    if (status.state === 'ACTIVE') return { ...status, rpcAddress: asked };
    asked = status.leader === asked ? '' : status.leader;
  }
  return null;
}

async function askStatus(deps: IncumbentDeps, address: string, signal: AbortSignal) {
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
    return masterStatus.response.decode(body);
  } catch {
    return null;
  } finally {
    timer.cancel();
  }
}
