/**
 * Moves bytes of whole files for the commands that copy: so many files at once, with a bar on a terminal for all of them together.
 *
 * A copy is seen when it is whole: into the namespace a file is complete then, on this machine it is written aside and renamed.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isError, UnderstudyError } from '../../base/errors.js';
import { errnoOf } from '../../base/files.js';
import type { FileSystem } from '../../client/file-system.js';
import type { WriteFileOptions } from '../../client/file-system-options.js';
import type { Problems } from '../problems.js';
import { ToolProgress } from '../tool-progress.js';

/** At once. */
const FILES_MAX = 8;

export interface TransferOptions {
  /** Replace what is there. */
  readonly overwrite: boolean;
  /** Leave files that are there with the same length. */
  readonly resume: boolean;
  readonly write: Pick<WriteFileOptions, 'writeType'>;
}

export class Transfer implements Disposable {
  readonly #problems: Problems;
  readonly #filesMax: number;
  readonly #bar: ToolProgress;
  readonly #underWay = new Set<Promise<void>>();
  #moved = 0;

  /** @param filesMax at once. */
  constructor(what: string, problems: Problems, filesMax = FILES_MAX) {
    this.#problems = problems;
    this.#filesMax = filesMax;
    this.#bar = new ToolProgress(what, 0);
  }

  /** Begins it once there is a place; what fails is told. */
  async add(run: (moved: (bytes: number) => void) => Promise<void>): Promise<void> {
    while (this.#underWay.size >= this.#filesMax) await Promise.race(this.#underWay);
    const moved = (bytes: number) => {
      this.#moved += bytes;
      this.#bar.update(this.#moved);
    };
    const done = this.#problems.catch(() => run(moved)).finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  [Symbol.dispose](): void {
    this.#bar[Symbol.dispose]();
  }
}

/** @returns whether it was copied, and not left as it is. */
export async function upload(
  fs: FileSystem,
  from: string,
  to: string,
  { overwrite, resume, write }: TransferOptions,
  moved: (bytes: number) => void,
): Promise<boolean> {
  const { size } = await stat(from);
  if (resume && (await lengthOf(fs, to)) === size) return false;
  await using file = await fs.create(to, { ...write, recursive: true, overwrite: overwrite || resume });
  for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20 })) {
    await file.write(chunk);
    moved(chunk.length);
  }
  await file.close();
  return true;
}

/** As `upload`, the other way. */
export async function download(
  fs: FileSystem,
  from: string,
  to: string,
  { overwrite, resume }: TransferOptions,
  moved: (bytes: number) => void,
): Promise<boolean> {
  await using file = await fs.open(from);
  const there = await stat(to).catch(unlessAbsent);
  if (resume && there?.size === file.length) return false;
  if (there !== undefined && !overwrite && !resume) throw new UnderstudyError('already_exists', `a file is there: path=${to}`);
  await mkdir(path.dirname(to), { recursive: true });
  const aside = `${to}.${process.pid}.part`;
  try {
    await pipeline(counted(file.chunks(), moved), createWriteStream(aside, { flags: 'wx' }));
    await rename(aside, to);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  return true;
}

/** As `upload`, within the namespace. */
export async function copyFile(
  fs: FileSystem,
  from: string,
  to: string,
  { overwrite, resume, write }: TransferOptions,
  moved: (bytes: number) => void,
): Promise<boolean> {
  await using source = await fs.open(from);
  if (resume && (await lengthOf(fs, to)) === source.length) return false;
  await using target = await fs.create(to, { ...write, recursive: true, overwrite: overwrite || resume });
  for await (const chunk of source.lentChunks()) {
    await target.write(chunk);
    moved(chunk.length);
  }
  await target.close();
  return true;
}

/** Yields what is at and below `place` on this machine, by its way from there: folders before what is in them. Links are followed at `place` only. */
export async function* localTree(place: string): AsyncGenerator<{ readonly below: string; readonly isFolder: boolean }, void, undefined> {
  const isFolder = (await stat(place)).isDirectory();
  yield { below: '', isFolder };
  if (!isFolder) return;
  const open = [''];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of (await readdir(path.join(place, folder), { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const below = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) open.push(below);
      if (entry.isDirectory() || entry.isFile()) yield { below, isFolder: entry.isDirectory() };
    }
  }
}

async function* counted(chunks: AsyncIterable<Uint8Array>, moved: (bytes: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    yield chunk;
    moved(chunk.length);
  }
}

async function lengthOf(fs: FileSystem, at: string): Promise<number | undefined> {
  try {
    const { complete, directory, length } = await fs.getStatus(at);
    return complete && !directory ? length : undefined;
  } catch (error) {
    if (isError(error, 'not_found')) return undefined;
    throw error;
  }
}

function unlessAbsent(error: unknown): undefined {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
