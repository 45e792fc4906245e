/**
 * Tells at once when a process is gone: holds a connection to its port and, when that ends, connects again; a *refusal* means that nobody
 * listens there. Silence, a time-out or a reset prove nothing and are only tried again. Never more often than once per `paceMs`.
 */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import { sleep } from '../base/wait.js';
import { isRefusal, type Network } from '../rpc/network.js';
import type { RpcConnection } from '../rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../rpc/rpc-connection.js';

const CONNECT_TIMEOUT_MS = 1_000;

export interface PortProbeDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly network: Network;
}

/** Calls `refused` each time `address` refuses, until `signal` is aborted. Never throws. */
export async function watchPort(
  address: string,
  paceMs: number,
  deps: PortProbeDeps,
  refused: () => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const begunMs = deps.clock.monotonicMs();
    const limit = new AbortController();
    const timer = deps.clock.setTimer(CONNECT_TIMEOUT_MS, () => limit.abort());
    try {
      const connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, address, AbortSignal.any([signal, limit.signal]));
      await ended(connection, signal);
    } catch (error) {
      if (isRefusal(error) && !signal.aborted) refused();
    } finally {
      timer.cancel();
    }
    await sleep(deps.clock, Math.max(0, begunMs + paceMs - deps.clock.monotonicMs()), signal).catch(() => {});
  }
}

/** Until the connection is lost; closes it when `signal` is aborted. */
async function ended(connection: RpcConnection, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const end of [connection.lost, signal]) {
      if (end.aborted) resolve();
      else end.addEventListener('abort', () => resolve(), { once: true });
    }
  });
  await connection.close();
}
