/**
 * The trailer that ends a segment and names its successor within the epoch. Durable after the successor exists and before its first
 * batch, so a segment without one is its epoch's last. A segment always keeps room for it.
 *
 *     0   4  magic "UJT\x01"
 *     4   2  version
 *     6   2  trailer bytes (72)
 *     8   4  CRC-32 of all other bytes
 *    12   4  zero
 *    16   8  epoch
 *    24   8  index of the successor
 *    32   8  sequence number where this segment ends
 *    40  32  hash of its last batch
 */
import { sequence } from '../base/ids.js';
import { needsVersion } from '../base/needs-version.js';
import type { ChainPoint } from './journal.js';
import { isChecksumRight, readNumber, sealChecksum, writeNumber } from './stored-bytes.js';

export const TRAILER_BYTES = 72;
const MAGIC = 0x01_54_4a_55;
const VERSION = 1;

export interface Trailer {
  readonly epoch: number;
  readonly successor: number;
  readonly end: ChainPoint;
}

export function encodeTrailer(trailer: Trailer): Buffer {
  const bytes = Buffer.alloc(TRAILER_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt16LE(VERSION, 4);
  bytes.writeUInt16LE(TRAILER_BYTES, 6);
  writeNumber(bytes, trailer.epoch, 16);
  writeNumber(bytes, trailer.successor, 24);
  writeNumber(bytes, trailer.end.sn, 32);
  bytes.set(trailer.end.hash, 40);
  sealChecksum(bytes);
  return bytes;
}

/** @returns undefined where no sound trailer begins at `at`. @throws `failed_precondition` (`needs version`). */
export function decodeTrailer(from: Buffer, at: number, where?: string): Trailer | undefined {
  if (from.length - at < TRAILER_BYTES || from.readUInt32LE(at) !== MAGIC) return undefined;
  const bytes = from.subarray(at, at + TRAILER_BYTES);
  if (!isChecksumRight(bytes)) return undefined;
  const version = bytes.readUInt16LE(4);
  if (version > VERSION) throw needsVersion('trailer', version, VERSION, where);
  return {
    epoch: readNumber(bytes, 16),
    successor: readNumber(bytes, 24),
    end: { sn: sequence(readNumber(bytes, 32)), hash: Uint8Array.from(bytes.subarray(40, 72)) },
  };
}
