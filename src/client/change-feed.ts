/**
 * The change feed of the namespace, and the cursors that readers of it keep at the masters.
 *
 * Every committed entry that concerns a path comes exactly once and in order, whatever becomes of single masters: where one fails, another
 * goes on behind the last event that came.
 */
import type { understudy } from '#proto/understudy.js';
import { operations } from '../metadata/operations.js';
import type { Client, ClientCallOptions } from './client.js';

export interface WatchOptions extends ClientCallOptions {
  /** How long no master may answer: a watch itself ends only by an error, the signal, or when its loop is left. */
  readonly timeoutMs?: number;
  /** The first entry of interest: one above the `sn` of an earlier answer or event. What comes from now on unless given. */
  readonly fromSn?: number;
  /** Instead: behind where this cursor stands. */
  readonly cursor?: string;
}

export interface ChangeEvent {
  readonly sn: number;
  /** Of an entry that is several changes, from 0. */
  readonly step: number;
  /** Leader's time, Unix milliseconds. */
  readonly timeMs: number;
  /** As in proto/journal.proto: `createFile`, `rename` … */
  readonly kind: string;
  readonly path: string;
  /** Where to, of a rename; else empty. */
  readonly toPath: string;
  /** The JournalEntry of proto/journal.proto, encoded. */
  readonly entry: Uint8Array;
}

export interface ChangeBatch {
  readonly events: readonly ChangeEvent[];
  /** All entries up to here were looked at: where a cursor may stand once the events are done with. */
  readonly throughSn: number;
}

/** How far a named reader of the change feed has come. */
export interface Cursor {
  readonly name: string;
  /** What it watches. */
  readonly path: string;
  /** Entries up to here are done with. */
  readonly sn: number;
  /** Leader's time when it was moved last. */
  readonly movedMs: number;
}

/** @throws `out_of_range`: the journal does not go back so far. */
export async function* watchBatches(client: Client, path: string, options: WatchOptions): AsyncGenerator<ChangeBatch, void, undefined> {
  const { fromSn = 0, cursor = '', ...call } = options;
  let next = fromSn;
  let seen = { sn: 0, step: 0 };
  const rest = () => (next === 0 && cursor !== '' ? { path, cursor } : { path, fromSn: next });
  for await (const { events, throughSn } of client.follow(operations.watch, rest, call)) {
    const fresh = events.map(changeEvent).filter(({ sn, step }) => sn > seen.sn || (sn === seen.sn && step > seen.step));
    const last = fresh.at(-1);
    if (last !== undefined) seen = { sn: last.sn, step: last.step };
    if (throughSn > 0) next = throughSn + 1;
    yield { events: fresh, throughSn };
  }
}

export function cursorOf({ name, path, sn, movedMs }: understudy.Cursor.$Properties): Cursor {
  return { name: name ?? '', path: path ?? '', sn: sn ?? 0, movedMs: movedMs ?? 0 };
}

function changeEvent(event: understudy.ChangeEvent.$Properties): ChangeEvent {
  const { sn, step, timeMs, kind, path, toPath, entry } = event;
  return {
    sn: sn ?? 0,
    step: step ?? 0,
    timeMs: timeMs ?? 0,
    kind: kind ?? '',
    path: path ?? '',
    toPath: toPath ?? '',
    entry: entry ?? new Uint8Array(),
  };
}
