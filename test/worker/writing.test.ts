import { expect, test } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { pieceMemory } from '../../src/base/piece-memory.js';
import type { BlockWriter, Piece } from '../../src/blocks/block-store.js';
import { pieceOf } from '../../src/blocks/pieces.js';
import type { RemoteWriting } from '../../src/client/data/remote-writing.js';
import { Writing } from '../../src/worker/writing.js';

const DEPS = { log: silentLog, address: 'w1:1' };
const PIECE_BYTES = 1024 * 1024;

const writer: BlockWriter = {
  async write() {},
  async seal(length) {
    return { id: { inodeId: 1, index: 0, generation: 0 }, bytes: length, tier: 0, evictable: false };
  },
  async drop() {},
};

/** The next worker of a chain. */
function next(write: (piece: Piece) => Promise<void>): RemoteWriting {
  return { address: 'w2:1', write, seal: async () => ['w2:1'], drop: async () => {} } as Partial<RemoteWriting> as RemoteWriting;
}

/** @returns whether the memory of a piece that was written is lent to the next one who asks. */
async function isUsedAgain(writing: Writing): Promise<boolean> {
  const bytes = pieceMemory.take(PIECE_BYTES);
  await writing.write(pieceOf(0, bytes));
  return pieceMemory.take(PIECE_BYTES).buffer === bytes.buffer;
}

test('memory of a piece: used again once all have it', async () => {
  expect(await isUsedAgain(new Writing(writer, undefined, DEPS))).toBe(true);
  expect(
    await isUsedAgain(
      new Writing(
        writer,
        next(async () => {}),
        DEPS,
      ),
    ),
  ).toBe(true);
});

test('memory of a piece: left alone where the next worker failed, whose connection may still have it', async () => {
  const failing = next(async () => {
    throw new UnderstudyError('deadline_exceeded', 'not answered in time');
  });
  expect(await isUsedAgain(new Writing(writer, failing, DEPS))).toBe(false);
});
