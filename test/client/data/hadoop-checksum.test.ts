import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hadoopChecksum } from '../../../src/client/data/hadoop-checksum.js';

async function* inRuns(bytes: Uint8Array, runs: readonly number[]) {
  let at = 0;
  for (const run of runs) {
    if (run > 0 && at < bytes.length) yield bytes.subarray(at, at + run);
    at += run;
  }
  if (at < bytes.length) yield bytes.subarray(at);
}

const slices = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest();

/** As FileChecksumHelper of Hadoop says it, from the whole. */
function expected(bytes: Buffer, blockBytes: number): string {
  const blocks = slices(bytes, blockBytes).map((block) => {
    const crcs = slices(block, 512).map((chunk) => {
      const crc = Buffer.alloc(4);
      crc.writeUInt32BE(crc32(chunk));
      return crc;
    });
    return md5(Buffer.concat(crcs));
  });
  let buffer = 32;
  while (buffer < 16 * blocks.length) buffer *= 2;
  return md5(Buffer.concat([...blocks], buffer)).toString('hex');
}

describe('hadoopChecksum', () => {
  it('an empty file: the value that HDFS has for it', async () => {
    const told = await hadoopChecksum(inRuns(new Uint8Array(0), []), 1024);
    expect(told).toEqual({ algorithm: 'MD5-of-0MD5-of-0CRC32', bytes: `${'0'.repeat(24)}70bc8f4b72a86921468bf8e8441dce51`, length: 28 });
  });

  it('any contents, in any runs: as it is said from the whole', async () => {
    const contents = fc.uint8Array({ maxLength: 9_000, size: 'max' });
    const property = fc.asyncProperty(
      contents,
      fc.constantFrom(512, 1024, 4096),
      fc.array(fc.nat(3_000), { maxLength: 8 }),
      async (bytes, block, runs) => {
        const told = await hadoopChecksum(inRuns(bytes, runs), block);
        if (bytes.length === 0) return;
        const perBlock = bytes.length > block ? block / 512 : 0;
        expect(told.algorithm).toBe(`MD5-of-${perBlock}MD5-of-512CRC32`);
        expect(told.bytes).toBe(`00000200${perBlock.toString(16).padStart(16, '0')}${expected(Buffer.from(bytes), block)}`);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });
});
