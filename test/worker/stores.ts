/** Stores for tests, in folders of their own in memory. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { lockFile } from '../../src/base/system-lock.js';
import { systemRandom } from '../../src/base/system-random.js';
import type { BlockFiles } from '../../src/worker/block-files.js';
import { TieredStore, type TieredStoreDeps, type TieredStoreSettings } from '../../src/worker/tiered-store.js';
import type { TierSettings } from '../../src/worker/tiers.js';
import { memoryFolder, ownFolder } from '../servers/own-folder.js';

export const MIB = 1 << 20;

/** The files of this machine, of which only those of MEM tiers lie in memory: so both ways of small blocks are taken, whatever the machine has. */
export const tierFiles: BlockFiles = Object.assign(Object.create(systemFiles), {
  inMemory: async (folder: string) => (folder.includes(`${path.sep}MEM`) ? systemFiles.inMemory(folder) : undefined),
});

export function newFolder(): string {
  const folder = ownFolder('blocks', memoryFolder());
  onTestFinished(() => folder.remove());
  return folder.path;
}

/** @returns a tier of one directory. */
export function tierAt(folder: string, name = 'SSD', quotaBytes = 64 * MIB): TierSettings {
  return { name, directories: [{ path: path.join(folder, name), quotaBytes }], highWatermark: 1, lowWatermark: 1 };
}

/** @returns a store that neither scrubs nor looks at disks unless told to. */
export function storeOf(
  tiers: readonly TierSettings[],
  settings: Partial<TieredStoreSettings> = {},
  deps: Partial<TieredStoreDeps> = {},
): Promise<TieredStore> {
  return TieredStore.open(
    { tiers, scrub: { bytesPerSecond: 0, intervalMs: 0 }, diskCheckIntervalMs: 3_600_000, ...settings },
    { files: tierFiles, lock: lockFile, clock: systemClock, random: systemRandom, log: silentLog, ...deps },
  );
}

/** @returns as `storeOf`; closed when the test ends. */
export async function openStore(...settings: Parameters<typeof storeOf>): Promise<TieredStore> {
  const store = await storeOf(...settings);
  onTestFinished(() => store.close());
  return store;
}

/** @returns the files of blocks below `folder`, whole ones and such as are being written. */
export function blockFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'WORKER' && entry.name !== 'lock')
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}
