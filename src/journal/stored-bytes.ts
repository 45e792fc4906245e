/** Numbers and checksums, as every stored format of the journal has them. */
import { crc32 } from 'node:zlib';

/** Where the checksum of a page, batch or trailer stands: 4 bytes. */
const CHECKSUM_AT = 8;
const CHECKSUM_END = 12;
const ZEROS = Buffer.alloc(4096);

/** @returns an 8-byte number that is below 2^53. */
export function readNumber(from: Buffer, at: number): number {
  return from.readUInt32LE(at) + from.readUInt32LE(at + 4) * 0x1_0000_0000;
}

export function writeNumber(into: Buffer, value: number, at: number): void {
  into.writeUInt32LE(value % 0x1_0000_0000, at);
  into.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
}

/** Writes the checksum of all other bytes. */
export function sealChecksum(bytes: Buffer): void {
  bytes.writeUInt32LE(checksumOf(bytes), CHECKSUM_AT);
}

export function isChecksumRight(bytes: Buffer): boolean {
  return checksumOf(bytes) === bytes.readUInt32LE(CHECKSUM_AT);
}

function checksumOf(bytes: Buffer): number {
  return crc32(bytes.subarray(CHECKSUM_END), crc32(bytes.subarray(0, CHECKSUM_AT)));
}

/** @returns whether there are only zeros in `bytes`. */
export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}
