/**
 * What a restored journal is to hold: a backup's contents up to a point in time, and then two entries of the restore's own: a claim, by which
 * the log shows that it was restored, in an epoch above all that the backup knew of; and a retention, which names the checkpoints that are there.
 *
 * Any entry is such a point, for each operation is one entry. Where it lies inside a batch, that batch is sealed anew with its first entries:
 * from there on the chain is another than that of the original, as it has to be.
 */
import { UnderstudyError } from '../base/errors.js';
import { epoch } from '../base/ids.js';
import type { CheckpointRef, Retention } from '../journal/checkpoints.js';
import { type Batch, type ChainPoint, endOf } from '../journal/journal.js';
import type { EpochPoint, JournalContents } from '../journal/journal-contents.js';
import { type CarriedCheckpoint, closingBatches, cutBatch, retentionOf } from './closing-batches.js';
import { decodeEntry, type Entry } from './entries.js';

/** The last entry that counts: by number, or the last one that is not later than a time (Unix milliseconds). */
export type Until = { readonly sn: number } | { readonly timeMs: number } | 'end';

export interface Restore {
  readonly until: Until;
  /** The highest epoch that the original is known to have had. */
  readonly epochHighest: number;
  /** Who restores, for the claim. */
  readonly claim: { readonly host: string; readonly owner: string; readonly group: string };
  readonly nowMs: number;
  /** 16 random bytes. */
  readonly writerId: Uint8Array;
  /** Of the checkpoint that the contents begin with. */
  readonly checkpoint: CarriedCheckpoint | null;
}

export class RestoredContents implements JournalContents {
  readonly clusterId: string;
  readonly begin: EpochPoint;
  readonly #contents: JournalContents;
  readonly #restore: Restore;
  /** The last batch that was taken over. */
  #end: { readonly point: ChainPoint; readonly epoch: number; readonly timeMs: number };

  constructor(contents: JournalContents, restore: Restore) {
    this.clusterId = contents.clusterId;
    this.begin = contents.begin;
    this.#contents = contents;
    this.#restore = restore;
    this.#end = { ...contents.begin, timeMs: restore.checkpoint?.head.timeMs ?? 0 };
  }

  /** The last entry of the original that counts, once all batches were taken. */
  get restoredSn(): number {
    return this.#end.point.sn;
  }

  /** @throws `out_of_range`: the contents end before `until`, or begin behind it. */
  async *batches(): AsyncGenerator<Batch, void, void> {
    this.#checkBegin();
    for await (const batch of this.#contents.batches()) {
      const count = this.#countIn(batch);
      if (count === 0) break;
      const kept = count === batch.entries.length ? batch : cutBatch(batch, count);
      this.#end = { point: endOf(kept), epoch: kept.epoch, timeMs: kept.timeMs };
      yield kept;
      if (count < batch.entries.length || this.#isReached()) break;
    }
    this.#checkEnd();
    yield* this.#closing();
  }

  async retention(): Promise<Retention> {
    const { checkpoint } = this.#restore;
    if (checkpoint === null) return { checkpoints: [], boundary: null };
    const { checkpoints, boundary } = await this.#contents.retention();
    return { checkpoints: checkpoints.filter(({ id }) => id === checkpoint.id), boundary };
  }

  checkpoint(ref: CheckpointRef): AsyncIterable<Uint8Array> {
    return this.#contents.checkpoint(ref);
  }

  /** @returns how many of the batch's entries count. */
  #countIn(batch: Batch): number {
    const { until } = this.#restore;
    if (until === 'end') return batch.entries.length;
    if ('sn' in until) return Math.min(batch.entries.length, until.sn - batch.firstSn + 1);
    const late = batch.entries.findIndex((bytes, at) => (decodeEntry(bytes, batch.firstSn + at).timeMs ?? 0) > until.timeMs);
    return late === -1 ? batch.entries.length : late;
  }

  #isReached(): boolean {
    const { until } = this.#restore;
    return until !== 'end' && 'sn' in until && this.#end.point.sn >= until.sn;
  }

  #checkBegin(): void {
    const { until } = this.#restore;
    if (until === 'end') return;
    const { point } = this.begin;
    if ('sn' in until ? until.sn >= point.sn : until.timeMs >= this.#end.timeMs) return;
    const asked = 'sn' in until ? `until=${until.sn}` : `until=${new Date(until.timeMs).toISOString()}`;
    const has = `begins=${point.sn} at=${new Date(this.#end.timeMs).toISOString()}`;
    throw new UnderstudyError('out_of_range', `the backup begins later: take an earlier one: ${asked} ${has}`);
  }

  #checkEnd(): void {
    const { until } = this.#restore;
    if (until === 'end' || !('sn' in until) || this.#end.point.sn >= until.sn) return;
    throw new UnderstudyError('out_of_range', `the backup ends earlier: until=${until.sn} ends=${this.#end.point.sn}`);
  }

  *#closing(): Generator<Batch, void, void> {
    const { claim, checkpoint, epochHighest, nowMs, writerId } = this.#restore;
    const timeMs = Math.max(Math.floor(nowMs), this.#end.timeMs);
    const claimed = epoch(Math.max(this.#end.epoch, epochHighest) + 1);
    const retention = checkpoint === null ? {} : retentionOf(this.begin, checkpoint, timeMs);
    const entries: Entry[] = [{ claim: { epoch: claimed, ...claim } }, { retention }];
    yield* closingBatches(this.#end.point, entries, { epoch: claimed, writerId, timeMs });
  }
}
