/**
 * Tells at once when a process is gone: holds a connection to its port and, when that ends, connects again; a *refusal* means that nobody
 * listens there. Silence, a time-out or a reset prove nothing and are only tried again. Never more often than once per `paceMs`.
 */
import type { Clock } from '../base/clock.js';
import { orAborted, sleep } from '../base/wait.js';
import type { ByteStream, Network } from '../rpc/network.js';

const CONNECT_TIMEOUT_MS = 1_000;

export interface PortProbeDeps {
  readonly clock: Clock;
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
      const stream = await deps.network.connect(address, AbortSignal.any([signal, limit.signal]));
      await ended(stream, signal);
    } catch (error) {
      if (isRefusal(error) && !signal.aborted) refused();
    } finally {
      timer.cancel();
    }
    await sleep(deps.clock, Math.max(0, begunMs + paceMs - deps.clock.monotonicMs()), signal).catch(() => {});
  }
}

/** Until the other side closes it; closes it when `signal` is aborted. */
async function ended(stream: ByteStream, signal: AbortSignal): Promise<void> {
  const closed = new Promise<void>((resolve) => stream.listen({ data() {}, drained() {}, closed: () => resolve() }));
  await orAborted(closed, signal).finally(() => stream.destroy());
}

function isRefusal(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
