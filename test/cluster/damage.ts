/**
 * Damages files as disks and crashes do. What has a file open must not run.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { parseBatch } from '../../src/journal/batch-format.js';
import { SEGMENT_DATA_OFFSET } from '../../src/journal/segment-file.js';

/** Flips the lowest bit of the byte at `offset`. */
export function flipBit(file: string, offset: number): void {
  const byte = Buffer.alloc(1);
  const fd = openSync(file, 'r+');
  readSync(fd, byte, 0, 1, offset);
  writeSync(fd, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, offset);
  closeSync(fd);
}

/** Writes `bytes` at `offset`. */
export function overwrite(file: string, offset: number, bytes: Uint8Array): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, bytes, 0, bytes.length, offset);
  closeSync(fd);
}

/** The largest file of `folder` whose name matches. */
export function largestFile(folder: string, name: RegExp): string {
  const files = readdirSync(folder).filter((file) => name.test(file));
  const [largest] = files.map((file) => path.join(folder, file)).sort((a, b) => statSync(b).size - statSync(a).size);
  if (largest === undefined) throw new Error(`no file ${name} in ${folder}`);
  return largest;
}

export interface StoredSegment {
  readonly file: string;
  readonly epoch: number;
  readonly index: number;
  /** Where each of its batches begins, its first sn, and its bytes. */
  readonly batches: readonly { readonly offset: number; readonly firstSn: number; readonly bytes: Buffer }[];
}

/** The segments of a journal that hold batches, in order. */
export function readSegments(journal: string): StoredSegment[] {
  const folder = path.join(journal, 'log');
  return readdirSync(folder)
    .map((name) => {
      const [epoch = 0, index = 0] = name.split(/[-.]/).map(Number);
      return { file: path.join(folder, name), epoch, index };
    })
    .sort((a, b) => a.epoch - b.epoch || a.index - b.index)
    .map((segment) => ({ ...segment, batches: readBatches(segment.file) }))
    .filter(({ batches }) => batches.length > 0);
}

function readBatches(file: string): StoredSegment['batches'] {
  const contents = readFileSync(file);
  const batches: { offset: number; firstSn: number; bytes: Buffer }[] = [];
  for (let offset = SEGMENT_DATA_OFFSET; ; ) {
    const parsed = parseBatch(contents, offset);
    if (parsed.kind !== 'batch') return batches;
    const { batch, bytes } = parsed.stored;
    batches.push({ offset, firstSn: batch.firstSn, bytes });
    offset += bytes.length;
  }
}
