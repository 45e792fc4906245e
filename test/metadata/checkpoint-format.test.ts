import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isError } from '../../src/base/errors.js';
import type { KvRows } from '../../src/kv/kv-store.js';
import {
  BLOCK_BYTES,
  CHECKPOINT_VERSION,
  type CheckpointHead,
  encodeBlock,
  encodeEnd,
  encodeHead,
  RowBlock,
} from '../../src/metadata/checkpoint-format.js';
import { CheckpointReader } from '../../src/metadata/checkpoint-reader.js';
import { encodeCheckpoint } from '../../src/metadata/checkpoint-writer.js';
import { DigestSum } from '../../src/metadata/digest.js';

const HEAD = {
  clusterId: 'cluster',
  sn: 1_234_567_890_123,
  hash: new Uint8Array(32).fill(7),
  epoch: 42,
  timeMs: 1_700_000_000_000,
  leaderAddress: 'host:19998',
};
const noRest = async () => {};

function headOf(rows: KvRows): CheckpointHead {
  const sum = new DigestSum();
  for (const [key, value] of rows) sum.add(key, value);
  return { ...HEAD, digest: sum.value() };
}

async function* inChunks<T>(items: readonly T[], size: number): AsyncGenerator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function encoded(rows: KvRows, head = headOf(rows)): Promise<Buffer> {
  return Buffer.concat(await all(encodeCheckpoint(head, inChunks(rows, 100), noRest)));
}

async function decoded(bytes: Buffer, size = bytes.length): Promise<{ head: CheckpointHead; rows: KvRows }> {
  await using reader = await CheckpointReader.open(pieces(bytes, Math.max(size, 1)));
  return { head: reader.head, rows: (await all(reader.rows())).flat() };
}

const refusal = (bytes: Buffer) =>
  decoded(bytes).then(
    () => 'accepted',
    (error) => (isError(error) ? error.code : `defect: ${error}`),
  );

/** Rows as a state has them: keys of its letters, ascending. */
const anyRows = fc
  .uniqueArray(
    fc.tuple(
      fc.constantFrom(0x63, 0x64, 0x70, 0x73, 0x78),
      fc.uint8Array({ minLength: 1, maxLength: 20 }),
      fc.uint8Array({ maxLength: 300 }),
    ),
    {
      selector: ([letter, rest]) => Buffer.from([letter, ...rest]).toString('hex'),
      maxLength: 200,
    },
  )
  .map((made) =>
    made
      .map(([letter, rest, value]) => [Buffer.from([letter, ...rest]), Buffer.from(value)] as const)
      .sort(([a], [b]) => Buffer.compare(a, b)),
  );

const manyRows = (count: number): KvRows =>
  Array.from({ length: count }, (_, at) => {
    const key = Buffer.alloc(9, 0x64);
    key.writeUInt32BE(at, 5);
    return [key, createHash('sha512').update(key).digest()] as const;
  });

describe('checkpoint', () => {
  it('any rows, in chunks of any size: come back as they were, with the head', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, fc.integer({ min: 1, max: 5_000 }), async (rows, size) => {
        const there = await decoded(await encoded(rows), size);
        expect(there.head).toEqual(headOf(rows));
        expect(there.rows.map((row) => row.map((part) => Buffer.from(part)))).toEqual(rows);
      }),
      { numRuns: 100 },
    );
  });

  it('more than one block: comes in pieces of a bounded size, and goes back in such', async () => {
    const rows = manyRows(20_000);
    const parts = await all(encodeCheckpoint(headOf(rows), inChunks(rows, 1_000), noRest));
    expect(parts.length).toBeGreaterThan(5);
    expect(Math.max(...parts.map((part) => part.length))).toBeLessThan(BLOCK_BYTES + 1_024);
    expect((await decoded(Buffer.concat(parts), 10_000)).rows.length).toBe(20_000);
  });

  it('rows whose digest is another: no end, so no checkpoint', async () => {
    const rows = manyRows(50);
    const parts: Uint8Array[] = [];
    const writing = (async () => {
      for await (const part of encodeCheckpoint(headOf(rows), inChunks(rows.slice(1), 10), noRest)) parts.push(part);
    })();
    await expect(writing).rejects.toMatchObject({ code: 'corrupt' });
    expect(await refusal(Buffer.concat(parts))).toBe('corrupt');
  });

  it('cut off anywhere: refused', async () => {
    const bytes = await encoded(manyRows(30));
    for (let length = 0; length < bytes.length; length++)
      expect(await refusal(bytes.subarray(0, length)), `length ${length}`).toBe('corrupt');
    expect(await refusal(Buffer.concat([bytes, Buffer.alloc(1)]))).toBe('corrupt');
    expect(await refusal(Buffer.concat([bytes, bytes]))).toBe('corrupt');
  });

  it('any bit flipped: refused, with the offset of its block', async () => {
    const bytes = await encoded(manyRows(30));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(await refusal(flipped), `bit ${bit}`).toBe('corrupt');
    }
    const flipped = Buffer.from(bytes);
    flipped[bytes.length - 1]! ^= 1;
    await expect(decoded(flipped)).rejects.toThrow(`offset=${bytes.length - 60}`);
  });

  it('sound blocks that do not make a whole: refused', async () => {
    const rows = manyRows(4);
    const head = headOf(rows);
    const row = (from: number, to: number) => {
      const block = new RowBlock();
      for (const [key, value] of rows.slice(from, to)) block.add(key, value);
      return block.take();
    };
    const made = (blocks: readonly Buffer[], count: number) => {
      const first = encodeBlock('head', encodeHead(head), CHECKPOINT_VERSION);
      const before = Buffer.concat([first, ...blocks]);
      const end = { rows: count, sha256: createHash('sha256').update(before).digest() };
      return Buffer.concat([before, encodeBlock('end', encodeEnd(end), 0)]);
    };
    expect(await refusal(made([row(0, 2), row(2, 4)], 4))).toBe('accepted');
    const bad = {
      'a block missing': made([row(0, 2)], 4),
      'a block missing, and the count set right': made([row(0, 2)], 2),
      'blocks in another order': made([row(2, 4), row(0, 2)], 4),
      'a block twice': made([row(0, 2), row(0, 2), row(2, 4)], 6),
      'no rows': made([], 0),
      'a second head': made([encodeBlock('head', encodeHead(head), CHECKPOINT_VERSION), row(0, 4)], 4),
      'a row that is none of the state': (() => {
        const own = new RowBlock();
        own.add(Buffer.from('!applied'), Buffer.alloc(3));
        return made([own.take(), row(0, 4)], 5);
      })(),
    };
    for (const [what, bytes] of Object.entries(bad)) expect(await refusal(bytes), what).toBe('corrupt');
  });

  it('a later version of the format: says that it is needed', async () => {
    const block = encodeBlock('head', encodeHead(headOf([])), CHECKPOINT_VERSION + 1);
    await expect(decoded(block)).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('needs version') });
  });

  it('the file of version 1: is read for good', async () => {
    const golden = readFileSync(path.join(import.meta.dirname, '..', 'golden', 'checkpoint-1.ckpt'));
    const { head, rows } = await decoded(golden);
    expect(head).toEqual(headOf(manyRows(100)));
    expect(rows.map((row) => row.map((part) => Buffer.from(part)))).toEqual(manyRows(100));
  });
});
