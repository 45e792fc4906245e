/**
 * Whether anything is left that belongs to nobody, once the faults are over: blocks on workers, and files or parts of files in mounted storage.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { FileSystem } from '../../src/cli/understudy.js';
import { isError } from '../../src/cli/understudy.js';
import { PARTS_FOLDER } from '../../src/underfs/under-path.js';
import type { UnderStore } from '../../src/underfs/under-store.js';
import { whatDiffers } from '../cluster/made-up-bytes.js';
import type { BlockCopies } from './block-copies.js';
import { FILES_FOLDER } from './file-lines.js';

/** Within which nothing is left. */
const LIMIT_MS = 45_000;
const LOOK_AGAIN_MS = 500;
/** What a store writes aside when it is killed stays a day, under such a name. */
const ASIDE = /^\.understudy-[0-9a-f]{16}\.part$/;

/** @returns what is left of it after a while. */
async function leftOf(look: () => Promise<readonly string[]>): Promise<readonly string[]> {
  const endAt = performance.now() + LIMIT_MS;
  for (;;) {
    const left = await look();
    if (left.length === 0 || performance.now() > endAt) return left;
    await pause(LOOK_AGAIN_MS);
  }
}

/** @returns blocks on disks whose file is not there, or is shorter. */
export function orphans(copies: BlockCopies, fs: FileSystem): Promise<readonly string[]> {
  return leftOf(async () => {
    const blocksOf = new Map<number, Promise<number>>();
    const left: string[] = [];
    for (const { path, inodeId, index } of copies.list()) {
      const blocks = blocksOf.get(inodeId) ?? countBlocks(inodeId, fs);
      blocksOf.set(inodeId, blocks);
      if (index >= (await blocks)) left.push(path);
    }
    return left;
  });
}

async function countBlocks(inodeId: number, fs: FileSystem): Promise<number> {
  try {
    const { complete, length, blockBytes } = await fs.getStatusById(inodeId);
    return complete ? Math.ceil(length / blockBytes) : Number.POSITIVE_INFINITY;
  } catch (error) {
    if (isError(error, 'not_found')) return 0;
    throw error;
  }
}

/** @returns how the storage differs from what the namespace says that it has. */
export function storageDiffers(storage: UnderStore, fs: FileSystem): Promise<readonly string[]> {
  return leftOf(async () => {
    const persisted = new Map<string, number>();
    const older = new Set<string>();
    for await (const { path, directory, ...file } of fs.list(FILES_FOLDER, { recursive: true, loadMetadata: 'NEVER' })) {
      const name = path.slice(FILES_FOLDER.length + 1);
      if (!directory && file.persistence === 'PERSISTED') persisted.set(name, file.length);
      // What was written to since stands there as it was before.
      else if (!directory && file.generation > 0) older.add(name);
    }
    const differs: string[] = [];
    for await (const page of storage.list('', { recursive: true })) {
      for (const { name, isDirectory } of page) {
        if (isDirectory) continue;
        const length = persisted.get(name);
        const what = length === undefined && !older.has(name) ? 'nobody has it' : await differsFrom(storage, name, length);
        if (what !== undefined) differs.push(`${name}: ${what}`);
        persisted.delete(name);
      }
    }
    return [...differs, ...[...persisted.keys()].map((name) => `${name}: it is not there`)];
  });
}

/** @param length undefined: any. */
async function differsFrom(storage: UnderStore, name: string, length: number | undefined): Promise<string | undefined> {
  const found: Uint8Array[] = [];
  for await (const chunk of storage.open(name)) found.push(Uint8Array.from(chunk));
  const bytes = Buffer.concat(found);
  if (length !== undefined && bytes.length !== length) return `it is ${bytes.length} bytes long instead of ${length}`;
  return whatDiffers(`${FILES_FOLDER}/${name}`, 0, bytes);
}

/** @returns parts of files that nobody commits any more. */
export function partsLeft(storage: UnderStore): Promise<readonly string[]> {
  return leftOf(async () => {
    const left: string[] = [];
    try {
      for await (const page of storage.list(PARTS_FOLDER)) left.push(...page.map(({ name }) => name).filter((name) => !ASIDE.test(name)));
    } catch (error) {
      if (!isError(error, 'not_found')) throw error;
    }
    return left;
  });
}

/** Removes all files. @returns what is left of their blocks, and in the storage. */
export async function leftOfNothing(copies: BlockCopies, storage: UnderStore, fs: FileSystem): Promise<readonly string[]> {
  for await (const { path } of fs.list(FILES_FOLDER, { loadMetadata: 'NEVER' })) await fs.remove(path, { recursive: true });
  return leftOf(async () => {
    const left = copies.list().map(({ path }) => path);
    for await (const page of storage.list('', { recursive: true })) left.push(...page.map(({ name }) => name));
    return left;
  });
}
