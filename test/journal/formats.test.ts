/** The stored formats: what was written once can be read for ever (golden files, one per version), and garbage is told from it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { epoch, sequence } from '../../src/base/ids.js';
import { decodeHolder, encodeHolder, TERM_PAGE_BYTES } from '../../src/election/term-store.js';
import { type BatchHeader, batchBytes, encodeBatch, parseBatch } from '../../src/journal/batch-format.js';
import type { Retention } from '../../src/journal/checkpoints.js';
import { decodeFormat, encodeFormat } from '../../src/journal/format-file.js';
import { ENVELOPE_BYTES, encodeRetention, parseObject, parseRetention, sealEnvelope } from '../../src/journal/object-format.js';
import {
  type CheckpointHeader,
  decodeCheckpointHeader,
  decodeMark,
  decodeSegmentHeader,
  decodeSlot,
  encodeCheckpointHeader,
  encodeMark,
  encodeSegmentHeader,
  encodeSlot,
  FENCE_PAGE,
  type Mark,
  type Place,
  type SegmentHeader,
  type Slot,
} from '../../src/journal/page-format.js';
import { decodeTrailer, encodeTrailer } from '../../src/journal/trailer-format.js';
import { goldenBytes } from '../golden/golden.js';

const point = (sn: number) => ({ sn: sequence(sn), hash: new Uint8Array(32).fill(sn % 251) });
const place = (epoch: number, sn: number): Place => ({ epoch, segment: 3, offset: 2 ** 33 + 4096, point: point(sn) });
const header: BatchHeader = {
  epoch: 7,
  writerId: new Uint8Array(16).fill(9),
  previous: point(2 ** 40),
  committedSn: 2 ** 40 - 3,
  timeMs: 1_700_000_000_123,
};
const entries = [Buffer.from('first'), Buffer.alloc(0), Buffer.from([0, 255, 1])];
const slot: Slot = { epoch: 7, base: place(5, 2 ** 40), copiesEnd: place(7, 2 ** 40 + 5) };
const mark: Mark = {
  epoch: 7,
  counter: 12,
  committed: place(7, 2 ** 41),
  retention: { boundary: { epoch: epoch(4), point: point(99) }, checkpoints: [{ sn: sequence(500), id: '01'.repeat(16) }] },
};
const segment: SegmentHeader = {
  epoch: 7,
  segment: 2,
  sizeBytes: 64 << 20,
  incarnation: new Uint8Array(16).fill(4),
  batchBytesMax: 8 << 20,
};
const checkpoint: CheckpointHeader = {
  sn: sequence(500),
  id: '01'.repeat(16),
  bytes: 3 * 2 ** 30,
  incarnation: new Uint8Array(16).fill(4),
};
const trailer = { epoch: 7, successor: 3, end: point(777) };
const format = { clusterId: 'cluster-1', incarnationId: 'ab'.repeat(16) };

const envelope = { slot: 2 ** 40, isClaim: true, putId: new Uint8Array(16).fill(6) };
const retention: Retention = {
  checkpoints: [
    { sn: sequence(500), id: 'ab'.repeat(16) },
    { sn: sequence(400), id: 'cd'.repeat(16) },
  ],
  boundary: { epoch: epoch(4), point: point(399) },
};
const holder = { resigned: true, counter: 2 ** 40, nonce: Buffer.alloc(16, 3), rpcAddress: 'host-ü:19998' };

function encodeObject(): Buffer {
  const batch = encodeBatch(Buffer.alloc(batchBytes(entries)), header, entries).bytes;
  const object = Buffer.concat([Buffer.alloc(ENVELOPE_BYTES), batch]);
  sealEnvelope(object, envelope);
  return object;
}

function encodeTerm(): Buffer {
  const page = Buffer.alloc(TERM_PAGE_BYTES);
  encodeHolder(page, holder);
  return page;
}

const FORMATS: Record<string, { bytes: Buffer; check(bytes: Buffer): void }> = {
  batch: {
    bytes: Buffer.from(encodeBatch(Buffer.alloc(batchBytes(entries)), header, entries).bytes),
    check: (bytes) => {
      const parsed = parseBatch(bytes, 0);
      if (parsed.kind !== 'batch') throw new Error(parsed.kind);
      const { batch, committedSn } = parsed.stored;
      expect(batch.entries).toEqual(entries);
      expect([batch.epoch, batch.firstSn, batch.timeMs, committedSn]).toEqual([7, 2 ** 40 + 1, header.timeMs, header.committedSn]);
      expect(Uint8Array.from(batch.previousHash)).toEqual(header.previous.hash);
    },
  },
  slot: { bytes: encodeSlot(slot), check: (bytes) => expect(decodeSlot(bytes)).toEqual(slot) },
  checkpoint: { bytes: encodeCheckpointHeader(checkpoint), check: (bytes) => expect(decodeCheckpointHeader(bytes)).toEqual(checkpoint) },
  mark: { bytes: encodeMark(mark), check: (bytes) => expect(decodeMark(bytes)).toEqual(mark) },
  fence: { bytes: FENCE_PAGE, check: (bytes) => expect(bytes).toEqual(FENCE_PAGE) },
  segment: { bytes: encodeSegmentHeader(segment), check: (bytes) => expect(decodeSegmentHeader(bytes)).toEqual(segment) },
  trailer: { bytes: encodeTrailer(trailer), check: (bytes) => expect(decodeTrailer(bytes, 0)).toEqual(trailer) },
  object: {
    bytes: encodeObject(),
    check: (bytes) => {
      const { stored, bytes: length, ...rest } = parseObject(bytes, 'log/1');
      expect({ ...rest, putId: Uint8Array.from(rest.putId) }).toEqual(envelope);
      expect(length).toBe(bytes.length);
      expect(stored.batch.entries).toEqual(entries);
    },
  },
  boundary: {
    bytes: encodeRetention(retention),
    check: (bytes) => expect(parseRetention(bytes, 'boundary/1')).toEqual(retention),
  },
  term: { bytes: encodeTerm(), check: (bytes) => expect(decodeHolder(bytes)).toEqual(holder) },
  format: { bytes: encodeFormat(format), check: (bytes) => expect(decodeFormat(bytes, 'FORMAT')).toEqual(format) },
};

describe.each(Object.entries(FORMATS))('format of the %s', (name, { bytes, check }) => {
  test('version 1: reads as it was written once, and is written so still', () => {
    check(goldenBytes(`${name}-1.hex`, bytes));
  });

  test('any byte changed: is not taken for sound', () => {
    if (name === 'fence') return expect(bytes.some((byte) => byte !== 0)).toBe(true);
    const end = name === 'format' ? bytes.toString('latin1').indexOf('\n', bytes.toString('latin1').indexOf('crc=')) : bytes.length;
    for (let at = 0; at < end; at += at < 300 ? 1 : 61) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      expect(() => check(changed), `byte ${at}`).toThrow();
    }
  });
});

test('batch: of any entries, comes back; any prefix of it does not', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20 }), fc.nat(), (some, cut) => {
      const { bytes, hash } = encodeBatch(Buffer.alloc(batchBytes(some)), header, some);
      const parsed = parseBatch(bytes, 0);
      expect(parsed.kind).toBe('batch');
      if (parsed.kind !== 'batch') return;
      expect(parsed.stored.batch.entries.map((entry) => Uint8Array.from(entry))).toEqual(some.map((entry) => Uint8Array.from(entry)));
      expect(Buffer.compare(parsed.stored.batch.hash, hash)).toBe(0);
      expect(parseBatch(bytes.subarray(0, cut % bytes.length), 0).kind).toBe('short');
      const torn = Buffer.concat([bytes.subarray(0, cut % bytes.length), Buffer.alloc(bytes.length + 200 - (cut % bytes.length))]);
      if (Buffer.compare(torn.subarray(0, bytes.length), bytes) !== 0) expect(parseBatch(torn, 0).kind).not.toBe('batch');
    }),
  );
});

test('batch: garbage of any kind, is never taken for one and never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (garbage, isMagic) => {
      const bytes = Buffer.from(garbage);
      if (isMagic && bytes.length >= 4) bytes.write('UJB\x01', 'latin1');
      expect(['nothing', 'short', 'bad']).toContain(parseBatch(bytes, 0).kind);
    }),
  );
});
