/**
 * Stores the bytes of the files below a folder with a worker, the leader killed half-way, and then compares every byte of them with the folder.
 *
 * Regular files only, in the order of the walk, up to `BYTES_MAX` of them together. A file that lives on meanwhile is counted as that, and not
 * as wrong. Memory: the places of the files, and some pieces of those under way.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { errnoOf } from '../../base/files.js';
import type { FileSystem } from '../../client/file-system.js';
import { type Place, statIfThere, walkFolder } from './folder-walk.js';

const BYTES_MAX = 1024 ** 3;
const FILES_MAX = 100_000;
const AT_ONCE = 16;
/** Times of files may come from a clock that is coarser than the one of the process. */
const CLOCK_GRAIN_MS = 100;

export interface StoredFile {
  readonly source: string;
  /** In the namespace. */
  readonly path: string;
  readonly length: number;
}

export interface ByteFigures {
  readonly storedFiles: number;
  readonly storedBytes: number;
  readonly storeMs: number;
  /** Files of which other bytes were read than stand in the folder, or none. */
  readonly wrongContents: number;
  /** Files that were changed in the folder meanwhile, or could not be read there. */
  readonly changedContents: number;
  readonly problems: readonly string[];
}

/** @returns the files that are to be stored. */
export async function filesBelow(place: Place): Promise<readonly StoredFile[]> {
  const files: StoredFile[] = [];
  let bytes = 0;
  for await (const { source, path, directory } of walkFolder(place, () => {})) {
    const stats = directory ? undefined : await statIfThere(source);
    if (stats === undefined || !stats.isFile() || bytes + stats.size > BYTES_MAX) continue;
    if (files.length === FILES_MAX) break;
    bytes += stats.size;
    files.push({ source, path, length: stats.size });
  }
  return files;
}

/** @param killLeader kills it before it returns; called when half of the bytes have begun. @throws what a file could not be written for. */
export async function storeAndCompare(fs: FileSystem, files: readonly StoredFile[], killLeader: () => void): Promise<ByteFigures> {
  const beganMs = Date.now();
  const half = files.reduce((sum, { length }) => sum + length, 0) / 2;
  let begun = 0;
  let isKilled = false;
  let [storedFiles, storedBytes] = [0, 0];
  await forEach(files, async (file) => {
    begun += file.length;
    if (!isKilled && begun >= half) {
      isKilled = true;
      killLeader();
    }
    const stored = await store(fs, file);
    if (stored === undefined) return;
    storedFiles += 1;
    storedBytes += stored;
  });
  const storeMs = Math.round(Date.now() - beganMs);
  let [wrongContents, changedContents] = [0, 0];
  const problems: string[] = [];
  await forEach(files, async (file) => {
    const difference = await differenceIn(fs, file);
    if (difference === '') return;
    if (await isChanged(file, beganMs)) changedContents += 1;
    else {
      wrongContents += 1;
      if (problems.length < 5) problems.push(`${file.path}: ${difference}`);
    }
  });
  return { storedFiles, storedBytes, storeMs, wrongContents, changedContents, problems };
}

/** @returns how many bytes; undefined where the file cannot be read in the folder. */
async function store(fs: FileSystem, { source, path }: StoredFile): Promise<number | undefined> {
  await using writer = await fs.create(path, { recursive: true });
  try {
    for await (const chunk of createReadStream(source)) await writer.write(chunk as Buffer);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
  return (await writer.close()).status.length;
}

/** @returns how the bytes differ; empty where they do not. */
async function differenceIn(fs: FileSystem, { source, path }: StoredFile): Promise<string> {
  try {
    await using file = await fs.open(path);
    const [stored, own] = [await sumOf(file.lentChunks()), await sumOf(createReadStream(source))];
    return stored === own ? '' : 'other bytes';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function sumOf(runs: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const run of runs) hash.update(run);
  return hash.digest('hex');
}

async function isChanged({ source }: StoredFile, sinceMs: number): Promise<boolean> {
  const stats = await statIfThere(source);
  if (stats === undefined || stats.ctimeMs >= sinceMs - CLOCK_GRAIN_MS) return true;
  return await sumOf(createReadStream(source)).then(
    () => false,
    () => true,
  );
}

/** @throws what the first of them failed with, once the others under way have ended. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  let isOver = false;
  const lane = async () => {
    for (const item of rest) {
      if (isOver) return;
      await work(item).catch((error: unknown) => {
        isOver = true;
        throw error;
      });
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane));
  const failed = ended.find((lane) => lane.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
