/** CRC-32 of each chunk of a block: made where bytes are written first, and held against them wherever they arrive. */
import { crc32 } from 'node:zlib';
import { CHUNK_BYTES } from './block-store.js';

export function chunksOf(bytes: number): number {
  return Math.ceil(bytes / CHUNK_BYTES);
}

/** @param bytes whole chunks; the last one may be shorter. */
export function checksumsOf(bytes: Uint8Array): number[] {
  const crcs = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) crcs.push(crc32(bytes.subarray(at, at + CHUNK_BYTES)));
  return crcs;
}

/** @returns place of the first chunk that does not fit its checksum; undefined: all do. */
export function firstDamagedChunk(bytes: Uint8Array, crcs: ArrayLike<number>): number | undefined {
  const chunks = chunksOf(bytes.length);
  for (let chunk = 0; chunk < chunks; chunk++) {
    if (crc32(bytes.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES)) !== crcs[chunk]) return chunk;
  }
  return crcs.length === chunks ? undefined : chunks;
}
