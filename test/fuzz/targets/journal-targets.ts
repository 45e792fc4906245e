/**
 * The stored formats of the journal. Each sealed one is tried twice: as it comes, where nothing but what was sealed may be accepted; and sealed anew
 * after it was changed, as if the damage had been there before the checksum, where it may be accepted but must break nothing.
 */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { BATCH_BYTES_LIMIT, encodeBatch, parseBatch, type StoredBatch } from '../../../src/journal/batch-format.js';
import { decodeManifest, encodeManifest } from '../../../src/journal/checkpoint-manifest.js';
import { decodeFormat, encodeFormat } from '../../../src/journal/format-file.js';
import { encodeRetention, parseObject, parseRetention, sealEnvelope } from '../../../src/journal/object-format.js';
import {
  decodeCheckpointHeader,
  decodeMark,
  decodeSegmentHeader,
  decodeSlot,
  encodeCheckpointHeader,
  encodeMark,
  encodeSegmentHeader,
  encodeSlot,
} from '../../../src/journal/page-format.js';
import { sealChecksum } from '../../../src/journal/stored-bytes.js';
import { decodeTrailer, encodeTrailer, TRAILER_BYTES } from '../../../src/journal/trailer-format.js';
import { goldenBytes, goldenFile } from '../golden-bytes.js';
import { assertSameBytes, type Target } from '../target.js';

const CORRUPT = ['corrupt', 'failed_precondition'] as const;

/** A format that has one form: what is decoded, encoded, is the same bytes. */
interface Sealed {
  readonly name: string;
  readonly golden: readonly string[];
  /** Shorter inputs are no such thing. */
  readonly bytesMin: number;
  readonly seal: (bytes: Buffer) => void;
  /** @returns what writes it once more; undefined for what is none. */
  readonly decode: (bytes: Buffer) => (() => Uint8Array) | undefined;
}

const page = <T>(name: string, decode: (bytes: Buffer) => T | undefined, encode: (value: T) => Buffer): Sealed => ({
  name,
  golden: [`${name}-1.hex`],
  bytesMin: 16,
  seal: sealChecksum,
  decode: (bytes) => {
    const value = decode(bytes);
    return value === undefined ? undefined : () => encode(value);
  },
});

const FORMATS: readonly Sealed[] = [
  page('slot', decodeSlot, encodeSlot),
  page('mark', decodeMark, encodeMark),
  page('segment', decodeSegmentHeader, encodeSegmentHeader),
  page('checkpoint', decodeCheckpointHeader, encodeCheckpointHeader),
  {
    ...page('trailer', (bytes) => decodeTrailer(bytes, 0), encodeTrailer),
    decode: (bytes) => {
      const trailer = decodeTrailer(bytes, 0);
      return trailer === undefined ? undefined : () => Buffer.concat([encodeTrailer(trailer), bytes.subarray(TRAILER_BYTES)]);
    },
  },
  { name: 'batch', golden: ['batch-1.hex'], bytesMin: 16, seal: sealFirstBatch, decode: decodeBatch },
  { name: 'object', golden: ['object-1.hex'], bytesMin: 49, seal: sealObject, decode: decodeObject },
  {
    name: 'boundary',
    golden: ['boundary-1.hex'],
    bytesMin: 16,
    seal: sealChecksum,
    decode: (bytes) => {
      const retention = parseRetention(bytes, 'boundary');
      return () => encodeRetention(retention);
    },
  },
  {
    name: 'format',
    golden: ['format-1.hex'],
    bytesMin: 0,
    seal: sealLines,
    decode: (bytes) => {
      const format = decodeFormat(bytes, 'FORMAT');
      // What fills the page up says nothing, and is not in the checksum.
      return () => {
        const encoded = encodeFormat(format);
        const textEnd = encoded.indexOf('crc=') + 12;
        return Buffer.concat([encoded.subarray(0, textEnd), bytes.subarray(textEnd)]);
      };
    },
  },
];

export const journalTargets: readonly Target[] = [
  ...FORMATS.flatMap(({ name, golden, bytesMin, seal, decode }): Target[] => [
    {
      name,
      refusals: CORRUPT,
      seeds: () => golden.map(goldenBytes),
      run(input) {
        const encode = decode(input);
        if (encode !== undefined) assertSameBytes(encode(), input, name);
      },
    },
    {
      name: `${name}-sealed-anew`,
      refusals: CORRUPT,
      seeds: () => golden.map(goldenBytes),
      run(input) {
        if (input.length < bytesMin) return;
        seal(input);
        decode(input);
      },
    },
  ]),
  {
    name: 'checkpoint-manifest',
    refusals: CORRUPT,
    words: ['parts=', 'bytes=', 'version=', '\n', ' '],
    seeds: () => [goldenFile('checkpoint-manifest-1.txt'), encodeManifest({ parts: 0, bytes: 0 })],
    run(input) {
      const manifest = decodeManifest(input, 'manifest');
      assert(Number.isSafeInteger(manifest.parts) && Number.isSafeInteger(manifest.bytes), 'numbers that are none were accepted');
    },
  },
];

function decodeBatch(bytes: Buffer): (() => Buffer) | undefined {
  const parsed = parseBatch(bytes, 0, 'file=x');
  if (parsed.kind === 'short') assert(parsed.bytes > bytes.length && parsed.bytes <= BATCH_BYTES_LIMIT, 'it asks for what it has');
  if (parsed.kind !== 'batch') return undefined;
  return () => Buffer.concat([encoded(parsed.stored), bytes.subarray(parsed.stored.bytes.length)]);
}

function decodeObject(bytes: Buffer): () => Buffer {
  const { stored, ...envelope } = parseObject(bytes, 'slot');
  return () => {
    const batch = encoded(stored);
    const object = Buffer.concat([Buffer.alloc(bytes.length - batch.length), batch]);
    sealEnvelope(object, envelope);
    return object;
  };
}

function encoded({ batch, writerId, committedSn, bytes }: StoredBatch): Buffer {
  const previous = { sn: (batch.firstSn - 1) as never, hash: batch.previousHash };
  const header = { epoch: batch.epoch, writerId, previous, committedSn, timeMs: batch.timeMs };
  return encodeBatch(Buffer.alloc(bytes.length + 104), header, batch.entries).bytes;
}

/** Over as many bytes as it says that it has. */
function sealFirstBatch(bytes: Buffer): void {
  const said = bytes.readUInt16LE(6) + bytes.readUInt32LE(12);
  if (said >= 16 && said <= bytes.length) sealChecksum(bytes.subarray(0, said));
}

function sealObject(bytes: Buffer): void {
  const headBytes = bytes.readUInt16LE(6);
  if (headBytes < 16 || headBytes + 16 > bytes.length) return;
  bytes.writeUInt32LE(bytes.length - headBytes, 12);
  sealFirstBatch(bytes.subarray(headBytes));
  sealChecksum(bytes.subarray(0, headBytes));
}

/** Text that ends in a line `crc=` of the lines before it. */
export function sealLines(bytes: Buffer): void {
  const end = bytes.lastIndexOf('\ncrc=') + 1;
  if (end === 0 || end + 12 > bytes.length) return;
  const lines = bytes.toString('utf8', 0, end);
  bytes.write(crc32(lines).toString(16).padStart(8, '0'), end + 4, 'latin1');
}
