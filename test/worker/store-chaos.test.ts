/**
 * A store that many use while its disks fail and come back, and blocks rot. Whatever is read is what was written; when all is over, what there is,
 * what was told and what lies on the disks are the same.
 */
import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { blockName, parseBlockName } from '../../src/blocks/block-id.js';
import { CHUNK_BYTES, type StoredBlock, type TierUse } from '../../src/blocks/block-store.js';
import { roomOf } from '../../src/worker/block-directory.js';
import { waitUntil } from '../servers/wait-until.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import { blockId, contentsOf, readBlock, readFrom, writeBlock } from './blocks.js';
import { FaultyDisks } from './faulty-disks.js';
import { blockFiles, newFolder, openStore } from './stores.js';

const INODES = 40;
const STEPS = 150;
const USERS = 8;
const LENGTHS = [10, CHUNK_BYTES, CHUNK_BYTES + 1, 300_000];
const ERRNOS = ['EIO', 'EROFS', 'ENODEV'];
const EXPECTED = new Set(['not_found', 'already_exists', 'resource_exhausted', 'unavailable', 'corrupt']);

const works = ({ directories, failedDirectories }: TierUse): boolean => failedDirectories < directories;
const NO_LOCK = { [Symbol.asyncDispose]: async () => {} };
const lengthOf = (inode: number): number => LENGTHS[inode % LENGTHS.length] ?? 0;

test.each([1, 2])(
  'disks that fail and blocks that rot under those who use them, seed %d: what is read is right, and in the end all agrees',
  async (seed) => {
    const random = new SeededRandom(seed);
    const folder = newFolder();
    const disks = new FaultyDisks();
    const tierOf = (name: string, quotaBytes: number) => ({
      ...{ name, highWatermark: 0.9, lowWatermark: 0.7 },
      directories: ['a', 'b'].map((disk) => ({ path: path.join(folder, name, disk), quotaBytes })),
    });
    const tiers = [tierOf('MEM', 1_500_000), tierOf('HDD', 3_000_000)];
    const settings = { scrub: { bytesPerSecond: 1 << 26, intervalMs: 1 }, diskCheckIntervalMs: 30 };
    const store = await openStore(tiers, settings, { files: disks.files, lock: async () => NO_LOCK });
    const told = new Map<string, StoredBlock>();
    store.watch(({ gone, ...block }) => void (gone ? told.delete(blockName(block.id)) : told.set(blockName(block.id), block)));
    const tally = new Map<string, number>();
    const count = (what: string) => tally.set(what, (tally.get(what) ?? 0) + 1);

    const use = async (): Promise<void> => {
      const inode = 1 + random.below(INODES);
      const id = blockId(inode);
      const what = random.below(10);
      if (what < 4) await writeBlock(store, id, contentsOf(id, lengthOf(inode)), { evictable: random.chance(0.7) });
      else if (what < 8) {
        await using reader = await store.open(id, { promote: random.chance(0.5) });
        const offset = random.below(lengthOf(inode));
        expect((await readFrom(reader, offset)).equals(contentsOf(id, lengthOf(inode)).subarray(offset))).toBe(true);
        count('read');
      } else if (what === 8) await store.remove(id);
      else await store.setEvictable(id, random.chance(0.5));
    };
    const user = async (): Promise<void> => {
      for (let step = 0; step < STEPS; step++) {
        await use().catch((error: unknown) => {
          if (!(error instanceof UnderstudyError) || !EXPECTED.has(error.code)) throw error;
          count(error.code);
          if (error.code === 'unavailable') return waitUntil('a disk works', async () => store.tiers.some(works));
        });
      }
    };
    let isOver = false;
    const trouble = async (): Promise<void> => {
      while (!isOver) {
        const disk = path.join(folder, random.chance(0.5) ? 'MEM' : 'HDD', random.chance(0.5) ? 'a' : 'b');
        disks.fail(disk, random.pick(ERRNOS));
        const untilMs = performance.now() + random.float() * 100;
        await waitUntil('the disk has failed for a while', async () => performance.now() > untilMs);
        disks.mend(disk);
        for (let turn = 0; turn < 5; turn++) rot(folder, random) && count('rotten');
        const restMs = performance.now() + random.float() * 100;
        await waitUntil('the disks have worked for a while', async () => performance.now() > restMs);
      }
    };
    const troubling = trouble();
    await Promise.all(Array.from({ length: USERS }, user)).finally(() => {
      isOver = true;
    });
    await troubling;

    await waitUntil('all disks work', async () => store.tiers.every(({ failedDirectories }) => failedDirectories === 0));
    for (const { id } of [...store.blocks()])
      await readBlock(store, id).catch((error: unknown) =>
        expect(error).toMatchObject({ code: expect.stringMatching(/^(corrupt|not_found)$/) }),
      );
    const onDisk = () => blockFiles(folder).filter((name) => name.includes('/blocks/'));
    await waitUntil('what is on the disks is what is known', async () => onDisk().length === store.blockCount);
    await store.settled();
    const found = [...store.blocks()];
    expect(told).toEqual(new Map(found.map((block) => [blockName(block.id), block])));
    for (const { id, bytes } of found) expect((await readBlock(store, id)).equals(contentsOf(id, bytes))).toBe(true);
    for (const [tier, { usedBytes }] of store.tiers.entries()) {
      const rooms = found.filter((block) => block.tier === tier).map(({ bytes }) => roomOf(bytes));
      expect(usedBytes).toBe(rooms.reduce((sum, room) => sum + room, 0));
    }
    expect(new Set(onDisk().map((name) => path.basename(name).split('.')[0]))).toEqual(new Set(told.keys()));
    for (const name of onDisk()) expect(parseBlockName(path.basename(name).split('.')[0] ?? '')).toBeDefined();
    console.log(
      `disks and rot, seed ${seed}: ${[...tally].map(([what, times]) => `${what} ${times}`).join(', ')}; in the end ${found.length} blocks`,
    );
    for (const what of ['read', 'rotten']) expect(tally.get(what), what).toBeGreaterThan(0);
  },
);

/** Flips a bit of some block's file. @returns whether there was one. */
function rot(folder: string, random: SeededRandom): boolean {
  const files = blockFiles(folder).filter((name) => name.includes('/blocks/'));
  const filePath = path.join(folder, files[random.below(files.length)] ?? '');
  try {
    const file = openSync(filePath, 'r+');
    const [byte, at] = [Buffer.alloc(1), Math.floor(random.float() * statSync(filePath).size)];
    readSync(file, byte, 0, 1, at);
    writeSync(file, Buffer.of(byte.readUInt8(0) ^ 4), 0, 1, at);
    closeSync(file);
    return true;
  } catch {
    return false; // it has just gone
  }
}
