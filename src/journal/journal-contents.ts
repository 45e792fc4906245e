/**
 * What a journal holds, as copies, backups and restores carry it from one place to another: batches as they were sealed, and checkpoints.
 *
 * Each storage writes it in its own way (directory-import.ts, object-import.ts, backup-folder.ts), and only what is whole is ever a journal.
 */
import type { Epoch } from '../base/ids.js';
import type { CheckpointRef, Retention } from './checkpoints.js';
import type { Batch, ChainPoint } from './journal.js';

/** A batch's end, and the epoch of that batch. */
export interface EpochPoint {
  readonly epoch: Epoch;
  readonly point: ChainPoint;
}

export interface JournalContents {
  readonly clusterId: string;
  /** Of a fork: the cluster and the entry that it was made at, `<cluster id>@<sn>`, for people. */
  readonly forkedFrom?: string | undefined;
  /** The first batch follows this one; epoch 0: it is the first of all. */
  readonly begin: EpochPoint;
  /** Yields them in order, once. @throws `corrupt`, `unavailable`; `out_of_range`: collected meanwhile. */
  batches(): AsyncIterable<Batch>;
  /** What is kept: asked once all batches were taken. Where something was collected, there is a boundary, at or above `begin`. */
  retention(): Promise<Retention>;
  /** The bytes of a checkpoint that `retention` lists. @throws `not_found`: collected meanwhile. */
  checkpoint(ref: CheckpointRef): AsyncIterable<Uint8Array>;
}
