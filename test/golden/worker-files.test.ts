/** What a worker keeps on its disks, as bytes: a block's file, and whose a directory is. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { systemFiles } from '../../src/base/system-file.js';
import { BlockFile, encodeTail } from '../../src/blocks/block-file.js';
import { CHUNK_BYTES } from '../../src/blocks/block-store.js';
import { checksumsOf } from '../../src/blocks/chunk-checksums.js';
import { decodeIdentity, encodeIdentity } from '../../src/worker/identity-file.js';
import { newFolder } from '../worker/stores.js';
import { goldenAsMade, goldenBytes } from './golden.js';

it('block file, version 1: what follows the bytes reads as it was written once, and is written so still', async () => {
  const id = { inodeId: 2 ** 40 + 5, index: 7, generation: 3 };
  const bytes = Buffer.alloc(CHUNK_BYTES + 10, 'block ');
  const tail = goldenBytes('block-file-1.hex', encodeTail(id, bytes.length, checksumsOf(bytes)));
  const filePath = path.join(newFolder(), 'block');
  writeFileSync(filePath, Buffer.concat([bytes, tail]));
  await using file = await BlockFile.open(systemFiles, filePath, id, bytes.length);
  for await (const piece of file.pieces(0, bytes.length)) expect(bytes.equals(piece.bytes)).toBe(true);
});

it('WORKER, version 1: reads as it was written once, and is written so still', () => {
  const id = '00112233445566778899aabbccddeeff';
  expect(decodeIdentity(Buffer.from(goldenAsMade('worker-1.txt', encodeIdentity(id).toString())), 'WORKER')).toBe(id);
});
