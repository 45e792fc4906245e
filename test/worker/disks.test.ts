/** What happens to a store when its disks fail, fill up, are swapped, or are another's. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileFailure } from '../../src/base/files.js';
import type { BlockChange } from '../../src/blocks/block-store.js';
import { checksumsOf } from '../../src/blocks/chunk-checksums.js';
import type { BlockFiles } from '../../src/worker/block-files.js';
import { closedWithTest } from '../servers/closed-with-test.js';
import { describeAsRoot } from '../servers/describe-as-root.js';
import { SmallDisk } from '../servers/storage.js';
import { waitUntil } from '../servers/wait-until.js';
import { blockId, contentsOf, readBlock, writeBlock } from './blocks.js';
import { FaultyDisks } from './faulty-disks.js';
import { blockFiles, MIB, newFolder, openStore, storeOf, tierAt, tierFiles } from './stores.js';

const BYTES = 100_000;
const SOON = { diskCheckIntervalMs: 20 };

describe('the disks of a store', () => {
  test.each(['EIO', 'EROFS', 'ENODEV'])(
    'one fails with %s: its blocks are told gone, the other goes on; mended, they are here again',
    async (errno) => {
      const folder = newFolder();
      const directories = ['a', 'b'].map((name) => ({ path: path.join(folder, name), quotaBytes: 8 * MIB }));
      const disks = new FaultyDisks();
      const store = await openStore([{ name: 'HDD', directories, highWatermark: 1, lowWatermark: 1 }], SOON, { files: disks.files });
      for (let inode = 1; inode <= 6; inode++) await writeBlock(store, blockId(inode), contentsOf(blockId(inode), BYTES));
      const changes: BlockChange[] = [];
      store.watch((change) => changes.push(change));

      disks.fail(path.join(folder, 'a'), errno);
      await waitUntil('the disk is given up', async () => store.tiers[0]?.failedDirectories === 1);
      await waitUntil('its blocks are gone', async () => store.blockCount === 3);
      expect(changes.map(({ gone }) => gone)).toEqual([true, true, true]);
      expect(store.tiers[0]?.capacityBytes).toBe(8 * MIB);
      for (let inode = 10; inode <= 12; inode++) await writeBlock(store, blockId(inode), contentsOf(blockId(inode), BYTES));
      const lost = changes[0]?.id ?? blockId(0);
      await expect(store.open(lost)).rejects.toMatchObject({ code: 'not_found' });
      await writeBlock(store, lost, contentsOf(lost, BYTES));

      disks.mend(path.join(folder, 'a'));
      await waitUntil('it works again', async () => store.tiers[0]?.failedDirectories === 0);
      expect(store.blockCount).toBe(9);
      for (const { id } of store.blocks()) expect((await readBlock(store, id)).equals(contentsOf(id, BYTES))).toBe(true);
      expect(blockFiles(folder).filter((name) => name.includes('/blocks/')).length).toBe(9);
    },
  );

  test('a disk fails while a block is written: the writer says so and is dead; the next one is written elsewhere', async () => {
    const folder = newFolder();
    const disks = new FaultyDisks();
    const store = await openStore([tierAt(folder, 'MEM'), tierAt(folder, 'HDD')], {}, { files: disks.files });
    const writer = await store.create(blockId(1), { bytesMax: MIB });
    const bytes = contentsOf(blockId(1), MIB);
    disks.fail(path.join(folder, 'MEM'));
    await expect(writer.write({ offset: 0, bytes, crcs: checksumsOf(bytes) })).rejects.toMatchObject({ code: 'unavailable' });
    await expect(writer.seal(0)).rejects.toMatchObject({ code: 'unavailable' });
    await waitUntil('the disk is given up', async () => store.tiers[0]?.failedDirectories === 1);
    expect((await writeBlock(store, blockId(1), bytes)).tier).toBe(1);
    disks.fail(path.join(folder, 'HDD'));
    await expect(writeBlock(store, blockId(2), bytes)).rejects.toMatchObject({ code: 'unavailable' });
    await waitUntil('the other is given up', async () => store.tiers[1]?.failedDirectories === 1);
    await expect(store.create(blockId(2), { bytesMax: 1 })).rejects.toMatchObject({ code: 'unavailable', message: /no disk works/ });
  });

  test('a disk is away in the very moment in which a block is looked for: the block stays, and its file', async () => {
    const folder = newFolder();
    const disks = new FaultyDisks();
    const store = await openStore([tierAt(folder)], {}, { files: disks.files });
    await writeBlock(store, blockId(1), contentsOf(blockId(1), BYTES));
    const blocks = path.join(folder, 'SSD', 'blocks');
    disks.failOnce(blocks, 'ENOENT');
    expect((await readBlock(store, blockId(1))).equals(contentsOf(blockId(1), BYTES))).toBe(true);
    disks.failOnce(blocks, 'ENOENT');
    await store.setEvictable(blockId(1), true);
    expect(store.find(blockId(1))).toMatchObject({ evictable: true });

    const away = `${blocks}-away`;
    renameSync(blocks, away);
    await expect(store.open(blockId(1))).rejects.toMatchObject({ code: 'corrupt' });
    expect(store.blockCount).toBe(0);
    renameSync(away, blocks);
    await store.close();
    const next = await openStore([tierAt(folder)]);
    expect((await readBlock(next, blockId(1))).equals(contentsOf(blockId(1), BYTES))).toBe(true);
  });

  test('a disk that fails while a block is read: the reader hears of it, and the disk is given up at once', async () => {
    const folder = newFolder();
    const disks = new FaultyDisks();
    const store = await openStore([tierAt(folder)], {}, { files: disks.files });
    await writeBlock(store, blockId(1), contentsOf(blockId(1), BYTES));
    await using reader = await store.open(blockId(1));
    disks.fail(path.join(folder, 'SSD'));
    await expect(reader.pieces(0, BYTES)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'unavailable' });
    await waitUntil('the block is gone', async () => store.blockCount === 0);
  });

  test('an empty folder in the place of a disk: nothing is written there; the disk back, its blocks are here again', async () => {
    const folder = newFolder();
    const store = await openStore([tierAt(folder)], SOON);
    await writeBlock(store, blockId(1), contentsOf(blockId(1), BYTES));
    const at = path.join(folder, 'SSD');
    renameSync(at, `${at}.away`);
    mkdirSync(at);
    await waitUntil('the disk is given up', async () => store.tiers[0]?.failedDirectories === 1);
    expect(store.blockCount).toBe(0);
    await expect(store.create(blockId(2), { bytesMax: 1 })).rejects.toMatchObject({ code: 'unavailable' });
    expect(readdirSync(at)).toEqual([]);
    rmSync(at, { recursive: true });
    renameSync(`${at}.away`, at);
    await waitUntil('it works again', async () => store.blockCount === 1);
    expect((await readBlock(store, blockId(1))).equals(contentsOf(blockId(1), BYTES))).toBe(true);
  });

  test('a disk that fails at the start: it costs itself only, and is taken when it works', async () => {
    const folder = newFolder();
    const tiers = [tierAt(folder, 'MEM'), tierAt(folder, 'HDD')];
    const before = await openStore(tiers);
    await writeBlock(before, blockId(1), contentsOf(blockId(1), BYTES));
    await before.close();
    const disks = new FaultyDisks();
    disks.fail(path.join(folder, 'MEM'));
    const store = await openStore(tiers, SOON, { files: disks.files });
    expect(store.workerId).toBe(before.workerId);
    expect([store.blockCount, store.tiers[0]?.failedDirectories]).toEqual([0, 1]);
    disks.mend(path.join(folder, 'MEM'));
    await waitUntil('it works', async () => store.blockCount === 1);
  });

  test('a disk that fails while it is made the worker’s: it is once it works', async () => {
    const folder = newFolder();
    let isBroken = true;
    let isLooked = () => {};
    const files: BlockFiles = new Proxy(tierFiles, {
      get: (target, name) => {
        const failure = () => Promise.reject(fileFailure('rename', folder, Object.assign(new Error('EIO'), { code: 'EIO' })));
        if (name === 'listFolder') isLooked();
        return isBroken && name === 'rename' ? failure : Reflect.get(target, name, target);
      },
    });
    const store = await openStore([tierAt(folder, 'HDD')], SOON, { files });
    expect(store.tiers[0]?.failedDirectories).toBe(1);
    // The disk is unmounted, and leaves an empty folder; looks in vain are as long as these.
    renameSync(path.join(folder, 'HDD'), path.join(folder, 'away'));
    mkdirSync(path.join(folder, 'HDD'));
    isBroken = false;
    let looks = 0;
    isLooked = () => {
      looks += 1;
    };
    await waitUntil('it was looked at', async () => looks > 3);
    expect(readdirSync(path.join(folder, 'HDD'))).toEqual([]);
    rmSync(path.join(folder, 'HDD'), { recursive: true });
    renameSync(path.join(folder, 'away'), path.join(folder, 'HDD'));
    await waitUntil('it works', async () => store.tiers[0]?.failedDirectories === 0);
    await writeBlock(store, blockId(1), contentsOf(blockId(1), BYTES));
    await store.close();
    const again = await openStore([tierAt(folder, 'HDD')]);
    expect([again.workerId, again.blockCount]).toEqual([store.workerId, 1]);
  });

  test('all disks fail at the start, or all but one that says nothing of its owner: it does not start, and is itself when they work', async () => {
    const folder = newFolder();
    const before = await openStore([tierAt(folder, 'HDD')]);
    await writeBlock(before, blockId(1), contentsOf(blockId(1), BYTES));
    await before.close();
    const disks = new FaultyDisks();
    disks.fail(path.join(folder, 'HDD'));
    const tiers = [tierAt(folder, 'HDD')];
    for (const some of [tiers, [tierAt(folder, 'MEM'), ...tiers]])
      await expect(storeOf(some, SOON, { files: disks.files })).rejects.toMatchObject({ code: 'unavailable', message: /whose/ });
    disks.mend(path.join(folder, 'HDD'));
    const store = await openStore([tierAt(folder, 'MEM'), ...tiers], SOON, { files: disks.files });
    expect([store.workerId, store.blockCount]).toEqual([before.workerId, 1]);
  });
});

describe('whose directories are', () => {
  test('two stores with one directory: the second is refused until the first is closed', async () => {
    const folder = newFolder();
    const first = await openStore([tierAt(folder)]);
    await expect(storeOf([tierAt(folder, 'MEM'), tierAt(folder)])).rejects.toMatchObject({
      code: 'failed_precondition',
      message: /another process uses the folder/,
    });
    await first.close();
    const second = await openStore([tierAt(folder, 'MEM'), tierAt(folder)]);
    expect(second.workerId).toBe(first.workerId);
  });

  test('directories of different workers, or one whose owner cannot be told: the first is refused, the second left alone', async () => {
    const folder = newFolder();
    for (const name of ['a', 'b']) await (await storeOf([tierAt(folder, name)])).close();
    await expect(storeOf([tierAt(folder, 'a'), tierAt(folder, 'b')])).rejects.toMatchObject({
      code: 'failed_precondition',
      message: /different workers/,
    });
    writeFileSync(path.join(folder, 'b', 'WORKER'), 'understudy-worker\nversion=1\n');
    const store = await openStore([tierAt(folder, 'a'), tierAt(folder, 'b')]);
    expect(store.tiers.map(({ failedDirectories }) => failedDirectories)).toEqual([0, 1]);
  });
});

describeAsRoot('a disk with less room than its quota', () => {
  test('writers are told that it is full, and it is used as far as it goes; with room again, so is the rest', async () => {
    const disk = closedWithTest(new SmallDisk(8));
    const store = await openStore(
      [{ ...tierAt(disk.folder), directories: [{ path: path.join(disk.folder, 'blocks'), quotaBytes: 64 * MIB }] }],
      SOON,
    );
    expect(store.tiers[0]?.capacityBytes).toBeLessThanOrEqual(8 * MIB);
    await writeBlock(store, blockId(1), contentsOf(blockId(1), MIB), { evictable: true });
    const writer = await store.create(blockId(2), { bytesMax: 4 * MIB });
    disk.fill(0);
    const bytes = contentsOf(blockId(2), 4 * MIB);
    await expect(writer.write({ offset: 0, bytes, crcs: checksumsOf(bytes) })).rejects.toMatchObject({
      code: 'resource_exhausted',
      message: /the disk is full before the quota is/,
    });
    await waitUntil('there is as much room as there is', async () => (store.tiers[0]?.capacityBytes ?? 0) < 2 * MIB);
    expect(store.tiers[0]?.failedDirectories).toBe(0);
    expect((await readBlock(store, blockId(1))).equals(contentsOf(blockId(1), MIB))).toBe(true);
    disk.clear();
    await waitUntil('there is room again', async () => (store.tiers[0]?.capacityBytes ?? 0) > 6 * MIB);
    await writeBlock(store, blockId(2), bytes);
    expect(store.blockCount).toBe(2);
  });
});
