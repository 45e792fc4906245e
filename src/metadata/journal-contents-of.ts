/**
 * What an open journal holds, as copies and backups take it: up to what is committed when they have caught up, while its masters go on.
 *
 * `everything`: from the oldest point that is kept, with all checkpoints that the log names by then. `newest checkpoint`: that one, and the
 * log behind it; the whole log where there is none. Collection may overtake either: then what was taken is dropped, and all begins again.
 */
import { isError, UnderstudyError } from '../base/errors.js';
import { epoch, type Sequence, sequence } from '../base/ids.js';
import { NOTHING_RETAINED, type Retention } from '../journal/checkpoints.js';
import { type Batch, endOf, GENESIS, type Journal } from '../journal/journal.js';
import type { EpochPoint, JournalContents } from '../journal/journal-contents.js';
import { type ReadCommittedOptions, readCommitted } from '../journal/read-committed.js';
import { CheckpointReader } from './checkpoint-reader.js';
import { decodeEntry } from './entries.js';
import { retentionOf } from './records.js';
import { asRetention } from './retention.js';

export type Extent = 'everything' | 'newest checkpoint';

/** The log's beginning. */
const ORIGIN: EpochPoint = { epoch: epoch(0), point: GENESIS };

const TRIES = 5;

/** @throws `corrupt`: its newest checkpoint is damaged. @throws `unavailable`. */
export async function contentsOf(journal: Journal, extent: Extent, options: ReadCommittedOptions = {}): Promise<JournalContents> {
  const { signal } = options;
  const published = await journal.checkpoints.published(signal);
  if (extent === 'everything') return new JournalExtent(journal, published.boundary ?? ORIGIN, published, options);
  const [newest] = published.checkpoints;
  if (newest === undefined) return new JournalExtent(journal, ORIGIN, published, options);
  await using reader = await CheckpointReader.open(journal.checkpoints.read(newest, signal));
  const { sn, hash, epoch: ofEpoch } = reader.head;
  const begin: EpochPoint = { epoch: epoch(ofEpoch), point: { sn: sequence(sn), hash } };
  return new JournalExtent(journal, begin, { checkpoints: [newest], boundary: begin }, options, true);
}

/**
 * Runs `take` on fresh contents each time that collection has overtaken it.
 *
 * @param options asked each time. @throws as `take`; the last `out_of_range` or `not_found`.
 */
export async function takeContents<T>(
  journal: Journal,
  extent: Extent,
  take: (contents: JournalContents) => Promise<T>,
  options: () => Promise<ReadCommittedOptions> = () => Promise.resolve({}),
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await take(await contentsOf(journal, extent, await options()));
    } catch (error) {
      const isOvertaken = isError(error, 'out_of_range') || isError(error, 'not_found');
      if (!isOvertaken || tries === TRIES) throw error;
    }
  }
}

class JournalExtent implements JournalContents {
  readonly clusterId: string;
  readonly begin: EpochPoint;
  readonly #journal: Journal;
  readonly #options: ReadCommittedOptions;
  readonly #isFixed: boolean;
  #retention: Retention;

  /** @param isFixed whatever the log says later, only this is taken. */
  constructor(journal: Journal, begin: EpochPoint, retention: Retention, options: ReadCommittedOptions, isFixed = false) {
    this.clusterId = journal.clusterId;
    this.begin = begin;
    this.#journal = journal;
    this.#retention = retention;
    this.#options = options;
    this.#isFixed = isFixed;
  }

  async *batches(): AsyncGenerator<Batch, void, void> {
    // What was published by entries that stand behind the end of this is not part of it.
    const { toSn = 0 } = this.#options;
    let endSn: number = this.begin.point.sn;
    let said: Retention | undefined = this.begin.point.sn === 0 ? NOTHING_RETAINED : undefined;
    for await (const batch of readCommitted(this.#journal, this.begin.point, this.#options)) {
      said = retentionIn(batch) ?? said;
      endSn = endOf(batch).sn;
      yield batch;
    }
    // What is taken has to hold all that was promised, whatever the reader made of the journal's end.
    if (endSn < toSn) throw new UnderstudyError('unavailable', `the journal could not be read to its end: sn=${endSn} end=${toSn}`);
    if (!this.#isFixed && said !== undefined) this.#retention = said;
  }

  retention(): Promise<Retention> {
    return Promise.resolve(this.#retention);
  }

  checkpoint(ref: { readonly sn: Sequence; readonly id: string }): AsyncIterable<Uint8Array> {
    return this.#journal.checkpoints.read(ref, this.#options.signal);
  }
}

/** @returns what the last retention entry of the batch says, if there is one. */
function retentionIn(batch: Batch): Retention | undefined {
  let found: Retention | undefined;
  for (const [at, bytes] of batch.entries.entries()) {
    // One byte tells most entries apart without decoding them: field 15, length-delimited.
    if (!bytes.includes(0x7a)) continue;
    const { retention } = decodeEntry(bytes, batch.firstSn + at);
    if (retention) found = asRetention(retentionOf(retention));
  }
  return found;
}
