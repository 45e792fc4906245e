/** Bytes on their way from mounted storage, made into pieces of a block. */
import { CHUNK_BYTES, type Piece } from '../blocks/block-store.js';
import { checksumsOf } from '../blocks/chunk-checksums.js';

export const PIECE_BYTES = 1024 * 1024;

/** @param from where they begin in the block, whole chunks. @returns pieces of `PIECE_BYTES`, the last one of what is left. */
export async function* piecesOf(runs: AsyncIterable<Uint8Array>, from: number): AsyncGenerator<Piece, void, undefined> {
  let at = from;
  let buffer = Buffer.allocUnsafe(PIECE_BYTES);
  let filled = 0;
  for await (const run of runs) {
    for (let taken = 0; taken < run.length; ) {
      const part = run.subarray(taken, taken + PIECE_BYTES - filled);
      buffer.set(part, filled);
      filled += part.length;
      taken += part.length;
      if (filled < PIECE_BYTES) continue;
      yield pieceOf(at, buffer);
      at += filled;
      buffer = Buffer.allocUnsafe(PIECE_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield pieceOf(at, buffer.subarray(0, filled));
}

/** @returns the chunks of `piece` that lie in [from, to), of which `from` is one of their beginnings. */
export function cutPiece({ offset, bytes, crcs }: Piece, from: number, to: number): Piece {
  const first = (from - offset) / CHUNK_BYTES;
  const last = Math.ceil((Math.min(to, offset + bytes.length) - offset) / CHUNK_BYTES);
  return { offset: from, bytes: bytes.subarray(first * CHUNK_BYTES, last * CHUNK_BYTES), crcs: crcs.slice(first, last) };
}

function pieceOf(offset: number, bytes: Uint8Array): Piece {
  return { offset, bytes, crcs: checksumsOf(bytes) };
}
