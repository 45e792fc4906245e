/**
 * The journal seam: one totally ordered, durable log of entries, shared by all masters, that decides by itself who may write.
 *
 * Holding a `JournalWriter` *is* the proof of having fenced every earlier epoch: there is no other way to get one than `claim`.
 * Entries are opaque bytes here. A batch is the unit of writing, of checksum and of atomicity; batches form one hash chain.
 * Every implementation passes test/contract/journal-contract.ts.
 */
import type { Epoch, Sequence } from '../base/ids.js';
import type { Checkpoints, Retention } from './checkpoints.js';

/** A place between two batches: after the batch that ends at `sn`, whose hash is `hash`. */
export interface ChainPoint {
  readonly sn: Sequence;
  /** 32 bytes, SHA-256 of that batch (header and entries). */
  readonly hash: Uint8Array;
}

/** Before the first batch. */
export const GENESIS: ChainPoint = { sn: 0 as Sequence, hash: new Uint8Array(32) };

/** The entries of one group commit, as they stand in the journal. The arrays are the receiver's to keep, and nobody's to change. */
export interface Batch {
  readonly epoch: Epoch;
  /** Sequence of the first entry; the others follow without a gap. */
  readonly firstSn: Sequence;
  readonly entries: readonly Uint8Array[];
  readonly previousHash: Uint8Array;
  readonly hash: Uint8Array;
  /** Leader's time when it was sealed, Unix milliseconds. */
  readonly timeMs: number;
  /** All of it as it was sealed (batch-format.ts), which `hash` is the SHA-256 of. The entries are parts of it. */
  readonly sealed: Uint8Array;
}

/** @returns where the chain stands after `batch`. */
export function endOf(batch: Batch): ChainPoint {
  return { sn: (batch.firstSn + batch.entries.length - 1) as Sequence, hash: batch.hash };
}

export interface ClaimRequest {
  /** The last batch that the claimant has applied. */
  readonly from: ChainPoint;
  /** Makes the one entry of the claim batch, once the epoch is known. Its time is not to be less than `notBeforeMs`, the last adopted batch's. */
  entry(epoch: Epoch, notBeforeMs: number): { bytes: Uint8Array; timeMs: number };
  /**
   * Called for each batch behind `from` in order, one at a time, the claim batch included and last, before `claim` returns.
   * A throw gives the claim up with that error.
   */
  deliver(batch: Batch): void | Promise<void>;
  readonly signal?: AbortSignal;
}

export interface ReadRequest {
  /** Reading begins behind this batch. */
  readonly from: ChainPoint;
  readonly signal: AbortSignal;
  /**
   * Called each time the reader has found nothing more that is committed: everything known to be committed when the look began has been
   * yielded. A standby is caught up then.
   */
  onIdle?(): void;
}

export interface Journal extends AsyncDisposable {
  readonly clusterId: string;
  /** New after a restore: state made from another incarnation has to be rebuilt. */
  readonly incarnationId: string;
  /** Bytes that one batch may have at most, header included. */
  readonly batchBytesMax: number;
  readonly checkpoints: Checkpoints;

  /**
   * Starts a new epoch: fences all earlier ones, adopts what they left, appends a claim batch. One claim at a time.
   *
   * @throws `fenced`: a later claimant came first; claim again if still elected.
   * @throws `unavailable`, `outcome_unknown`: the storage does not take writes now; claim again later.
   * @throws `corrupt`, `diverged`, `out_of_range`: as `read`.
   */
  claim(request: ClaimRequest): Promise<JournalWriter>;

  /**
   * Yields the committed batches behind `from` in order, then waits for more, until `signal` is aborted (it then ends without an error).
   *
   * @throws `diverged`: `from` is not on the chain.
   * @throws `corrupt`: damage; names file, offset and sn. Nothing is skipped.
   * @throws `out_of_range`: what follows `from` has been collected; begin again from a checkpoint.
   * @throws `unavailable`: the storage did not answer, after bounded retries.
   */
  read(request: ReadRequest): AsyncIterable<Batch>;

  /** Ends readers and the writer, waits for what is in flight. Idempotent. */
  close(): Promise<void>;
}

export interface AppendOptions {
  /** Also where free space is below the reserve: for what makes room again, or must not wait for it (removes, checkpoints). Default false. */
  readonly mayUseReserve?: boolean;
}

/** The end of a batch that was appended. */
export interface Appended extends ChainPoint {
  /** The batch as it was sealed. The writer's again with its next append: copy what is kept. */
  readonly sealed: Uint8Array;
}

export interface JournalWriter extends AsyncDisposable {
  readonly epoch: Epoch;
  /** Where the chain stands: the last batch that is known to be committed. After `claim`, its claim batch. */
  readonly end: ChainPoint;
  /** Aborted with the error as its reason once this writer can never append again: fenced, failed, or closed. Leadership is this signal. */
  readonly dead: AbortSignal;

  /**
   * Appends one batch. Resolves when it is committed, with its end. One append at a time: the caller groups what arrives meanwhile.
   *
   * @throws `fenced`: a later epoch exists; nothing was acknowledged, its fate is the successor's to decide.
   * @throws `outcome_unknown`: the storage failed; the entries may be in the journal.
   * @throws `resource_exhausted`: larger than `batchBytesMax`; nothing was written, and the writer lives on.
   * @throws `unavailable`: refused before anything was written (free space below the reserve, no room for a segment); the writer lives on.
   */
  append(entries: readonly Uint8Array[], timeMs: number, options?: AppendOptions): Promise<Appended>;

  /**
   * Resolves if no later epoch had superseded this one when the call began. Goes on working after a failed append.
   *
   * @throws `fenced`: superseded. @throws `unavailable`: the storage did not answer.
   * @throws `outcome_unknown`: not superseded, but a failed append of this writer stands in the journal after all, and has to be applied by a claim.
   */
  confirm(): Promise<void>;

  /**
   * Makes a retention known to masters that have nothing yet (`Checkpoints.published`), also by whoever leads next; then deletes what it no
   * longer needs of log and checkpoints, a bounded number of files at a time and beside the appends. Resolves when both are done. To be called
   * once the entry that holds this retention has committed: by the leader that journaled it, and by each new one with the newest that it found.
   * Harmless to repeat; one with a lower boundary than is known does nothing. One at a time. Stops when the writer dies; what is left to delete, a later call deletes.
   *
   * @throws `fenced`: superseded; whatever was deleted, its successors know why. @throws `unavailable`: the storage failed.
   * @throws `invalid_argument`: the boundary is past what a listed checkpoint needs, or past the end; nothing was done.
   */
  retain(retention: Retention): Promise<void>;

  /** Waits for what is in flight; does not release anything: only another claim ends an epoch. Idempotent. */
  close(): Promise<void>;
}
