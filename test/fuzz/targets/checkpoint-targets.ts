/** Checkpoints, and the sums that protect them: blocks as they come, and blocks whose own checksums are right again. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { BLOCK_HEADER_BYTES } from '../../../src/metadata/checkpoint-format.js';
import { CheckpointReader } from '../../../src/metadata/checkpoint-reader.js';
import { goldenFile } from '../golden-bytes.js';
import type { Target } from '../target.js';

const seeds = () => [goldenFile('checkpoint-1.ckpt')];

export const checkpointTargets: readonly Target[] = [
  {
    name: 'checkpoint-file',
    refusals: ['corrupt', 'failed_precondition'],
    seeds,
    async run(input) {
      await readAll(input);
      assert(
        seeds().some((seed) => seed.equals(input)),
        'a checkpoint was accepted that nobody wrote',
      );
    },
  },
  {
    name: 'checkpoint-file-sealed-anew',
    refusals: ['corrupt', 'failed_precondition'],
    seeds,
    run(input) {
      for (let at = 0; at + BLOCK_HEADER_BYTES <= input.length; ) {
        const end = at + BLOCK_HEADER_BYTES + input.readUInt32LE(at + 8);
        if (end > input.length) break;
        input.writeUInt32LE(crc32(input.subarray(at + 8, end)), at + 4);
        at = end;
      }
      return readAll(input);
    },
  },
];

async function readAll(input: Buffer): Promise<void> {
  await using reader = await CheckpointReader.open(chunksOf(input));
  for await (const rows of reader.rows()) assert(rows.length >= 0);
}

/** Cut where no block ends. */
async function* chunksOf(input: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < input.length; at += 1_021) yield input.subarray(at, at + 1_021);
}
