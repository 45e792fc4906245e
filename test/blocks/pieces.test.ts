import { expect, test } from 'vitest';
import { understudy } from '#proto/understudy.js';
import { CHUNK_BYTES } from '../../src/blocks/block-store.js';
import { bodyWithPiece, checkPiece, pieceBody, pieceIn, pieceOf } from '../../src/blocks/pieces.js';

test.each([
  [0, 1],
  [CHUNK_BYTES, 127],
  [3 * CHUNK_BYTES, 128],
  [CHUNK_BYTES * 2 ** 21, CHUNK_BYTES],
  [0, 5 * CHUNK_BYTES + 3],
  [0, 16 * CHUNK_BYTES],
])('a piece at %d of %d bytes: what is written by hand is read as the message that it is', (offset, length) => {
  const piece = pieceOf(offset, Buffer.alloc(length, 'understudy '));
  const { body, tail } = pieceBody(piece);
  const read = pieceIn(understudy.BlockPiece.decode(Buffer.concat([body, tail])));
  expect(read.offset).toBe(offset);
  expect(read.crcs).toEqual(piece.crcs);
  expect(Buffer.compare(read.bytes, piece.bytes)).toBe(0);
  checkPiece(read);
  const before = understudy.WriteBlockRequest.encode({ writing: 300 }).finish();
  const request = bodyWithPiece(before, 2, piece);
  const { writing, piece: inner } = understudy.WriteBlockRequest.decode(Buffer.concat([request.body, request.tail]));
  expect(writing).toBe(300);
  const { bytes, ...rest } = pieceIn(inner);
  expect(Buffer.compare(bytes, piece.bytes)).toBe(0);
  expect(rest).toEqual({ offset, crcs: piece.crcs });
});

test('what is no piece, or does not fit its checksums, is refused', () => {
  const piece = pieceOf(0, Buffer.alloc(CHUNK_BYTES + 1, 7));
  for (const wrong of [{ offset: 1 }, { bytes: new Uint8Array() }, { crcs: piece.crcs.slice(1) }]) {
    expect(() => pieceIn({ ...piece, crcs: [...piece.crcs], ...wrong })).toThrow(/not a piece/);
  }
  expect(() => checkPiece({ ...piece, crcs: [piece.crcs[0] ?? 0, 1] })).toThrow(`offset=${CHUNK_BYTES}`);
});
