/**
 * The pages of 4 KiB: three kinds in the ledger, and the first of each segment and of each checkpoint. Every page is written whole.
 *
 *     0   4  magic: "UJS\x01" slot, "UJM\x01" mark, "UJF\x01" fence, "UJH\x01" segment header, "UJC\x01" checkpoint header
 *     4   2  version                 these first 16 bytes stay where they are in every version
 *     6   2  zero
 *     8   4  CRC-32 of all other bytes
 *    12   4  body bytes              a later version may append fields: readers pass over what they do not know
 *    16      body, then zeros
 *
 * Bodies (a point is a sequence number of 8 bytes and a hash of 32; a place is epoch 8, segment index 8, offset 8, then a point):
 *
 *     slot             epoch 8, base (a place), end of its copies (a place in its own segment 0)
 *     mark             epoch 8, counter 8, committed (a place), collection boundary (epoch 8, then a point; zeros: none),
 *                      number of checkpoints 4, zero 4, then for each: sequence number 8, id 16
 *     fence            nothing: every fence page is the same bytes, whoever writes it
 *     segment header   epoch 8, segment index 8, size of the file in bytes 8, incarnation id 16, largest batch in bytes 8
 *     checkpoint header  sequence number 8, id 16, bytes of the checkpoint behind this page 8, incarnation id 16
 */
import { PAGE_BYTES } from '../base/files.js';
import { epoch, sequence } from '../base/ids.js';
import { needsVersion } from '../base/needs-version.js';
import type { CheckpointRef, Retention } from './checkpoints.js';
import { type ChainPoint, GENESIS } from './journal.js';
import { isChecksumRight, readNumber, sealChecksum, writeNumber } from './stored-bytes.js';

const VERSION = 1;
const BODY = 16;
const MAGIC = { slot: 0x01_53_4a_55, mark: 0x01_4d_4a_55, fence: 0x01_46_4a_55, segment: 0x01_48_4a_55, checkpoint: 0x01_43_4a_55 };
type PageKind = keyof typeof MAGIC;

/** A place in a segment file, and the point of the chain that it is. Epoch 0: before the first batch. */
export interface Place {
  readonly epoch: number;
  readonly segment: number;
  readonly offset: number;
  readonly point: ChainPoint;
}

/** Written once, by the holder of the epoch, before its first own batch. */
export interface Slot {
  readonly epoch: number;
  /** Where the log that it builds on ends. */
  readonly base: Place;
  /** Where the copies of what followed the base end; its own batches begin there. */
  readonly copiesEnd: Place;
}

/** How far the holder knows the log committed. */
export interface Mark {
  readonly epoch: number;
  /** The higher of an epoch's two marks counts. */
  readonly counter: number;
  readonly committed: Place;
  /** What is kept, as far as the holder had made it known. */
  readonly retention: Retention;
}

export interface SegmentHeader {
  readonly epoch: number;
  readonly segment: number;
  readonly sizeBytes: number;
  /** 16 bytes. */
  readonly incarnation: Uint8Array;
  /** No batch in it is larger. */
  readonly batchBytesMax: number;
}

/** The first page of a file in `checkpoint/`. */
export interface CheckpointHeader extends CheckpointRef {
  /** So many follow the page. */
  readonly bytes: number;
  /** 16 bytes. */
  readonly incarnation: Uint8Array;
}

/** Checkpoints that a mark names at most. */
const CHECKPOINTS_MAX = 16;

/** The bytes of every fence page. */
export const FENCE_PAGE: Buffer = seal('fence', BODY, Buffer.alloc(PAGE_BYTES));

export function encodeSlot(slot: Slot): Buffer {
  const page = Buffer.alloc(PAGE_BYTES);
  writeNumber(page, slot.epoch, BODY);
  let at = writePlace(page, slot.base, BODY + 8);
  at = writePlace(page, slot.copiesEnd, at);
  return seal('slot', at, page);
}

/** @returns undefined where `page` is not a sound slot. */
export function decodeSlot(page: Buffer, where?: string): Slot | undefined {
  if (!isSound('slot', page, where)) return undefined;
  return { epoch: readNumber(page, BODY), base: readPlace(page, BODY + 8), copiesEnd: readPlace(page, BODY + 8 + PLACE_BYTES) };
}

export function encodeMark(mark: Mark): Buffer {
  const page = Buffer.alloc(PAGE_BYTES);
  writeNumber(page, mark.epoch, BODY);
  writeNumber(page, mark.counter, BODY + 8);
  let at = writePlace(page, mark.committed, BODY + 16);
  const { boundary } = mark.retention;
  writeNumber(page, boundary?.epoch ?? 0, at);
  at = writePoint(page, boundary?.point ?? GENESIS, at + 8);
  const checkpoints = mark.retention.checkpoints.slice(0, CHECKPOINTS_MAX);
  page.writeUInt32LE(checkpoints.length, at);
  at += 8;
  for (const checkpoint of checkpoints) {
    writeNumber(page, checkpoint.sn, at);
    page.write(checkpoint.id, at + 8, 16, 'hex');
    at += 24;
  }
  return seal('mark', at, page);
}

/** @returns undefined where `page` is not a sound mark. */
export function decodeMark(page: Buffer, where?: string): Mark | undefined {
  if (!isSound('mark', page, where)) return undefined;
  const boundaryAt = BODY + 16 + PLACE_BYTES;
  const listAt = boundaryAt + 8 + POINT_BYTES;
  const count = Math.min(page.readUInt32LE(listAt), CHECKPOINTS_MAX);
  const boundaryEpoch = readNumber(page, boundaryAt);
  return {
    epoch: readNumber(page, BODY),
    counter: readNumber(page, BODY + 8),
    committed: readPlace(page, BODY + 16),
    retention: {
      boundary: boundaryEpoch === 0 ? null : { epoch: epoch(boundaryEpoch), point: readPoint(page, boundaryAt + 8) },
      checkpoints: Array.from({ length: count }, (_, i) => {
        const at = listAt + 8 + i * 24;
        return { sn: sequence(readNumber(page, at)), id: page.toString('hex', at + 8, at + 24) };
      }),
    },
  };
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const page = Buffer.alloc(PAGE_BYTES);
  writeNumber(page, header.epoch, BODY);
  writeNumber(page, header.segment, BODY + 8);
  writeNumber(page, header.sizeBytes, BODY + 16);
  page.set(header.incarnation, BODY + 24);
  writeNumber(page, header.batchBytesMax, BODY + 40);
  return seal('segment', BODY + 48, page);
}

/** @returns undefined where `page` is not a sound segment header. */
export function decodeSegmentHeader(page: Buffer, where?: string): SegmentHeader | undefined {
  if (!isSound('segment', page, where)) return undefined;
  return {
    epoch: readNumber(page, BODY),
    segment: readNumber(page, BODY + 8),
    sizeBytes: readNumber(page, BODY + 16),
    incarnation: Uint8Array.from(page.subarray(BODY + 24, BODY + 40)),
    batchBytesMax: readNumber(page, BODY + 40),
  };
}

export function encodeCheckpointHeader(header: CheckpointHeader): Buffer {
  const page = Buffer.alloc(PAGE_BYTES);
  writeNumber(page, header.sn, BODY);
  page.write(header.id, BODY + 8, 16, 'hex');
  writeNumber(page, header.bytes, BODY + 24);
  page.set(header.incarnation, BODY + 32);
  return seal('checkpoint', BODY + 48, page);
}

/** @returns undefined where `page` is not a sound checkpoint header. */
export function decodeCheckpointHeader(page: Buffer, where?: string): CheckpointHeader | undefined {
  if (!isSound('checkpoint', page, where)) return undefined;
  return {
    sn: sequence(readNumber(page, BODY)),
    id: page.toString('hex', BODY + 8, BODY + 24),
    bytes: readNumber(page, BODY + 24),
    incarnation: Uint8Array.from(page.subarray(BODY + 32, BODY + 48)),
  };
}

function seal(kind: PageKind, end: number, page: Buffer): Buffer {
  page.writeUInt32LE(MAGIC[kind], 0);
  page.writeUInt16LE(VERSION, 4);
  page.writeUInt32LE(end - BODY, 12);
  sealChecksum(page);
  return page;
}

/** @throws `failed_precondition` (`needs version`) for a sound page of a later version. */
function isSound(kind: PageKind, page: Buffer, where?: string): boolean {
  if (page.length !== PAGE_BYTES || page.readUInt32LE(0) !== MAGIC[kind]) return false;
  if (!isChecksumRight(page)) return false;
  const version = page.readUInt16LE(4);
  if (version > VERSION) throw needsVersion(`${kind} page`, version, VERSION, where);
  return true;
}

const POINT_BYTES = 40;
const PLACE_BYTES = 24 + POINT_BYTES;

function writePoint(page: Buffer, point: ChainPoint, at: number): number {
  writeNumber(page, point.sn, at);
  page.set(point.hash, at + 8);
  return at + POINT_BYTES;
}

function readPoint(page: Buffer, at: number): ChainPoint {
  return { sn: sequence(readNumber(page, at)), hash: Uint8Array.from(page.subarray(at + 8, at + POINT_BYTES)) };
}

function writePlace(page: Buffer, place: Place, at: number): number {
  writeNumber(page, place.epoch, at);
  writeNumber(page, place.segment, at + 8);
  writeNumber(page, place.offset, at + 16);
  return writePoint(page, place.point, at + 24);
}

function readPlace(page: Buffer, at: number): Place {
  return {
    epoch: readNumber(page, at),
    segment: readNumber(page, at + 8),
    offset: readNumber(page, at + 16),
    point: readPoint(page, at + 24),
  };
}
