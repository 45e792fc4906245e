import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemFiles } from '../../src/base/system-file.js';
import { type BlockChange, CHUNK_BYTES } from '../../src/blocks/block-store.js';
import { checksumsOf } from '../../src/blocks/chunk-checksums.js';
import { roomOf } from '../../src/worker/block-directory.js';
import { blockId, contentsOf, readBlock, readFrom, writeBlock } from './blocks.js';
import { blockFiles, MIB, newFolder, openStore, tierAt, tierFiles } from './stores.js';

describe('a tiered store', () => {
  test.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * MIB + 5])(
    'a block of %d bytes: written in pieces, it is read as it was written, whole and in part, after a restart too',
    async (length) => {
      const tiers = [tierAt(newFolder())];
      const store = await openStore(tiers);
      const id = blockId(12, 3, 2);
      const bytes = contentsOf(id, length);
      expect(await writeBlock(store, id, bytes)).toEqual({ id, bytes: length, tier: 0, evictable: false });
      await store.close();
      const again = await openStore(tiers);
      expect([...again.blocks()]).toEqual([{ id, bytes: length, tier: 0, evictable: false }]);
      expect(again.tiers).toEqual(store.tiers);
      await using reader = await again.open(id);
      for (const [offset, part] of [
        [0, length],
        [length >> 1, length - (length >> 1)],
        [CHUNK_BYTES - 1, 2],
        [length, 10],
      ] as const) {
        expect((await readFrom(reader, offset, part)).equals(bytes.subarray(offset, offset + part))).toBe(true);
      }
    },
  );

  test('a block being written: nobody finds it; dropped, nothing is left of it', async () => {
    const folder = newFolder();
    const store = await openStore([tierAt(folder)]);
    const id = blockId(1);
    const writer = await store.create(id, { bytesMax: MIB });
    const bytes = contentsOf(id, MIB);
    expect(store.find(id)).toBeUndefined();
    expect(store.tiers[0]?.usedBytes).toBeGreaterThan(MIB);
    await writer.write({ offset: 0, bytes, crcs: checksumsOf(bytes) });
    await expect(writer.seal(MIB - 1)).rejects.toMatchObject({ code: 'invalid_argument' });
    await writer.drop();
    await writer.drop();
    expect(store.tiers[0]?.usedBytes).toBe(0);
    expect(blockFiles(folder)).toEqual([]);
    await expect(store.open(id)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a block that is to outlive a power cut: its file, then its name, then its folders are synced; others are not', async () => {
    const done: string[] = [];
    const noting = <T extends object>(target: T, what: string): T =>
      new Proxy(target, {
        get(_, name) {
          const member: unknown = Reflect.get(target, name, target);
          if (typeof member !== 'function') return member;
          return (...given: unknown[]) => {
            if (['sync', 'rename', 'syncFolder'].includes(String(name)))
              done.push(`${String(name)} ${what || path.basename(String(given[0]))}`);
            const result: unknown = member.apply(target, given);
            const isBlock = name === 'open' && String(given[0]).includes('/writing/');
            return isBlock ? (result as Promise<object>).then((file) => noting(file, 'file')) : result;
          };
        },
      });
    const store = await openStore([tierAt(newFolder())], {}, { files: noting(tierFiles, '') });
    done.length = 0;
    await writeBlock(store, blockId(1), contentsOf(blockId(1), MIB));
    expect(done.filter((each) => each.startsWith('sync'))).toEqual([]);
    done.length = 0;
    await writeBlock(store, blockId(2), contentsOf(blockId(2), MIB), { durable: true });
    expect(done.map((each) => each.replace(/\d+/, 'N'))).toEqual(['sync file', 'rename N', 'syncFolder N', 'syncFolder blocks']);
  });

  test('a block that is removed while it is read: it is found no more, is read to its end, and its file goes then', async () => {
    const folder = newFolder();
    const store = await openStore([tierAt(folder)]);
    const id = blockId(1);
    const bytes = contentsOf(id, 2 * MIB);
    const changes: BlockChange[] = [];
    store.watch((change) => changes.push(change));
    await writeBlock(store, id, bytes);
    const reader = await store.open(id);
    await store.remove(id);
    expect(store.find(id)).toBeUndefined();
    expect(existsSync(reader.path)).toBe(true);
    expect((await readFrom(reader)).equals(bytes)).toBe(true);
    await reader[Symbol.asyncDispose]();
    expect(blockFiles(folder)).toEqual([]);
    expect(store.tiers[0]?.usedBytes).toBe(0);
    expect(changes.map(({ gone }) => gone)).toEqual([false, true]);
  });

  test('a block that is written anew while the last reader of the one before ends: it stays, and its room is counted once', async () => {
    let renamed = async () => {};
    const rename = async (from: string, to: string) => {
      await systemFiles.rename(from, to);
      await renamed();
    };
    const store = await openStore([tierAt(newFolder())], {}, { files: Object.assign(Object.create(systemFiles), { rename }) });
    const id = blockId(1);
    const bytes = contentsOf(id, 1000);
    await writeBlock(store, id, bytes);
    const reader = await store.open(id);
    await store.remove(id);
    let closing: Promise<void> | undefined;
    renamed = async () => {
      closing = Promise.resolve(reader[Symbol.asyncDispose]());
      for (let turn = 0; turn < 20; turn++) await systemFiles.fileSize('/'); // its file is closed meanwhile
    };
    await writeBlock(store, id, bytes);
    await closing;
    expect((await readBlock(store, id)).equals(bytes)).toBe(true);
    expect(store.tiers[0]?.usedBytes).toBe(roomOf(1000));
    await store.remove(id);
    expect(store.tiers[0]?.usedBytes).toBe(0);
  });

  test('generations of a block, 0 among them: each is found, read, marked and removed by its own name, and the others are let alone', async () => {
    const store = await openStore([tierAt(newFolder())]);
    const generations = [1, 0, 5, 3];
    const id = (generation: number) => blockId(1, 0, generation);
    for (const generation of generations) await writeBlock(store, id(generation), contentsOf(id(generation), 10 + generation));
    for (const generation of generations)
      expect((await readBlock(store, id(generation))).equals(contentsOf(id(generation), 10 + generation))).toBe(true);
    await store.setEvictable(id(0), true);
    expect(generations.filter((generation) => store.find(id(generation))?.evictable)).toEqual([0]);
    await store.remove(id(0));
    await store.remove(id(4));
    expect([0, 1, 2, 3, 4, 5].filter((generation) => store.find(id(generation)) !== undefined)).toEqual([1, 3, 5]);
    await expect(store.open(id(0))).rejects.toMatchObject({ code: 'not_found' });
    await store.remove(id(5));
    expect([...store.blocks()].map((block) => block.id.generation).sort()).toEqual([1, 3]);
  });
});
