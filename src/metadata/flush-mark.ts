/**
 * What one flush of the write-behind made durable, as a row of the store; the newest ones stand in a ring as well.
 *
 * LevelDB can lose writes out of the middle of its log after damage, without an error. Every flush writes its mark into the ring, so a
 * lost one leaves a gap there, which is noticed when the store is opened.
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import { UnderstudyError } from '../base/errors.js';
import type { KvStore } from '../kv/kv-store.js';
import type { Digest } from './digest.js';
import { APPLIED_KEY, LOADING_KEY, RING_SLOTS, ringKey } from './keys.js';
import { decodeStrictly } from './strict.js';

export interface FlushMark {
  /** Number of the flush, from 1; 0 for an empty store. */
  readonly flush: number;
  readonly sn: number;
  /** Hash of the journal batch that ends at `sn`. */
  readonly hash: Uint8Array;
  readonly digest: Digest;
  readonly epoch: number;
  readonly timeMs: number;
  readonly leaderAddress: string;
}

/** Which journal a store follows. */
export interface JournalIdentity {
  readonly clusterId: string;
  readonly incarnationId: string;
}

const EMPTY_MARK: FlushMark = {
  flush: 0,
  sn: 0,
  hash: new Uint8Array(32),
  digest: { low: 0, high: 0 },
  epoch: 0,
  timeMs: 0,
  leaderAddress: '',
};

/** @returns the rows that make `mark` durable together with the flush's own. */
export function markRows(mark: FlushMark, identity: JournalIdentity): { type: 'put'; key: Uint8Array; value: Uint8Array }[] {
  const { flush, sn, hash, digest, epoch, timeMs, leaderAddress } = mark;
  const row = {
    flush,
    sn,
    hash,
    digestLow: digest.low,
    digestHigh: digest.high,
    epoch,
    timeMs,
    leaderAddress,
    clusterId: identity.clusterId,
    incarnationId: identity.incarnationId,
  };
  const value = encodeMessage(understudy.FlushMark, row);
  return [APPLIED_KEY, ringKey(flush)].map((key) => ({ type: 'put', key, value }));
}

/**
 * Reads where an existing store stands.
 *
 * @throws `failed_precondition`: it belongs to another cluster. @throws `diverged`: to another incarnation of this one.
 * @throws `corrupt`: its marks do not fit together.
 */
export function readMark(kv: KvStore, identity: JournalIdentity): FlushMark {
  const row = markAt(kv, APPLIED_KEY);
  if (kv.get(LOADING_KEY) !== undefined) throw new UnderstudyError('corrupt', 'the metastore is not loaded to its end');
  if (row === null) return EMPTY_MARK;
  if (row.clusterId !== identity.clusterId) {
    throw new UnderstudyError(
      'failed_precondition',
      `the metastore belongs to another cluster: its=${row.clusterId} journal=${identity.clusterId}`,
    );
  }
  if (row.incarnationId !== identity.incarnationId) {
    throw new UnderstudyError(
      'diverged',
      `the metastore was made before the journal was restored: its=${row.incarnationId} journal=${identity.incarnationId}`,
    );
  }
  if (row.flush < 1) throw new UnderstudyError('corrupt', 'the metastore has a mark of no flush');
  for (let flush = Math.max(1, row.flush - RING_SLOTS + 1); flush <= row.flush; flush++) {
    if (markAt(kv, ringKey(flush))?.flush !== flush)
      throw new UnderstudyError('corrupt', `the metastore has lost writes: flush=${flush} of=${row.flush}`);
  }
  const { flush, sn, hash, epoch, timeMs, leaderAddress } = row;
  return { flush, sn, hash: Uint8Array.from(hash), digest: { low: row.digestLow, high: row.digestHigh }, epoch, timeMs, leaderAddress };
}

function markAt(kv: KvStore, key: Uint8Array): understudy.FlushMark | null {
  const bytes = kv.get(key);
  if (bytes === undefined) return null;
  return decodeStrictly(understudy.FlushMark, bytes, 'flush mark');
}
