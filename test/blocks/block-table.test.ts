import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockName } from '../../src/blocks/block-id.js';
import type { StoredBlock } from '../../src/blocks/block-store.js';
import { BLOCK_SHARDS, BlockTable, hashOf } from '../../src/blocks/block-table.js';

const id = fc.record({
  inodeId: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(2 ** 53 - 1), fc.constant(2 ** 32 + 3)),
  index: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constant(2 ** 32 - 1)),
  generation: fc.integer({ min: 0, max: 3 }),
});
const block: fc.Arbitrary<StoredBlock> = fc.record({
  id,
  bytes: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constant(2 ** 48)),
  tier: fc.integer({ min: 0, max: 7 }),
  evictable: fc.boolean(),
});
const step = fc.oneof(fc.record({ set: block }), fc.record({ gone: id }));

function all(table: BlockTable): StoredBlock[] {
  return Array.from({ length: BLOCK_SHARDS }, (_, at) => table.shard(at)).flat();
}

test('block table: holds what was set and not deleted, and its digest is that of the set, however it came to be', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const table = new BlockTable();
      const model = new Map<string, StoredBlock>();
      for (const each of steps) {
        if ('set' in each) {
          table.set(each.set);
          model.set(blockName(each.set.id), each.set);
        } else expect(table.delete(each.gone)).toBe(model.delete(blockName(each.gone)));
      }
      const byName = (a: StoredBlock, b: StoredBlock) => (blockName(a.id) < blockName(b.id) ? -1 : 1);
      expect(all(table).sort(byName)).toEqual([...model.values()].sort(byName));
      const again = new BlockTable();
      for (const each of [...model.values()].reverse()) again.set(each);
      expect([table.count, table.digest]).toEqual([again.count, again.digest]);
      for (const { id: name } of model.values()) {
        const same = [...model.values()].filter((other) => other.id.inodeId === name.inodeId && other.id.index === name.index);
        expect(table.newest(name.inodeId, name.index)?.id.generation).toBe(Math.max(...same.map((other) => other.id.generation)));
        expect(table.newestGeneration(hashOf(name.inodeId, name.index), name.inodeId, name.index)).toBe(
          table.newest(name.inodeId, name.index)?.id.generation,
        );
        expect(table.every(name.inodeId, name.index).sort(byName)).toEqual(same.sort(byName));
        expect(table.get(name)).toEqual(model.get(blockName(name)));
      }
    }),
  );
});

test('block table: digests of sets that differ in one block, differ', () => {
  const digests = new Set<number>();
  for (let inodeId = 1; inodeId <= 50; inodeId++) {
    for (let bytes = 0; bytes < 50; bytes++) {
      const table = new BlockTable();
      table.set({ id: { inodeId, index: 0, generation: 1 }, bytes, tier: 0, evictable: false });
      digests.add(table.digest);
    }
  }
  expect(digests.size).toBe(2_500);
});

test('block table: many blocks take little memory, and no step of filling it takes long', () => {
  const table = new BlockTable();
  for (let inodeId = 1; inodeId <= 200_000; inodeId++) {
    table.set({ id: { inodeId, index: 0, generation: 1 }, bytes: 4096, tier: 0, evictable: true });
  }
  expect(table.count).toBe(200_000);
  expect(table.byteLength).toBeLessThan(10_000_000);
  const longest = Math.max(...Array.from({ length: BLOCK_SHARDS }, (_, at) => table.shard(at).length));
  expect(longest).toBeLessThan(1_200);
});

test('block table: filled with what another one lists, in its order, takes no longer than in any order', () => {
  const table = new BlockTable();
  const inAnyOrder = cpuMs(() => {
    for (let inodeId = 1; inodeId <= 500_000; inodeId++) {
      table.set({ id: { inodeId, index: 0, generation: 1 }, bytes: 4096, tier: 0, evictable: true });
    }
  });
  const copy = new BlockTable();
  const asListed = cpuMs(() => {
    for (let at = 0; at < BLOCK_SHARDS; at++) for (const each of table.shard(at)) copy.set(each);
  });
  expect([copy.count, copy.digest]).toEqual([table.count, table.digest]);
  expect(asListed).toBeLessThan(1.5 * inAnyOrder);
});

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
