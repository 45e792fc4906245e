/** A part of a block, and how it is cut out of the pieces that hold it. */
import { UnderstudyError } from '../../base/errors.js';
import { CHUNK_BYTES, type Piece } from '../../blocks/block-store.js';

/** Bytes [from, to) of a block. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/**
 * @param pieces whole chunks, in order, that begin where the part's first chunk does; they have been held against their checksums.
 * @returns the bytes of the part, in runs. @throws `unavailable`: the pieces end before it does, or leave something out.
 */
export async function partsOf(pieces: AsyncIterable<Piece>, { from, to }: Part): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  let at = Math.floor(from / CHUNK_BYTES) * CHUNK_BYTES;
  for await (const { offset, bytes } of pieces) {
    if (offset !== at) throw short(`offset=${offset} expected=${at}`);
    at += bytes.length;
    const part = bytes.subarray(Math.max(0, from - offset), Math.max(0, Math.min(bytes.length, to - offset)));
    if (part.length > 0) parts.push(part);
  }
  if (at < to) throw short(`end=${at} expected=${to}`);
  return parts;
}

function short(values: string): UnderstudyError {
  return new UnderstudyError('unavailable', `a part of a block did not come whole: ${values}`);
}
