/**
 * A store held against a plain map, whatever is done to it in whatever order: written, read, removed, evicted, moved between tiers, damaged, stopped.
 *
 * What may not go is there with its own bytes. What may go is there so, or was told to be gone. What watchers were told is what there is.
 */
import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { blockName } from '../../src/blocks/block-id.js';
import { type BlockReader, type BlockWriter, CHUNK_BYTES, type StoredBlock } from '../../src/blocks/block-store.js';
import { checksumsOf } from '../../src/blocks/chunk-checksums.js';
import type { TieredStore } from '../../src/worker/tiered-store.js';
import { memoryFolder, ownFolder } from '../servers/own-folder.js';
import { blockId, contentsOf, readBlock, readFrom, writeBlock } from './blocks.js';
import { blockFiles, storeOf, tierAt } from './stores.js';

const LENGTHS = [0, 10, CHUNK_BYTES, CHUNK_BYTES + 1, 200_000];
const INODES = 12;

type Step = readonly [what: string, inode: number, value: number];

const steps = fc.array(
  fc.tuple(
    fc.constantFrom(
      'write',
      'write',
      'write',
      'evictable',
      'evictable',
      'evictable',
      'read',
      'read',
      'promote',
      'remove',
      'hold',
      'release',
      'damage',
      'abandon',
      'restart',
    ),
    fc.integer({ min: 1, max: INODES }),
    fc.nat(1000),
  ),
  { minLength: 10, maxLength: 60 },
);

class World {
  readonly folder = ownFolder('blocks', memoryFolder());
  store!: TieredStore;
  /** What was written and not removed. */
  readonly written = new Map<number, { length: number; mayGo: boolean }>();
  readonly told = new Map<string, StoredBlock>();
  readonly readers = new Map<number, BlockReader>();
  readonly writers: BlockWriter[] = [];

  async open(): Promise<void> {
    const tiers = [
      { ...tierAt(this.folder.path, 'MEM', 600_000), highWatermark: 0.8, lowWatermark: 0.5 },
      { ...tierAt(this.folder.path, 'HDD', 900_000), highWatermark: 0.9, lowWatermark: 0.6 },
    ];
    this.store = await storeOf(tiers, {}, { lock: async () => ({ [Symbol.asyncDispose]: async () => {} }) });
    const before = new Map(this.told);
    this.told.clear();
    for (const block of this.store.blocks()) this.told.set(blockName(block.id), block);
    // Told by the store before it was stopped, and found again by the next one.
    expect([...this.told.keys()].sort()).toEqual([...before.keys()].sort());
    this.store.watch(({ gone, ...block }) => {
      if (gone) this.told.delete(blockName(block.id));
      else this.told.set(blockName(block.id), block);
    });
  }

  async take([what, inode, value]: Step): Promise<void> {
    const { store } = this;
    const id = blockId(inode);
    const length = LENGTHS[value % LENGTHS.length] ?? 0;
    if (what === 'write') {
      try {
        const evictable = value % 2 === 0;
        await writeBlock(store, id, contentsOf(id, length), { evictable });
        this.written.set(inode, { length, mayGo: evictable });
      } catch (error) {
        if (!isError(error, 'already_exists') && !isError(error, 'resource_exhausted')) throw error;
      }
    } else if (what === 'abandon') {
      const writer = await store.create(blockId(1000 + inode), { bytesMax: 1000 }).catch(() => undefined);
      const bytes = contentsOf(id, 500);
      await writer?.write({ offset: 0, bytes, crcs: checksumsOf(bytes) });
      if (writer !== undefined && value % 3 === 0) this.writers.push(writer);
      else await writer?.drop();
    } else if (what === 'evictable') {
      await store.setEvictable(id, value % 2 === 0);
      const known = this.written.get(inode);
      if (known !== undefined) known.mayGo ||= value % 2 === 0;
      if (known !== undefined && store.find(id) !== undefined) known.mayGo = value % 2 === 0;
    } else if (what === 'remove') {
      await store.remove(id);
      this.written.delete(inode);
    } else if (what === 'hold' && store.find(id) !== undefined && !this.readers.has(inode)) {
      this.readers.set(inode, await store.open(id));
    } else if (what === 'release') await this.release(inode);
    else if (what === 'damage') await this.damage(inode, value);
    else if (what === 'read' || what === 'promote') {
      if (store.find(id) === undefined) return;
      await using reader = await store.open(id, { promote: what === 'promote' });
      const offset = value % Math.max(1, reader.block.bytes);
      expect((await readFrom(reader, offset)).equals(contentsOf(id, reader.block.bytes).subarray(offset))).toBe(true);
    } else if (what === 'restart') await this.restart();
  }

  async release(inode: number): Promise<void> {
    const reader = this.readers.get(inode);
    this.readers.delete(inode);
    if (reader === undefined) return;
    expect((await readFrom(reader)).equals(contentsOf(blockId(inode), reader.block.bytes))).toBe(true);
    await reader[Symbol.asyncDispose]();
  }

  /** Flips a bit of a block's file, wherever it is: whoever reads that is told so, and the block is gone. */
  async damage(inode: number, value: number): Promise<void> {
    if (this.store.find(blockId(inode)) === undefined) return;
    await this.release(inode);
    await this.store.settled();
    const reader = await this.store.open(blockId(inode)).catch(() => undefined);
    if (reader === undefined) return;
    await reader[Symbol.asyncDispose]();
    const file = openSync(reader.path, 'r+');
    const [byte, at] = [Buffer.alloc(1), Math.floor((value / 1001) * statSync(reader.path).size)];
    readSync(file, byte, 0, 1, at);
    writeSync(file, Buffer.of(byte.readUInt8(0) ^ 1), 0, 1, at);
    closeSync(file);
    await expect(readBlock(this.store, blockId(inode))).rejects.toMatchObject({ code: 'corrupt' });
    expect(this.store.find(blockId(inode))).toBeUndefined();
    this.written.delete(inode);
  }

  async restart(): Promise<void> {
    for (const inode of [...this.readers.keys()]) await this.release(inode);
    await this.store.settled();
    await this.store.close();
    this.writers.length = 0; // their process is gone
    await this.open();
    expect(blockFiles(this.folder.path).length).toBe(this.told.size);
  }

  check(): void {
    const found = [...this.store.blocks()];
    expect(this.told).toEqual(new Map(found.map((block) => [blockName(block.id), block])));
    expect(this.store.blockCount).toBe(found.length);
    for (const { id, bytes } of found) expect(this.written.get(id.inodeId)?.length).toBe(bytes);
    for (const [inode, { mayGo }] of this.written) if (!mayGo) expect(this.store.find(blockId(inode)), `block ${inode}`).toBeDefined();
    for (const { usedBytes, capacityBytes } of this.store.tiers) expect(usedBytes).toBeLessThanOrEqual(capacityBytes);
  }

  async close(): Promise<void> {
    for (const inode of [...this.readers.keys()]) await this.release(inode);
    await this.store.close();
    this.folder.remove();
  }
}

test('a store, whatever is done to it: what it has is what was written, and what it tells', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const world = new World();
      onTestFinished(() => world.folder.remove());
      await world.open();
      for (const step of sequence) {
        await world.take(step);
        world.check();
      }
      await world.restart();
      world.check();
      for (const { id, bytes } of world.store.blocks()) expect((await readBlock(world.store, id)).equals(contentsOf(id, bytes))).toBe(true);
      await world.close();
    }),
    { numRuns: 30 },
  );
});
