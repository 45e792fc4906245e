/**
 * A journal's entries one by one, described. With a replay under it, places are told as paths: as each entry found them.
 *
 * Memory is that of one batch (and of the replay). An entry that this version cannot read is told as bytes, never left out.
 */
import { asError, type UnderstudyError } from '../base/errors.js';
import { sequence } from '../base/ids.js';
import type { Batch, ChainPoint, Journal } from '../journal/journal.js';
import { readCommitted } from '../journal/read-committed.js';
import { concerns, describeEntry, type EntryDescription, type PlainValue, pathOf, plainOf } from './describe-entry.js';
import { decodeEntry, type Entry } from './entries.js';
import { withoutMountSecrets } from './mount-secrets.js';
import type { Replay } from './replay.js';
import type { State } from './state.js';

export interface DumpedEntry extends Omit<EntryDescription, 'places'> {
  readonly sn: number;
  readonly epoch: number;
  /** First sn of the batch that it is in. */
  readonly batchSn: number;
  /** Unix milliseconds. */
  readonly timeMs: number;
  /** A place whose directory is not known begins with its number: `<12>/name`. */
  readonly paths: readonly string[];
  /** The whole entry, as it was decoded, but for secrets. */
  readonly entry: { readonly [name: string]: PlainValue };
}

export interface DumpRequest {
  /** The end of some batch. */
  readonly from: ChainPoint;
  /** Entries below are passed over; those behind `toSn` end the dump. */
  readonly fromSn: number;
  readonly toSn: number;
  /** Only entries that concern this path: needs a replay. */
  readonly path?: string;
  readonly signal?: AbortSignal;
}

export interface DumpDeps {
  /** Stands at `from`. Without it, or once it fails, directories are told by number. */
  readonly replay?: Replay;
  /** The replay cannot go on behind `sn`. */
  unresolved?(error: UnderstudyError, sn: number): void;
}

/** Yields the committed entries in order. @throws as `readCommitted`. */
export async function* dumpEntries(journal: Journal, request: DumpRequest, deps: DumpDeps = {}): AsyncGenerator<DumpedEntry, void, void> {
  const { fromSn, toSn, path } = request;
  let { replay } = deps;
  for await (const batch of readCommitted(journal, request.from, request)) {
    if (batch.firstSn > toSn) return;
    let described: DumpedEntry[] = [];
    try {
      await replay?.apply(batch, (entry, sn) => described.push(dumped(batch, sn, entry, replay?.state)));
    } catch (error) {
      deps.unresolved?.(asError(error, 'corrupt'), batch.firstSn + described.length - 1);
      replay = undefined;
    }
    // What a replay has described before it failed holds still.
    if (replay === undefined) described = [...described, ...unresolvedEntries(batch).slice(described.length)];
    for (const entry of described) {
      if (entry.sn < fromSn || entry.sn > toSn) continue;
      if (path === undefined || entry.paths.some((place) => concerns(entry.kind, place, path))) yield entry;
    }
  }
}

function unresolvedEntries(batch: Batch): DumpedEntry[] {
  return batch.entries.map((bytes, at) => {
    const sn = sequence(batch.firstSn + at);
    try {
      return dumped(batch, sn, decodeEntry(bytes, sn), undefined);
    } catch (error) {
      const fields = { error: asError(error).message, bytes: Buffer.from(bytes).toString('hex') };
      const { epoch, firstSn: batchSn, timeMs } = batch;
      return { sn, epoch, batchSn, timeMs, kind: 'unreadable', paths: [], fields, call: null, entry: fields };
    }
  });
}

function dumped(batch: Batch, sn: number, whole: Entry, state: State | undefined): DumpedEntry {
  const entry = withoutMountSecrets(whole);
  const { places, ...description } = describeEntry(entry);
  const paths = places.map((place) => pathOf(place, state));
  return {
    sn,
    epoch: batch.epoch,
    batchSn: batch.firstSn,
    timeMs: entry.timeMs ?? batch.timeMs,
    ...description,
    paths,
    entry: plainOf(entry),
  };
}
