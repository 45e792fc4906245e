/**
 * The batches that a tool adds of its own where it makes a journal out of another one's contents: behind what it took over, in an epoch above
 * all that those had.
 */
import type { understudy } from '#proto/understudy.js';
import { type BatchHeader, sealBatch, storedBatch } from '../journal/batch-format.js';
import { type Batch, type ChainPoint, endOf } from '../journal/journal.js';
import type { EpochPoint } from '../journal/journal-contents.js';
import type { CheckpointHead } from './checkpoint-format.js';
import { type Entry, encodeEntry } from './entries.js';

/** A checkpoint that contents begin with. */
export interface CarriedCheckpoint {
  readonly head: CheckpointHead;
  readonly id: string;
  readonly bytes: number;
}

/** @param entries without a time: each is a batch of its own, and a claim the first. */
export function* closingBatches(
  behind: ChainPoint,
  entries: readonly Entry[],
  header: Pick<BatchHeader, 'epoch' | 'writerId' | 'timeMs'>,
): Generator<Batch> {
  let previous = behind;
  for (const entry of entries) {
    const bytes = encodeEntry({ timeMs: header.timeMs, ...entry });
    const { batch } = sealBatch({ ...header, previous, committedSn: previous.sn }, [bytes]);
    previous = endOf(batch);
    yield batch;
  }
}

/** @returns the entry's body: only the checkpoint that the contents begin with is there. */
export function retentionOf(begin: EpochPoint, { head, id, bytes }: CarriedCheckpoint, madeMs: number): understudy.Retention.$Properties {
  const record = { sn: head.sn, hash: head.hash, id: Buffer.from(id, 'hex'), epoch: head.epoch, bytes, madeMs };
  return { checkpoints: [record], boundaryEpoch: begin.epoch, boundarySn: begin.point.sn, boundaryHash: begin.point.hash };
}

/** @returns a batch of the first `count` entries, in all else as the original. */
export function cutBatch(batch: Batch, count: number): Batch {
  const { writerId, committedSn } = storedBatch(batch.sealed);
  const previous: ChainPoint = { sn: (batch.firstSn - 1) as ChainPoint['sn'], hash: batch.previousHash };
  const header: BatchHeader = { epoch: batch.epoch, writerId, previous, committedSn, timeMs: batch.timeMs };
  return sealBatch(header, batch.entries.slice(0, count)).batch;
}
