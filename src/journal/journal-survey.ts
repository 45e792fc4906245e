/**
 * The seam for tools that look at a journal as it lies on its storage, sound or damaged: what there is, and what is wrong with it.
 *
 * Looking changes nothing: no claim, no fence, no mark. A live journal goes on meanwhile; what is committed later need not be seen.
 */
import type { Batch, ChainPoint } from './journal.js';

export interface JournalSummary {
  readonly backend: string;
  /** Folder, or bucket and prefix. */
  readonly location: string;
  readonly formatVersion: number;
  readonly clusterId: string;
  readonly incarnationId: string;
  /** As `JournalContents.forkedFrom`; null of what is no fork. */
  readonly forkedFrom: string | null;
  /** The highest that is known to have committed; 0: none. */
  readonly epoch: number;
  /** Committed at least so far. */
  readonly committedSn: number;
  /** Where the last sound batch ends; what lies behind `committed` is the next claimant's to decide. Null where damage hides it. */
  readonly end: ChainPoint | null;
  /** Entries up to here may have been collected. Null: none have. */
  readonly boundary: { readonly epoch: number; readonly sn: number } | null;
  readonly checkpoints: readonly StoredCheckpoint[];
  /** Segments, or objects with a batch; their size where the storage tells. */
  readonly log: { readonly files: number; readonly bytes: number | null };
  /** Epochs that somebody has taken; 0 where the storage does not tell. */
  readonly claims: number;
  /** What could not be told, and why. */
  readonly damage: readonly JournalDamage[];
}

export interface StoredCheckpoint {
  readonly sn: number;
  readonly id: string;
  /** Null: it is not there, though it was published. */
  readonly bytes: number | null;
  /** When it was stored, by the storage's clock, Unix milliseconds; null where that is not told. */
  readonly timeMs: number | null;
  /** The log's leaders have made it known. */
  readonly isPublished: boolean;
}

/** Something that contradicts its checksum, its chain or its neighbours. */
export interface JournalDamage {
  /** What is wrong. */
  readonly what: string;
  readonly file: string;
  readonly offset: number;
  /** The first entry that it concerns; 0: none that can be named. */
  readonly sn: number;
  /** The log is sound again from this entry on; undefined: nothing sound was found behind it, or nothing is missing. */
  readonly soundFrom?: number;
}

export type SurveyStep =
  /** Each follows the one before it, but behind damage. */
  | { readonly kind: 'batch'; readonly batch: Batch; readonly file: string; readonly offset: number }
  | { readonly kind: 'damage'; readonly damage: JournalDamage }
  /** Collection has overtaken the scan, which goes on behind this point. */
  | { readonly kind: 'collected'; readonly to: ChainPoint }
  /** Nothing stands here any more; comes last. Torn: what stands here is a batch that was never completed, as a crash may leave one. */
  | { readonly kind: 'end'; readonly isTorn: boolean; readonly file: string; readonly offset: number };

export interface JournalSurvey extends AsyncDisposable {
  /** Never throws for damage. @throws `unavailable`. */
  summary(): Promise<JournalSummary>;
  /**
   * Yields the log from the oldest point that is kept: what is committed, then what follows it. Goes on behind damage where a sound batch
   * is found. A batch behind `committed` may yet be superseded.
   *
   * @throws `unavailable`. Never for damage.
   */
  scan(signal?: AbortSignal): AsyncGenerator<SurveyStep, void, void>;
}
