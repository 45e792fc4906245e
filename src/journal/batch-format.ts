/**
 * The bytes of a batch: a header, then the entries. Numbers are little-endian; 8-byte numbers are below 2^53.
 *
 *     0   4  magic "UJB\x01"
 *     4   2  version                      these first 16 bytes stay where they are in every version
 *     6   2  header bytes, H              a later version may append fields: readers pass over what they do not know
 *     8   4  CRC-32 of all other bytes
 *    12   4  payload bytes
 *    16   4  number of entries, at least 1
 *    20   4  zero
 *    24   8  epoch of its writer
 *    32   8  sequence number of the first entry
 *    40   8  leader's time when it was sealed, Unix milliseconds
 *    48   8  highest sequence number that its writer knew committed
 *    56  16  writer id, random
 *    72  32  hash of the batch before it; zeros before the first
 *   104      payload: for each entry its length (4 bytes), then its bytes
 *
 * The hash of a batch is the SHA-256 of all of it. A copy in a later epoch's segment is the same bytes, and so the same hash.
 */
import { createHash } from 'node:crypto';
import { UnderstudyError } from '../base/errors.js';
import { epoch, type Sequence, sequence } from '../base/ids.js';
import { needsVersion } from '../base/needs-version.js';
import type { Batch, ChainPoint } from './journal.js';
import { isChecksumRight, isZero, readNumber, sealChecksum, writeNumber } from './stored-bytes.js';

export const BATCH_HEADER_BYTES = 104;
export const BATCH_MAGIC = Buffer.from('UJB\x01', 'latin1');
const VERSION = 1;
const HASH_BYTES = 32;
const ENTRY_HEADER_BYTES = 4;
/** No batch is larger, whatever the setting of its writer: what claims to be is damage. */
export const BATCH_BYTES_LIMIT = 64 << 20;

/** What a writer puts in a header. */
export interface BatchHeader {
  readonly epoch: number;
  readonly writerId: Uint8Array;
  readonly previous: ChainPoint;
  readonly committedSn: number;
  readonly timeMs: number;
}

/** A batch with what the seam does not show. */
export interface StoredBatch {
  readonly batch: Batch;
  /** All of it, as it stands in the file. */
  readonly bytes: Buffer;
  readonly committedSn: Sequence;
  /** 16 random bytes of whoever wrote it: no client knows them, so none can make an entry that looks like its batch. */
  readonly writerId: Uint8Array;
}

export type ParsedBatch =
  | { readonly kind: 'batch'; readonly stored: StoredBatch }
  /** Only zeros where a batch would begin. */
  | { readonly kind: 'nothing' }
  /** Valid so far as it goes: this many bytes are needed to tell. */
  | { readonly kind: 'short'; readonly bytes: number }
  /** No valid batch: torn, being written, damaged, or something else. */
  | { readonly kind: 'bad'; readonly reason: string };

/** @returns how many bytes a batch of these entries takes. */
export function batchBytes(entries: readonly Uint8Array[]): number {
  let bytes = BATCH_HEADER_BYTES;
  for (const entry of entries) bytes += ENTRY_HEADER_BYTES + entry.length;
  return bytes;
}

/** Writes the batch to the front of `into`, which has room for `batchBytes(entries)`. @returns its bytes, a part of `into`, and its hash. */
export function encodeBatch(into: Buffer, header: BatchHeader, entries: readonly Uint8Array[]): { bytes: Buffer; hash: Uint8Array } {
  let at = BATCH_HEADER_BYTES;
  for (const entry of entries) {
    at = into.writeUInt32LE(entry.length, at);
    into.set(entry, at);
    at += entry.length;
  }
  const bytes = into.subarray(0, at);
  BATCH_MAGIC.copy(bytes, 0);
  bytes.writeUInt16LE(VERSION, 4);
  bytes.writeUInt16LE(BATCH_HEADER_BYTES, 6);
  bytes.writeUInt32LE(at - BATCH_HEADER_BYTES, 12);
  bytes.writeUInt32LE(entries.length, 16);
  bytes.writeUInt32LE(0, 20);
  writeNumber(bytes, header.epoch, 24);
  writeNumber(bytes, header.previous.sn + 1, 32);
  writeNumber(bytes, header.timeMs, 40);
  writeNumber(bytes, header.committedSn, 48);
  bytes.set(header.writerId, 56);
  bytes.set(header.previous.hash, 72);
  sealChecksum(bytes);
  return { bytes, hash: hashOf(bytes) };
}

/** @returns the batch of these entries, on its own. */
export function sealBatch(header: BatchHeader, entries: readonly Uint8Array[]): StoredBatch {
  const { bytes } = encodeBatch(Buffer.alloc(batchBytes(entries)), header, entries);
  return storedBatch(bytes);
}

/** @returns a batch with what the seam does not show. */
export function storedBatch(sealed: Uint8Array): StoredBatch {
  const parsed = parseBatch(Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength), 0);
  if (parsed.kind === 'batch') return parsed.stored;
  throw new UnderstudyError('internal', 'what was sealed is no batch');
}

/**
 * Reads the batch that begins at `at`. What it returns shares no memory with `from`. `where` is for the refusal: `file=…`.
 *
 * @throws `failed_precondition` (`needs version`) for a sound batch of a later format version.
 */
export function parseBatch(from: Buffer, at: number, where?: string): ParsedBatch {
  const left = from.length - at;
  if (left < 16) return { kind: 'short', bytes: 16 };
  if (from.readUInt32LE(at) !== BATCH_MAGIC.readUInt32LE(0)) {
    const nothing = left >= BATCH_HEADER_BYTES ? isZero(from.subarray(at, at + BATCH_HEADER_BYTES)) : from.readUInt32LE(at) === 0;
    return nothing ? { kind: 'nothing' } : { kind: 'bad', reason: 'no magic' };
  }
  const headerBytes = from.readUInt16LE(at + 6);
  const bytes = headerBytes + from.readUInt32LE(at + 12);
  if (headerBytes < BATCH_HEADER_BYTES || bytes > BATCH_BYTES_LIMIT) return { kind: 'bad', reason: 'impossible length' };
  if (left < bytes) return { kind: 'short', bytes };
  if (!isChecksumRight(from.subarray(at, at + bytes))) return { kind: 'bad', reason: 'checksum' };
  const version = from.readUInt16LE(at + 4);
  if (version > VERSION) throw needsVersion('batch', version, VERSION, where);
  return decodeBatch(Buffer.from(from.subarray(at, at + bytes)), headerBytes);
}

function decodeBatch(bytes: Buffer, headerBytes: number): ParsedBatch {
  const count = bytes.readUInt32LE(16);
  const entries: Uint8Array[] = [];
  let at = headerBytes;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_HEADER_BYTES > bytes.length) return { kind: 'bad', reason: 'entries past the end' };
    const from = at + ENTRY_HEADER_BYTES;
    at = from + bytes.readUInt32LE(at);
    if (at > bytes.length) return { kind: 'bad', reason: 'entries past the end' };
    entries.push(bytes.subarray(from, at));
  }
  if (at !== bytes.length || count === 0) return { kind: 'bad', reason: 'entries short of the end' };
  const batch: Batch = {
    epoch: epoch(readNumber(bytes, 24)),
    firstSn: sequence(readNumber(bytes, 32)),
    entries,
    previousHash: bytes.subarray(72, 72 + HASH_BYTES),
    hash: hashOf(bytes),
    timeMs: readNumber(bytes, 40),
    sealed: bytes,
  };
  return { kind: 'batch', stored: { batch, bytes, committedSn: sequence(readNumber(bytes, 48)), writerId: bytes.subarray(56, 72) } };
}

function hashOf(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}
