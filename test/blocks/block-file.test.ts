import { appendFileSync, closeSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { systemFiles } from '../../src/base/system-file.js';
import { BlockFile, blockFileBytes, encodeTail } from '../../src/blocks/block-file.js';
import type { BlockId } from '../../src/blocks/block-id.js';
import { CHUNK_BYTES } from '../../src/blocks/block-store.js';
import { checksumsOf } from '../../src/blocks/chunk-checksums.js';
import { blockId, contentsOf } from '../worker/blocks.js';
import { newFolder } from '../worker/stores.js';

const ID = blockId(77, 3, 2);

function makeFile(length: number): { readonly filePath: string; readonly bytes: Buffer; readonly whole: Buffer } {
  const filePath = path.join(newFolder(), 'block');
  const bytes = contentsOf(ID, length);
  const whole = Buffer.concat([bytes, encodeTail(ID, length, checksumsOf(bytes))]);
  writeFileSync(filePath, whole);
  return { filePath, bytes, whole };
}

function withFlipped(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(Math.floor(bit / 8)) ^ (1 << (bit % 8)), Math.floor(bit / 8));
  return flipped;
}

async function readAll(filePath: string, length: number, id: BlockId = ID): Promise<Buffer> {
  await using file = await BlockFile.open(systemFiles, filePath, id, length);
  const parts: Uint8Array[] = [];
  for await (const piece of file.pieces(0, length)) parts.push(piece.bytes);
  return Buffer.concat(parts);
}

describe("a block's file", () => {
  test('any bit of it flipped: it is corrupt, and says so before a byte of that chunk is given out', async () => {
    const { filePath, bytes, whole } = makeFile(150);
    expect(whole.length).toBe(blockFileBytes(150));
    expect((await readAll(filePath, 150)).equals(bytes)).toBe(true);
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      writeFileSync(filePath, withFlipped(whole, bit));
      await expect(readAll(filePath, 150), `bit ${bit}`).rejects.toMatchObject({ code: 'corrupt' });
    }
  });

  test('of several chunks, any bit of what follows them, and one of every 13th byte of them (LONG=1: of each): it is corrupt', {
    timeout: process.env.LONG === undefined ? 120_000 : 600_000,
  }, async () => {
    const length = 2 * CHUNK_BYTES + 100;
    const { filePath, whole } = makeFile(length);
    for (let bit = 8 * length; bit < 8 * whole.length; bit++) {
      writeFileSync(filePath, withFlipped(whole, bit));
      await expect(readAll(filePath, length), `bit ${bit}`).rejects.toMatchObject({ code: 'corrupt' });
    }
    writeFileSync(filePath, whole);
    await using file = await BlockFile.open(systemFiles, filePath, ID, length);
    const descriptor = openSync(filePath, 'r+');
    for (let at = 0; at < length; at += process.env.LONG === undefined ? 13 : 1) {
      writeSync(descriptor, withFlipped(whole.subarray(at, at + 1), at % 8), 0, 1, at);
      const read = await file
        .pieces(at, 1)
        .next()
        .then(
          () => 'was read',
          (error: { code: string }) => error.code,
        );
      if (read !== 'corrupt') expect.fail(`byte ${at} ${read}`);
      writeSync(descriptor, whole, at, 1, at);
    }
    closeSync(descriptor);
  });

  test('a byte flipped in one chunk of several: the others are read, that one is not', async () => {
    const length = 5 * CHUNK_BYTES + 100;
    const { filePath, bytes, whole } = makeFile(length);
    whole.writeUInt8(whole.readUInt8(3 * CHUNK_BYTES + 9) ^ 1, 3 * CHUNK_BYTES + 9);
    writeFileSync(filePath, whole);
    await using file = await BlockFile.open(systemFiles, filePath, ID, length);
    for await (const piece of file.pieces(4 * CHUNK_BYTES + 1, length)) {
      expect(piece.offset).toBe(4 * CHUNK_BYTES);
      expect(bytes.subarray(piece.offset).equals(piece.bytes)).toBe(true);
    }
    await expect(file.pieces(3 * CHUNK_BYTES, 1).next()).rejects.toMatchObject({
      code: 'corrupt',
      message: new RegExp(`offset=${3 * CHUNK_BYTES}`),
    });
  });

  test.each([150, CHUNK_BYTES + 1])(
    "%d bytes, cut off somewhere, filled up with zeros, or taken for another's or of another length: it is corrupt",
    async (length) => {
      const { filePath, whole } = makeFile(length);
      for (const id of [blockId(78, 3, 2), blockId(77, 4, 2), blockId(77, 3, 1)]) {
        await expect(readAll(filePath, length, id)).rejects.toMatchObject({ code: 'corrupt' });
      }
      for (const other of [length - 1, length + 1]) await expect(readAll(filePath, other)).rejects.toMatchObject({ code: 'corrupt' });
      for (const bytes of [whole.length - 1, length, length - 1, 1, 0]) {
        truncateSync(filePath, bytes);
        await expect(readAll(filePath, length)).rejects.toMatchObject({ code: 'corrupt' });
        appendFileSync(filePath, Buffer.alloc(whole.length - bytes)); // as a power cut leaves it
        await expect(readAll(filePath, length)).rejects.toMatchObject({ code: 'corrupt' });
        writeFileSync(filePath, whole);
      }
      expect(readFileSync(filePath).equals(whole)).toBe(true);
      await expect(readAll(`${filePath}.missing`, length)).rejects.toMatchObject({ code: 'unavailable' });
    },
  );

  test('one of a later version: it is refused as such', async () => {
    const { filePath, whole } = makeFile(10);
    whole.writeUInt8(2, whole.length - 5);
    whole.writeUInt32LE(crc32(whole.subarray(10, whole.length - 4)), whole.length - 4);
    writeFileSync(filePath, whole);
    await expect(readAll(filePath, 10)).rejects.toMatchObject({ code: 'failed_precondition', message: /needs version/ });
  });
});
