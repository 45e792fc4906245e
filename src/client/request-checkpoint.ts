/** Has the leader make a checkpoint, by an operator's will. */
import { isError, UnderstudyError } from '../base/errors.js';
import { operations } from '../metadata/operations.js';
import type { Client, ClientCallOptions } from './client.js';

export interface RequestedCheckpoint {
  /** Last entry that it holds. */
  readonly sn: number;
  /** 32 hexadecimal digits: with `sn`, its name. */
  readonly id: string;
  /** Size of the file. */
  readonly bytes: number;
  /** Leader's time when it was published, Unix milliseconds. */
  readonly publishedMs: number;
  /** `host:port` of the master that made it, and how long that took; null where there was one of all this already. */
  readonly made: { readonly maker: string; readonly tookMs: number } | null;
}

/** It may be a large one. A leader that is gone is noticed much sooner. */
const TIMEOUT_MS = 24 * 3_600_000;

/**
 * Resolves with the newest checkpoint, once that holds all that was there when this was called.
 *
 * @throws `unavailable`: nobody leads now, or nobody can make one. @throws `not_leader`: the lead moved meanwhile; ask again.
 * @throws `deadline_exceeded`, `cancelled`: it may come about yet.
 */
export async function requestCheckpoint(client: Client, given: ClientCallOptions = {}): Promise<RequestedCheckpoint> {
  const leader = await client.leader(given.signal === undefined ? {} : { signal: given.signal });
  if (leader === undefined) throw new UnderstudyError('unavailable', 'no master leads now');
  const ask = (address: string) => client.ask(address, operations.checkpoint, {}, { timeoutMs: TIMEOUT_MS, ...given });
  const { checkpoint, made, maker, tookMs } = await ask(leader.address).catch((error) => {
    // It has moved between the look and the request.
    if (isError(error, 'not_leader') && error.leader !== undefined) return ask(error.leader);
    throw error;
  });
  const { sn = 0, id = new Uint8Array(0), bytes = 0, madeMs = 0 } = checkpoint ?? {};
  const name = { sn: sn ?? 0, id: Buffer.from(id ?? []).toString('hex') };
  return { ...name, bytes: bytes ?? 0, publishedMs: madeMs ?? 0, made: made ? { maker, tookMs } : null };
}
