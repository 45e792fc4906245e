/** How much of a file workers hold: exactly, where it has few blocks. */
import { expect, test } from 'vitest';
import { heldBytes, isHeld } from '../../src/metadata/held-bytes.js';
import type { Inode } from '../../src/metadata/records.js';

const BLOCK = 1_000;

function fileOf(length: number, more: Inode['more'] = null): Inode {
  return { id: 7, directory: false, length, blockBytes: BLOCK, more } as Partial<Inode> as Inode;
}

/** Blocks that a worker has, of those that `isThere` tells. */
function copiesWhere(isThere: (inodeId: number, index: number) => boolean, asked: string[] = []) {
  return {
    copiesOf(inodeId: number, index: number) {
      asked.push(`${inodeId}.${index}`);
      return { generation: 0, workers: isThere(inodeId, index) ? [1] : [] };
    },
  } as unknown as Parameters<typeof heldBytes>[1];
}

test('few blocks: their bytes, the last one’s as far as the file goes', () => {
  const length = 3 * BLOCK + 1;
  expect(
    heldBytes(
      fileOf(length),
      copiesWhere(() => true),
    ),
  ).toBe(length);
  expect(
    heldBytes(
      fileOf(length),
      copiesWhere((_, index) => index === 3),
    ),
  ).toBe(1);
  expect(
    heldBytes(
      fileOf(length),
      copiesWhere((_, index) => index === 1),
    ),
  ).toBe(BLOCK);
  expect(
    heldBytes(
      fileOf(length),
      copiesWhere(() => false),
    ),
  ).toBe(0);
});

test('nothing is asked of an empty file or of a directory', () => {
  const asked: string[] = [];
  const all = copiesWhere(() => true, asked);
  expect(heldBytes(fileOf(0), all)).toBe(0);
  expect(heldBytes({ ...fileOf(0), directory: true }, all)).toBe(0);
  expect(asked).toEqual([]);
});

test('blocks that came from another file: asked for by the names that they have', () => {
  const asked: string[] = [];
  const more = {
    extents: [
      { inodeId: 7, first: 0, blocks: 1 },
      { inodeId: 3, first: 4, blocks: 2 },
    ],
  } as unknown as Inode['more'];
  expect(
    heldBytes(
      fileOf(4 * BLOCK, more),
      copiesWhere((inodeId) => inodeId === 3, asked),
    ),
  ).toBe(2 * BLOCK);
  expect(asked).toEqual(['7.0', '3.4', '3.5', '7.3']);
});

test('many blocks: no more than 64 are looked up, spread over the file; all and none are told exactly', () => {
  const length = 10_000 * BLOCK - 1;
  const asked: string[] = [];
  expect(
    heldBytes(
      fileOf(length),
      copiesWhere(() => true, asked),
    ),
  ).toBe(length);
  expect(asked).toHaveLength(64);
  expect(
    heldBytes(
      fileOf(length),
      copiesWhere(() => false),
    ),
  ).toBe(0);
  const half = heldBytes(
    fileOf(length),
    copiesWhere((_, index) => index < 5_000),
  );
  expect(Math.abs(half - length / 2)).toBeLessThanOrEqual(length / 64);
});

test('a block is held where a worker that is there has it', () => {
  const block = { inodeId: 7, index: 0, offset: 0, length: 1 };
  expect(
    isHeld(
      block,
      copiesWhere(() => true),
    ),
  ).toBe(true);
  expect(
    isHeld(
      block,
      copiesWhere(() => false),
    ),
  ).toBe(false);
  expect(isHeld(block, { copiesOf: () => undefined })).toBe(false);
});
