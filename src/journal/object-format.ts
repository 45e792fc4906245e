/**
 * The bytes of one object of the log: an envelope, then the batch (batch-format.ts), which is the same on every kind of storage. Numbers
 * are little-endian; 8-byte numbers are below 2^53.
 *
 *     0   4  magic "UJO\x01"
 *     4   2  version                      these first 16 bytes stay where they are in every version
 *     6   2  envelope bytes, H            a later version may append fields: readers pass over what they do not know
 *     8   4  CRC-32 of all other bytes of the envelope
 *    12   4  batch bytes
 *    16   8  slot
 *    24   1  1: the batch is a claim, and the object is never deleted; else 0
 *    25   7  zero
 *    32  16  put id, random: whoever is told nothing of its PUT's outcome knows its object by this
 *    48      the batch
 *
 * And of a boundary, which says what is kept (checkpoints.ts):
 *
 *     0   4  magic "UJR\x01"
 *     4   2  version
 *     6   2  zero
 *     8   4  CRC-32 of all other bytes
 *    12   4  number of checkpoints, N
 *    16   8  epoch of the batch at the boundary; 0: nothing may be collected
 *    24   8  its last sequence number
 *    32  32  its hash
 *    64      N times: sequence number (8), id (16)
 */
import { UnderstudyError } from '../base/errors.js';
import { epoch, sequence } from '../base/ids.js';
import { needsVersion } from '../base/needs-version.js';
import { parseBatch, type StoredBatch } from './batch-format.js';
import { CHECKPOINTS_KEPT_MAX, type Retention } from './checkpoints.js';
import { isChecksumRight, readNumber, sealChecksum, writeNumber } from './stored-bytes.js';

export const ENVELOPE_BYTES = 48;
const VERSION = 1;
const OBJECT_MAGIC = Buffer.from('UJO\x01', 'latin1');
const RETENTION_MAGIC = Buffer.from('UJR\x01', 'latin1');
const RETENTION_HEADER_BYTES = 64;
const REF_BYTES = 24;

export interface Envelope {
  readonly slot: number;
  readonly isClaim: boolean;
  /** 16 bytes. */
  readonly putId: Uint8Array;
}

/** What stands in a slot. */
export interface SlotObject extends Envelope {
  readonly stored: StoredBatch;
  readonly bytes: number;
}

/** Writes the envelope to the front of `object`, whose batch stands behind it already. */
export function sealEnvelope(object: Buffer, envelope: Envelope): void {
  const head = object.subarray(0, ENVELOPE_BYTES).fill(0);
  OBJECT_MAGIC.copy(head, 0);
  head.writeUInt16LE(VERSION, 4);
  head.writeUInt16LE(ENVELOPE_BYTES, 6);
  head.writeUInt32LE(object.length - ENVELOPE_BYTES, 12);
  writeNumber(head, envelope.slot, 16);
  head.writeUInt8(envelope.isClaim ? 1 : 0, 24);
  head.set(envelope.putId, 32);
  sealChecksum(head);
}

/** @throws `corrupt`, naming `object`; `failed_precondition` (`needs version`). */
export function parseObject(bytes: Buffer, object: string): SlotObject {
  const head = bytes.subarray(0, bytes.length < 8 ? 0 : bytes.readUInt16LE(6));
  if (bytes.length < ENVELOPE_BYTES || head.length < ENVELOPE_BYTES || !OBJECT_MAGIC.equals(head.subarray(0, 4))) {
    throw corrupt('no envelope', object, 0);
  }
  if (!isChecksumRight(head)) throw corrupt('checksum of the envelope', object, 0);
  checkVersion(head.readUInt16LE(4), object);
  if (head.readUInt32LE(12) !== bytes.length - head.length) throw corrupt('another length than its envelope says', object, head.length);
  const parsed = parseBatch(bytes, head.length, `object=${object}`);
  if (parsed.kind !== 'batch') throw corrupt(parsed.kind === 'bad' ? parsed.reason : 'no batch', object, head.length);
  const { stored } = parsed;
  if (stored.bytes.length !== bytes.length - head.length) throw corrupt('more than its batch', object, head.length);
  return {
    slot: readNumber(head, 16),
    isClaim: head.readUInt8(24) === 1,
    putId: Buffer.from(head.subarray(32, ENVELOPE_BYTES)),
    stored,
    bytes: bytes.length,
  };
}

export function encodeRetention(retention: Retention): Buffer {
  const { checkpoints, boundary } = retention;
  const bytes = Buffer.alloc(RETENTION_HEADER_BYTES + REF_BYTES * checkpoints.length);
  RETENTION_MAGIC.copy(bytes, 0);
  bytes.writeUInt16LE(VERSION, 4);
  bytes.writeUInt32LE(checkpoints.length, 12);
  if (boundary !== null) {
    writeNumber(bytes, boundary.epoch, 16);
    writeNumber(bytes, boundary.point.sn, 24);
    bytes.set(boundary.point.hash, 32);
  }
  checkpoints.forEach(({ sn, id }, index) => {
    writeNumber(bytes, sn, RETENTION_HEADER_BYTES + REF_BYTES * index);
    bytes.write(id, RETENTION_HEADER_BYTES + REF_BYTES * index + 8, 'hex');
  });
  sealChecksum(bytes);
  return bytes;
}

/** @throws as `parseObject`. */
export function parseRetention(bytes: Buffer, object: string): Retention {
  if (bytes.length < RETENTION_HEADER_BYTES || !RETENTION_MAGIC.equals(bytes.subarray(0, 4)) || !isChecksumRight(bytes)) {
    throw corrupt('no sound boundary', object, 0);
  }
  checkVersion(bytes.readUInt16LE(4), object);
  const count = bytes.readUInt32LE(12);
  if (count > CHECKPOINTS_KEPT_MAX || bytes.length < RETENTION_HEADER_BYTES + REF_BYTES * count) {
    throw corrupt('impossible number of checkpoints', object, 12);
  }
  const checkpoints = Array.from({ length: count }, (_, index) => {
    const at = RETENTION_HEADER_BYTES + REF_BYTES * index;
    return { sn: sequence(readNumber(bytes, at)), id: bytes.toString('hex', at + 8, at + REF_BYTES) };
  });
  const number = readNumber(bytes, 16);
  const point = { sn: sequence(readNumber(bytes, 24)), hash: Uint8Array.from(bytes.subarray(32, 64)) };
  return { checkpoints, boundary: number === 0 ? null : { epoch: epoch(number), point } };
}

function checkVersion(version: number, object: string): void {
  if (version > VERSION) throw needsVersion('object', version, VERSION, `object=${object}`);
}

function corrupt(reason: string, object: string, offset: number): UnderstudyError {
  return new UnderstudyError('corrupt', `an object of the journal is damaged: ${reason} object=${object} offset=${offset}`);
}
