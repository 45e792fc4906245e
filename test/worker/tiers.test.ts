/** Room in tiers: where blocks are put, what goes for them, and what is moved. */
import { describe, expect, test } from 'vitest';
import { systemFiles } from '../../src/base/system-file.js';
import type { BlockChange } from '../../src/blocks/block-store.js';
import { checksumsOf } from '../../src/blocks/chunk-checksums.js';
import { roomOf } from '../../src/worker/block-directory.js';
import type { TieredStore } from '../../src/worker/tiered-store.js';
import { blockId, contentsOf, readBlock, readFrom, writeBlock } from './blocks.js';
import { blockFiles, MIB, newFolder, openStore, tierAt } from './stores.js';

const BYTES = 100_000;
const ROOM = roomOf(BYTES);

/** Writes blocks of inodes `from` to `to`. */
async function fill(store: TieredStore, from: number, to: number, options: { evictable?: boolean; tier?: string } = {}): Promise<void> {
  for (let inode = from; inode <= to; inode++) await writeBlock(store, blockId(inode), contentsOf(blockId(inode), BYTES), options);
}

const inodes = (store: TieredStore): number[] => [...store.blocks()].map(({ id }) => id.inodeId).sort((a, b) => a - b);

describe('room in tiers', () => {
  test('blocks: they go to the fastest tier with room, or to the one that is asked for', async () => {
    const folder = newFolder();
    const store = await openStore([tierAt(folder, 'MEM', 2 * ROOM), tierAt(folder, 'HDD', 10 * ROOM)]);
    await fill(store, 1, 3);
    await writeBlock(store, blockId(9), contentsOf(blockId(9), 10), { tier: 'HDD' });
    expect([1, 2, 3, 9].map((inode) => store.find(blockId(inode))?.tier)).toEqual([0, 0, 1, 1]);
    await expect(store.create(blockId(10), { bytesMax: BYTES, tier: 'MEM' })).rejects.toMatchObject({ code: 'resource_exhausted' });
    await expect(store.create(blockId(10), { bytesMax: BYTES, tier: 'SSD' })).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(store.tiers.map(({ usedBytes }) => usedBytes)).toEqual([2 * ROOM, ROOM + roomOf(10)]);
  });

  test('several directories of a tier: the one with most room is taken', async () => {
    const [a, b] = [newFolder(), newFolder()];
    const directories = [a, b].map((path) => ({ path, quotaBytes: 4 * ROOM }));
    const store = await openStore([{ name: 'SSD', directories, highWatermark: 1, lowWatermark: 1 }]);
    await fill(store, 1, 8);
    expect([blockFiles(a).length, blockFiles(b).length]).toEqual([4, 4]);
  });

  test('no room: the blocks that may be evicted go, the least recently used first; others and those that are read stay', async () => {
    const store = await openStore([tierAt(newFolder(), 'SSD', 5 * ROOM)]);
    await fill(store, 1, 1);
    await fill(store, 2, 5, { evictable: true });
    await readBlock(store, blockId(2));
    await using reader = await store.open(blockId(3));
    await fill(store, 6, 7); // of 4, 5, then 2, which was read after them
    expect(inodes(store)).toEqual([1, 2, 3, 6, 7]);
    await fill(store, 8, 8);
    expect(inodes(store)).toEqual([1, 3, 6, 7, 8]);
    await expect(fill(store, 9, 9)).rejects.toMatchObject({ code: 'resource_exhausted' });
    expect((await readFrom(reader)).equals(contentsOf(blockId(3), BYTES))).toBe(true);
    expect(store.tiers[0]?.usedBytes).toBe(5 * ROOM);
  });

  test('evictable: said later, it holds across restarts, and so does that it is so no more', async () => {
    const tiers = [tierAt(newFolder(), 'SSD', 3 * ROOM)];
    const store = await openStore(tiers);
    await fill(store, 1, 3, { evictable: true });
    const changes: BlockChange[] = [];
    store.watch((change) => changes.push(change));
    await store.setEvictable(blockId(1), false);
    await store.setEvictable(blockId(1), false);
    await store.setEvictable(blockId(99), false);
    expect(changes).toEqual([{ ...store.find(blockId(1)), gone: false, evictable: false }]);
    await store.close();
    const again = await openStore(tiers);
    expect([1, 2, 3].map((inode) => again.find(blockId(inode))?.evictable)).toEqual([false, true, true]);
    await again.setEvictable(blockId(2), false);
    await again.setEvictable(blockId(1), true);
    await again.setEvictable(blockId(1), false);
    await fill(again, 4, 4);
    expect(inodes(again)).toEqual([1, 2, 4]);
    await expect(fill(again, 5, 5)).rejects.toMatchObject({ code: 'resource_exhausted' });
  });

  test('a tier above its high watermark: blocks are moved down to the low one, the least recently used first, and are read there', async () => {
    const folder = newFolder();
    const store = await openStore([
      { ...tierAt(folder, 'MEM', 10 * ROOM), highWatermark: 0.8, lowWatermark: 0.5 },
      tierAt(folder, 'HDD', 100 * ROOM),
    ]);
    const changes: BlockChange[] = [];
    store.watch((change) => changes.push(change));
    await fill(store, 1, 8);
    await store.settled();
    expect(inodes(store).map((inode) => store.find(blockId(inode))?.tier)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    await readBlock(store, blockId(1));
    await fill(store, 9, 9);
    await store.settled();
    expect(inodes(store).map((inode) => store.find(blockId(inode))?.tier)).toEqual([0, 1, 1, 1, 1, 0, 0, 0, 0]);
    for (const inode of inodes(store))
      expect((await readBlock(store, blockId(inode))).equals(contentsOf(blockId(inode), BYTES))).toBe(true);
    expect(store.tiers.map(({ usedBytes }) => usedBytes)).toEqual([5 * ROOM, 4 * ROOM]);
    expect(blockFiles(folder).length).toBe(9);
    expect(changes.filter(({ tier }) => tier === 1).map(({ id, gone }) => [id.inodeId, gone])).toEqual([
      [2, false],
      [3, false],
      [4, false],
      [5, false],
    ]);
  });

  test('the last tier above its high watermark: blocks that may be evicted go, others stay', async () => {
    const store = await openStore([{ ...tierAt(newFolder(), 'SSD', 10 * ROOM), highWatermark: 0.8, lowWatermark: 0.5 }]);
    await fill(store, 1, 3);
    await fill(store, 4, 9, { evictable: true });
    await store.settled();
    expect(inodes(store)).toEqual([1, 2, 3, 8, 9]);
  });

  test('read to be promoted: the block is moved to the fastest tier with room, under its reader', async () => {
    const folder = newFolder();
    const store = await openStore([tierAt(folder, 'MEM', 2 * ROOM), tierAt(folder, 'HDD', 10 * ROOM)]);
    await fill(store, 1, 3, { tier: 'HDD' });
    const reader = await store.open(blockId(1), { promote: true });
    await readBlock(store, blockId(2));
    await store.settled();
    expect([1, 2, 3].map((inode) => store.find(blockId(inode))?.tier)).toEqual([0, 1, 1]);
    expect((await readFrom(reader)).equals(contentsOf(blockId(1), BYTES))).toBe(true);
    expect(store.tiers.map(({ usedBytes }) => usedBytes)).toEqual([ROOM, 3 * ROOM]);
    await reader[Symbol.asyncDispose]();
    expect(store.tiers.map(({ usedBytes }) => usedBytes)).toEqual([ROOM, 2 * ROOM]);
    expect(blockFiles(folder).length).toBe(3);
  });

  test('a block that goes, or is to be kept, in the moment in which it has been moved: it is gone, it is kept', async () => {
    const folder = newFolder();
    let renamed = () => {};
    const rename = async (from: string, to: string) => {
      await systemFiles.rename(from, to);
      renamed();
    };
    const files = Object.assign(Object.create(systemFiles), { rename, inMemory: async () => undefined });
    const store = await openStore([tierAt(folder, 'MEM', 2 * ROOM), tierAt(folder, 'HDD', 10 * ROOM)], {}, { files });
    await fill(store, 1, 2, { tier: 'HDD', evictable: true });
    const done: Promise<void>[] = [];
    renamed = () => void done.push(store.remove(blockId(1)));
    await (await store.open(blockId(1), { promote: true }))[Symbol.asyncDispose]();
    await store.settled();
    renamed = () => void done.push(store.setEvictable(blockId(2), false));
    await (await store.open(blockId(2), { promote: true }))[Symbol.asyncDispose]();
    await store.settled();
    renamed = () => {};
    await Promise.all(done);
    expect([...store.blocks()]).toEqual([{ id: blockId(2), bytes: BYTES, tier: 0, evictable: false }]);
    expect(blockFiles(folder).length).toBe(1);
    expect(store.tiers.map(({ usedBytes }) => usedBytes)).toEqual([ROOM, 0]);
  });

  test('many created at once: the quota holds, what does not fit is refused, and no more is evicted than has to go', async () => {
    const store = await openStore([tierAt(newFolder(), 'SSD', 20 * ROOM)]);
    await fill(store, 1, 20, { evictable: true });
    let most = 0;
    const create = async (inode: number): Promise<string> => {
      try {
        const writer = await store.create(blockId(inode), { bytesMax: BYTES });
        most = Math.max(most, store.tiers[0]?.usedBytes ?? 0);
        const bytes = contentsOf(blockId(inode), BYTES);
        await writer.write({ offset: 0, bytes, crcs: checksumsOf(bytes) });
        await writer.seal(BYTES);
        return 'sealed';
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    const first = await Promise.all(Array.from({ length: 5 }, (_, index) => create(100 + index)));
    expect(new Set(first)).toEqual(new Set(['sealed']));
    expect(store.blockCount).toBe(20);
    const outcomes = await Promise.all(Array.from({ length: 30 }, (_, index) => create(200 + index)));
    expect(outcomes.filter((outcome) => outcome === 'sealed').length).toBe(15);
    expect(outcomes.filter((outcome) => outcome === 'resource_exhausted').length).toBe(15);
    expect(most).toBeLessThanOrEqual(20 * ROOM);
    expect(store.tiers[0]?.usedBytes).toBe(20 * ROOM);
  });

  test('two writers of one block: both end well, one copy is kept', async () => {
    const folder = newFolder();
    const directories = ['a', 'b'].map((name) => ({ path: `${folder}/${name}`, quotaBytes: MIB }));
    const store = await openStore([{ name: 'SSD', directories, highWatermark: 1, lowWatermark: 1 }]);
    const bytes = contentsOf(blockId(1), BYTES);
    await Promise.all([writeBlock(store, blockId(1), bytes), writeBlock(store, blockId(1), bytes)]);
    expect(store.blockCount).toBe(1);
    expect(blockFiles(folder).length).toBe(1);
    expect(store.tiers[0]?.usedBytes).toBe(ROOM);
    await expect(store.create(blockId(1), { bytesMax: 1 })).rejects.toMatchObject({ code: 'already_exists' });
  });
});
