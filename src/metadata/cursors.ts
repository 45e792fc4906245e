/**
 * Rows `f`: how far named readers of the change feed have come. Whoever acts on the namespace's changes keeps its place here, and goes on
 * from it after a restart, at any master.
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import type { RecordCodec } from './records.js';
import { decodeStrictly } from './strict.js';

export interface Cursor {
  readonly name: string;
  /** What it watches. */
  readonly path: string;
  /** Entries up to here are done with. */
  readonly sn: number;
  /** Leader's time, Unix milliseconds. */
  readonly movedMs: number;
}

export const cursorCodec: RecordCodec<Cursor> = {
  encode: (value) => encodeMessage(understudy.Cursor, value),
  decode: (bytes) => cursorOf(decodeStrictly(understudy.Cursor, bytes, 'cursor')),
};

/** Names of all cursors, in byte order. */
export const cursorNamesCodec: RecordCodec<readonly string[]> = {
  encode: (names) => encodeMessage(understudy.CursorNames, { names: [...names] }),
  decode: (bytes) => decodeStrictly(understudy.CursorNames, bytes, 'cursor names').names,
};

export function cursorOf(message: understudy.Cursor.$Properties): Cursor {
  return { name: message.name ?? '', path: message.path ?? '', sn: message.sn ?? 0, movedMs: message.movedMs ?? 0 };
}
