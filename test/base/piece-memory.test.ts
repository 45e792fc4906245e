import { expect, test } from 'vitest';
import { pieceMemory } from '../../src/base/piece-memory.js';

const MIB = 1024 * 1024;

test('memory: given back, is used again, by one at a time', () => {
  const first = pieceMemory.take(MIB);
  expect(first.length).toBe(MIB);
  pieceMemory.give(first.subarray(5));
  pieceMemory.give(first);
  const [second, third] = [pieceMemory.take(MIB + 100), pieceMemory.take(MIB)];
  expect(second.buffer).toBe(first.buffer);
  expect(third.buffer).not.toBe(first.buffer);
});

test('memory: not given back, or of somebody else, is nobody else’s', () => {
  const kept = pieceMemory.take(MIB);
  const foreign = new Uint8Array(kept.buffer.byteLength);
  pieceMemory.give(foreign);
  const taken = Array.from({ length: 100 }, () => pieceMemory.take(MIB).buffer);
  expect(taken).not.toContain(kept.buffer);
  expect(taken).not.toContain(foreign.buffer);
  expect(new Set(taken).size).toBe(100);
});

test('memory: much more or less than a piece, is of just that size', () => {
  for (const bytes of [0, 1, 64 * 1024, 4 * MIB]) expect(pieceMemory.take(bytes).buffer.byteLength).toBe(bytes);
});
