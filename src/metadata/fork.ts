/**
 * A fork: a cluster whose namespace began as a copy of another one's, to try on it what must not go wrong there. One row of the state (`s` `fork`).
 *
 * It shares the other cluster's mounted storage, to which only one of them may write: so all mounts of a fork are read-only, for good.
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import type { RecordCodec } from './records.js';
import { decodeStrictly } from './strict.js';

export interface Fork {
  /** Of the cluster that it was made of. */
  readonly clusterId: string;
  /** The last entry of that cluster's journal that is in it. */
  readonly sn: number;
  /** Unix milliseconds. */
  readonly forkedMs: number;
}

export const forkCodec: RecordCodec<Fork> = {
  encode: (fork) => encodeMessage(understudy.Fork, { ...fork }),
  decode: (bytes) => forkOf(decodeStrictly(understudy.Fork, bytes, 'fork')),
};

export function forkOf({ clusterId, sn, forkedMs }: understudy.Fork.$Properties): Fork {
  return { clusterId: clusterId ?? '', sn: sn ?? 0, forkedMs: forkedMs ?? 0 };
}

/** @returns `key=value key=value`, for messages. */
export function forkedFrom({ clusterId, sn }: Fork): string {
  return `forked_from=${clusterId} at=${sn}`;
}
