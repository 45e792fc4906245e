/** Damage that nobody has met yet, and what was left behind by a power cut or by others. */
import { existsSync, mkdirSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
import type { BlockChange } from '../../src/blocks/block-store.js';
import type { TieredStore } from '../../src/worker/tiered-store.js';
import { waitUntil } from '../servers/wait-until.js';
import { blockId, contentsOf, readBlock, writeBlock } from './blocks.js';
import { blockFiles, newFolder, openStore, tierAt } from './stores.js';

const BYTES = 200_000;
const HOUR_MS = 3_600_000;
const SCRUB = { scrub: { bytesPerSecond: 1 << 30, intervalMs: 1000 } };

async function pathOf(store: TieredStore, inode: number): Promise<string> {
  await using reader = await store.open(blockId(inode));
  return reader.path;
}

function flip(filePath: string, at: number): void {
  const bytes = readFileSync(filePath);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 8, at);
  writeFileSync(filePath, bytes);
}

test('blocks that rot, are cut off or go missing under a store: it finds them by itself, tells that they are gone, and lets the others be', async () => {
  const folder = newFolder();
  const tiers = [tierAt(folder)];
  const store = await openStore(tiers, SCRUB);
  for (let inode = 1; inode <= 6; inode++) await writeBlock(store, blockId(inode), contentsOf(blockId(inode), BYTES));
  const gone: BlockChange[] = [];
  store.watch((change) => change.gone && gone.push(change));
  flip(await pathOf(store, 1), BYTES - 1);
  flip(await pathOf(store, 2), BYTES + 3);
  truncateSync(await pathOf(store, 3), BYTES);
  unlinkSync(await pathOf(store, 4));
  await waitUntil('all four are found', async () => gone.length === 4);
  expect(gone.map(({ id }) => id.inodeId).sort()).toEqual([1, 2, 3, 4]);
  expect([...store.blocks()].map(({ id }) => id.inodeId)).toEqual([5, 6]);
  await waitUntil('their files are gone', async () => blockFiles(folder).filter((name) => name.includes('/blocks/')).length === 2);
  for (const inode of [5, 6]) expect((await readBlock(store, blockId(inode))).equals(contentsOf(blockId(inode), BYTES))).toBe(true);
  expect(store.tiers[0]?.failedDirectories).toBe(0);
});

test('scrubbing: it rests as long as its rate says', async () => {
  let restedMs = 0;
  const setTimer = (delayMs: number, fn: () => void) => {
    if (delayMs < HOUR_MS) restedMs += delayMs;
    return systemClock.setTimer(delayMs < HOUR_MS ? 0 : delayMs, fn);
  };
  const scrub = { bytesPerSecond: 1 << 20, intervalMs: 0 };
  const store = await openStore([tierAt(newFolder())], { scrub, diskCheckIntervalMs: HOUR_MS }, { clock: { ...systemClock, setTimer } });
  for (let inode = 1; inode <= 3; inode++) await writeBlock(store, blockId(inode), contentsOf(blockId(inode), 1 << 20));
  flip(await pathOf(store, 3), 77);
  await waitUntil('the damage is found', async () => store.blockCount === 2);
  expect(restedMs).toBeGreaterThan(1_900);
});

test('what a power cut or others left: writers’ files are removed, files of others let alone, a block that is not whole is gone once it is read', async () => {
  const folder = newFolder();
  const tiers = [tierAt(folder)];
  const before = await openStore(tiers);
  for (let inode = 1; inode <= 3; inode++) await writeBlock(before, blockId(inode), contentsOf(blockId(inode), BYTES));
  const [first, second] = [await pathOf(before, 1), await pathOf(before, 2)];
  await before.close();
  truncateSync(first, 0);
  writeFileSync(second, Buffer.alloc(readFileSync(second).length));
  const at = path.join(folder, 'SSD');
  const foreign = [
    path.join(path.dirname(first), 'notes.txt'),
    path.join(path.dirname(first), '9-0-1.5'),
    path.join(at, 'blocks', 'lost+found'),
  ];
  for (const file of foreign.slice(0, 2)) writeFileSync(file, 'mine');
  mkdirSync(foreign[2] ?? '');
  for (const name of ['1', '2', 'other']) writeFileSync(path.join(at, 'writing', name), 'half a block');

  const warnings: string[] = [];
  const log = { debug() {}, info() {}, error() {}, warn: (_: unknown, message: string) => warnings.push(message) };
  const store = await openStore(tiers, {}, { log });
  expect([...store.blocks()].map(({ id }) => id.inodeId).sort()).toEqual([1, 2, 3]);
  expect(blockFiles(path.join(at, 'writing'))).toEqual([]);
  for (const file of foreign) expect(existsSync(file)).toBe(true);
  expect(warnings.join()).toMatch(/no block/);
  for (const inode of [1, 2]) await expect(readBlock(store, blockId(inode))).rejects.toMatchObject({ code: 'corrupt' });
  expect((await readBlock(store, blockId(3))).equals(contentsOf(blockId(3), BYTES))).toBe(true);
  expect(store.blockCount).toBe(1);
});
