/**
 * What is below a directory, at all depths: kept with each change for every directory, so that quotas and summaries cost one look.
 *
 * A change walks up to the root once. Those rows are hot and are written once per generation; nothing of it stands in the journal.
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import type { Inode, RecordCodec } from './records.js';
import { decodeStrictly } from './strict.js';
import { sumMessage, sumOf } from './sum.js';

export interface Usage {
  readonly files: number;
  /** Itself not counted. */
  readonly directories: number;
  /** Lengths of files; of those that are not complete, as far as their writers have told. */
  readonly bytes: bigint;
}

export const NO_USAGE: Usage = { files: 0, directories: 0, bytes: 0n };

export const usageCodec: RecordCodec<Usage> = {
  encode: ({ files, directories, bytes }) => encodeMessage(understudy.Usage, { files, directories, bytes: sumMessage(bytes) }),
  decode(bytes) {
    const row = decodeStrictly(understudy.Usage, bytes, 'usage');
    return { files: row.files, directories: row.directories, bytes: sumOf(row.bytes) };
  },
};

export function addUsage(a: Usage, b: Usage): Usage {
  return { files: a.files + b.files, directories: a.directories + b.directories, bytes: a.bytes + b.bytes };
}

export function lessUsage(a: Usage, b: Usage): Usage {
  return { files: a.files - b.files, directories: a.directories - b.directories, bytes: a.bytes - b.bytes };
}

/** @returns the row with `more` in it; null where nothing is left. */
export function withUsage(before: Usage | null, more: Usage): Usage | null {
  const after = before === null ? more : addUsage(before, more);
  return isNoUsage(after) ? null : after;
}

/** @returns what `inode` adds to the directories above it; `below` is the usage of one that is a directory. */
export function usageWith(inode: Inode, below: Usage): Usage {
  if (inode.directory) return { ...below, directories: below.directories + 1 };
  return { files: 1, directories: 0, bytes: BigInt(inode.length) };
}

function isNoUsage({ files, directories, bytes }: Usage): boolean {
  return files === 0 && directories === 0 && bytes === 0n;
}
