/**
 * The bytes of a checkpoint: the state's rows as of one batch's end. Numbers are little-endian.
 *
 *     file    head block, row blocks, end block, nothing more
 *
 *     block    0   4  kind: "UCKH" head, "UCKR" rows, "UCKE" end
 *              4   4  CRC-32 of all that follows in this block
 *              8   4  body bytes as stored, S
 *             12   4  body bytes unpacked; where that is S the body stands as it is, else it is raw deflate
 *             16   4  head: format version; rows: how many; end: zero
 *             20   S  body
 *
 *     head    protobuf `CheckpointHead`; these 20 bytes in front of it stay where they are in every version
 *     rows    for each row: key bytes (2), value bytes (4), key, value. Keys ascend through the whole file
 *     end     number of rows (8), SHA-256 of all bytes of the file before this block (32)
 *
 * A file without its end block is not a checkpoint. Only rows of the state are in it (`STATE_RANGE`), none of a master's own.
 */
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import { UnderstudyError } from '../base/errors.js';
import { needsVersion } from '../base/needs-version.js';
import type { Digest } from './digest.js';

export const CHECKPOINT_VERSION = 1;
export const BLOCK_HEADER_BYTES = 20;
/** Row blocks are closed once they have this many bytes. */
export const BLOCK_BYTES = 256 * 1024;
/** What claims to be larger is damage. */
const BLOCK_BYTES_MAX = 64 << 20;
/** The fastest that still packs rows to a fifth. */
const DEFLATE_LEVEL = 1;
const ROW_HEADER_BYTES = 6;

const KINDS = { head: 0x484b4355, rows: 0x524b4355, end: 0x454b4355 } as const;
export type BlockKind = keyof typeof KINDS;

/** What a checkpoint is of. */
export interface CheckpointHead {
  readonly clusterId: string;
  /** Last entry it holds. */
  readonly sn: number;
  /** Hash of the journal batch that ends at `sn`. */
  readonly hash: Uint8Array;
  readonly epoch: number;
  readonly timeMs: number;
  readonly leaderAddress: string;
  readonly digest: Digest;
}

export interface CheckpointEnd {
  readonly rows: number;
  /** SHA-256 of all that stands before the end block. */
  readonly sha256: Uint8Array;
}

/** A block's header, which says how long the rest is. */
export interface BlockHeader {
  readonly kind: BlockKind;
  readonly crc: number;
  readonly storedBytes: number;
  readonly bodyBytes: number;
  readonly count: number;
}

/** @returns a whole block, the caller's. */
export function encodeBlock(kind: BlockKind, body: Uint8Array, count: number): Buffer {
  const packed = kind === 'rows' ? deflateRawSync(body, { level: DEFLATE_LEVEL }) : body;
  const stored = packed.length < body.length ? packed : body;
  const block = Buffer.allocUnsafe(BLOCK_HEADER_BYTES + stored.length);
  block.writeUInt32LE(KINDS[kind], 0);
  block.writeUInt32LE(stored.length, 8);
  block.writeUInt32LE(body.length, 12);
  block.writeUInt32LE(count, 16);
  block.set(stored, BLOCK_HEADER_BYTES);
  block.writeUInt32LE(crc32(block.subarray(8)), 4);
  return block;
}

/** @throws `corrupt`: no block begins with these bytes. */
export function decodeBlockHeader(bytes: Buffer): BlockHeader {
  const number = bytes.readUInt32LE(0);
  const kind = (Object.keys(KINDS) as BlockKind[]).find((name) => KINDS[name] === number);
  const header = { crc: bytes.readUInt32LE(4), storedBytes: bytes.readUInt32LE(8), bodyBytes: bytes.readUInt32LE(12) };
  if (kind === undefined) throw damaged('no block begins here');
  if (header.bodyBytes > BLOCK_BYTES_MAX || header.storedBytes > header.bodyBytes) throw damaged('a block is too large');
  return { kind, ...header, count: bytes.readUInt32LE(16) };
}

/** @param block all of it. @returns its body, unpacked. @throws `corrupt`. */
export function blockBody(block: Buffer, { crc, storedBytes, bodyBytes }: BlockHeader): Buffer {
  if (crc32(block.subarray(8)) !== crc) throw damaged('the checksum of a block is wrong');
  const stored = block.subarray(BLOCK_HEADER_BYTES);
  if (storedBytes === bodyBytes) return stored;
  let body: Buffer;
  try {
    body = inflateRawSync(stored, { maxOutputLength: bodyBytes });
  } catch (cause) {
    throw damaged('a block cannot be unpacked', cause);
  }
  if (body.length !== bodyBytes) throw damaged('a block is shorter than it says');
  return body;
}

export function encodeHead({ digest, ...head }: CheckpointHead): Uint8Array {
  return encodeMessage(understudy.CheckpointHead, { ...head, digestLow: digest.low, digestHigh: digest.high });
}

/** @param version of the format, from the block's header. @throws `corrupt`. @throws `failed_precondition` (`needs version`). */
export function decodeHead(body: Uint8Array, version: number): CheckpointHead {
  if (version > CHECKPOINT_VERSION) {
    throw needsVersion('checkpoint', version, CHECKPOINT_VERSION);
  }
  try {
    const { digestLow, digestHigh, hash, ...head } = understudy.CheckpointHead.decode(body);
    return { ...head, hash: Uint8Array.from(hash), digest: { low: digestLow, high: digestHigh } };
  } catch (cause) {
    throw damaged('the head cannot be decoded', cause);
  }
}

const END_BYTES = 40;

export function encodeEnd({ rows, sha256 }: CheckpointEnd): Uint8Array {
  const body = Buffer.alloc(END_BYTES);
  body.writeBigUInt64LE(BigInt(rows), 0);
  body.set(sha256, 8);
  return body;
}

/** @throws `corrupt`. */
export function decodeEnd(body: Buffer): CheckpointEnd {
  if (body.length !== END_BYTES) throw damaged('the end block has a wrong length');
  return { rows: Number(body.readBigUInt64LE(0)), sha256: body.subarray(8) };
}

/** The body of a row block, while it is being filled. */
export class RowBlock {
  #body = Buffer.allocUnsafe(BLOCK_BYTES + 4096);
  #at = 0;
  rows = 0;

  get isFull(): boolean {
    return this.#at >= BLOCK_BYTES;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    const end = this.#at + ROW_HEADER_BYTES + key.length + value.length;
    if (end > this.#body.length) this.#body = Buffer.concat([this.#body.subarray(0, this.#at)], 2 * end);
    const body = this.#body;
    body.writeUInt16LE(key.length, this.#at);
    body.writeUInt32LE(value.length, this.#at + 2);
    body.set(key, this.#at + ROW_HEADER_BYTES);
    body.set(value, this.#at + ROW_HEADER_BYTES + key.length);
    this.#at = end;
    this.rows += 1;
  }

  /** @returns the block, and begins an empty one. */
  take(): Buffer {
    const block = encodeBlock('rows', this.#body.subarray(0, this.#at), this.rows);
    this.#at = this.rows = 0;
    return block;
  }
}

/** @returns the rows of a block's body: views into it. @throws `corrupt`. */
export function decodeRows(body: Buffer, count: number): [key: Uint8Array, value: Uint8Array][] {
  const rows: [Uint8Array, Uint8Array][] = [];
  let at = 0;
  while (at + ROW_HEADER_BYTES <= body.length) {
    const keyAt = at + ROW_HEADER_BYTES;
    const valueAt = keyAt + body.readUInt16LE(at);
    const end = valueAt + body.readUInt32LE(at + 2);
    if (end > body.length) break;
    rows.push([body.subarray(keyAt, valueAt), body.subarray(valueAt, end)]);
    at = end;
  }
  if (at !== body.length || rows.length !== count) throw damaged('the rows of a block do not add up');
  return rows;
}

/** @returns the error of a checkpoint that contradicts itself; whoever knows the place adds it. */
export function damaged(reason: string, cause?: unknown): UnderstudyError {
  return new UnderstudyError('corrupt', `the checkpoint is damaged: reason=${reason}`, cause === undefined ? {} : { cause });
}
