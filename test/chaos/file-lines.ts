/** What clients of files did and were told, one line for each call. */
import type { WriteType } from '../../src/cli/understudy.js';

/** A mount point: below it, files may be written through to storage. */
export const FILES_FOLDER = '/files';

export interface FileLine {
  readonly call: 'write' | 'append' | 'read' | 'remove';
  /** Its contents are those that `path` stands for: no name is used twice. */
  readonly path: string;
  /** When it was called, and when answered: milliseconds of the machine's clock. */
  readonly at: number;
  readonly answeredAt: number;
  /** Bytes that were read, and held against what was written. */
  readonly bytes?: number;
  /** Of a write: the length that was acknowledged, or would have been. */
  readonly length?: number;
  /** Of a write. */
  readonly writeType?: WriteType;
  /** Of the file that was made or written to; absent where nothing was acknowledged. */
  readonly id?: number;
  /** What was wrong with what was read; absent where nothing was. */
  readonly wrong?: string;
  /** Why it failed: for people, and the error's code. Absent where it did not. */
  readonly error?: string;
  readonly code?: string;
}
