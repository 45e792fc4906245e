/**
 * Pieces of blocks between their messages and what programs work with, and the checks of their checksums.
 */
import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import { CHUNK_BYTES, type Piece } from './block-store.js';
import { checksumsOf, chunksOf, firstDamagedChunk } from './chunk-checksums.js';

/** Largest piece that travels. */
export const PIECE_BYTES_MAX = 1024 * 1024;

/** @returns `bytes`, which begin at `offset` of their block, with the checksums of their chunks. */
export function pieceOf(offset: number, bytes: Uint8Array): Piece {
  return { offset, bytes, crcs: checksumsOf(bytes) };
}

/** A message whose last bytes are those of a piece, which are not copied. */
export interface PieceBody {
  readonly body: Uint8Array;
  readonly tail: Uint8Array;
}

/** @returns a `BlockPiece`. */
export function pieceBody(piece: Piece): PieceBody {
  const head = Buffer.allocUnsafe(headBytes(piece));
  putHead(head, 0, piece);
  return { body: head, tail: piece.bytes };
}

/** @returns a message whose field `field`, its last one, is the piece. @param before the other fields, encoded. */
export function bodyWithPiece(before: Uint8Array, field: number, piece: Piece): PieceBody {
  const inner = headBytes(piece);
  const pieceBytes = inner + piece.bytes.length;
  const body = Buffer.allocUnsafe(before.length + 1 + varintBytes(pieceBytes) + inner);
  body.set(before);
  const at = putVarint(body, putVarint(body, before.length, (field << 3) | LENGTH_DELIMITED), pieceBytes);
  putHead(body, at, piece);
  return { body, tail: piece.bytes };
}

const LENGTH_DELIMITED = 2;
const [OFFSET, BYTES, CRCS] = [1 << 3, (2 << 3) | LENGTH_DELIMITED, (3 << 3) | LENGTH_DELIMITED];

/** All but the bytes themselves, which come last: protobuf leaves the order of fields open. */
function headBytes({ offset, bytes, crcs }: Piece): number {
  const crcBytes = 4 * crcs.length;
  return 1 + varintBytes(offset) + 1 + varintBytes(crcBytes) + crcBytes + 1 + varintBytes(bytes.length);
}

function putHead(target: Buffer, from: number, { offset, bytes, crcs }: Piece): void {
  let at = putVarint(target, putVarint(target, from, OFFSET), offset);
  at = putVarint(target, putVarint(target, at, CRCS), 4 * crcs.length);
  for (const crc of crcs) at = target.writeUInt32LE(crc, at);
  putVarint(target, putVarint(target, at, BYTES), bytes.length);
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}

function putVarint(target: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) target[at++] = (rest % 0x80) | 0x80;
  target[at++] = rest;
  return at;
}

/** Does not look at the checksums. @throws `invalid_argument`: not whole chunks with a checksum each. */
export function pieceIn(message: understudy.BlockPiece.$Properties | null | undefined): Piece {
  const { offset, bytes, crcs } = message ?? {};
  const piece = { offset: offset ?? 0, bytes: bytes ?? new Uint8Array(0), crcs: crcs ?? [] };
  const { length } = piece.bytes;
  if (length > 0 && piece.offset % CHUNK_BYTES === 0 && length <= PIECE_BYTES_MAX && piece.crcs.length === chunksOf(length)) {
    return piece;
  }
  const what = `offset=${piece.offset} bytes=${length} crcs=${piece.crcs.length}`;
  throw new UnderstudyError('invalid_argument', `not a piece of a block: ${what}`);
}

/** @throws `corrupt`: a chunk does not fit its checksum. */
export function checkPiece({ offset, bytes, crcs }: Piece): void {
  const chunk = firstDamagedChunk(bytes, crcs);
  if (chunk === undefined) return;
  throw new UnderstudyError('corrupt', `bytes of a block do not fit their checksum: offset=${offset + chunk * CHUNK_BYTES}`);
}
