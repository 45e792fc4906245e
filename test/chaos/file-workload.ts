/**
 * Clients of files: they write, append to, read and remove files in every way that there is, each name by one of them at a time, and hold every byte that they
 * read against what was written there.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { isError } from '../../src/base/errors.js';
import type { ReadType, WriteType } from '../../src/client/data/read-write-types.js';
import type { FileSystem } from '../../src/client/file-system.js';
import { madeUpBytes, whatDiffers } from '../cluster/made-up-bytes.js';
import type { SeededRandom } from '../simulation/seeded-random.js';
import { FILES_FOLDER, type FileLine } from './file-lines.js';
import { machineClock } from './monotonic-clock.js';

const BLOCK_BYTES = 256 << 10;
const SIZES: readonly ((random: SeededRandom) => number)[] = [
  () => 0,
  () => 1,
  (random) => random.below(16 << 10),
  () => BLOCK_BYTES - 1,
  () => BLOCK_BYTES,
  () => BLOCK_BYTES + 1,
  (random) => random.below(4 * BLOCK_BYTES),
];
const APPENDED_MAX = 2 * BLOCK_BYTES;
const PART_MAX = BLOCK_BYTES;
const WRITE_TYPES: readonly WriteType[] = ['MUST_CACHE', 'MUST_CACHE', 'CACHE_THROUGH', 'THROUGH', 'ASYNC_THROUGH'];
const READ_TYPES: readonly ReadType[] = ['CACHE', 'CACHE', 'CACHE_PROMOTE', 'NO_CACHE'];
const COPIES_MAX = 2;
const FOLDERS = 8;
/** Of all files that are there; then some go. */
const KEPT_BYTES_MAX = 16 << 20;
const THINK_MS = [5, 60] as const;
/** One that could not be read so often is left to the end. */
const FAILURES_MAX = 2;

interface WrittenFile {
  readonly path: string;
  /** That was acknowledged. */
  length: number;
  /** That it may have meanwhile. */
  lengthMax: number;
  /** Somebody writes to it, or removes it. */
  isTaken: boolean;
  failures: number;
}

export class FileWorkload {
  readonly #record: (line: FileLine) => void;
  readonly #files: WrittenFile[] = [];
  #count = 0;
  stopping = false;

  constructor(record: (line: FileLine) => void) {
    this.#record = record;
  }

  /** One client, until `stopping`. */
  async work(fs: FileSystem, random: SeededRandom): Promise<void> {
    while (!this.stopping) {
      await this.#step(fs, random);
      await pause(random.between(...THINK_MS));
    }
  }

  #step(fs: FileSystem, random: SeededRandom): Promise<void> {
    const free = this.#files.filter(({ isTaken }) => !isTaken);
    if (free.length === 0) return this.#write(fs, random);
    const file = random.pick(free);
    const readable = free.filter(({ failures }) => failures < FAILURES_MAX);
    const kept = this.#files.reduce((sum, { lengthMax }) => sum + lengthMax, 0);
    if (kept > KEPT_BYTES_MAX) return this.#remove(fs, file);
    const chance = random.float();
    if (chance < 0.3) return this.#write(fs, random);
    if (chance < 0.4) return this.#append(fs, file, random);
    if (chance < 0.45) return this.#remove(fs, file);
    return readable.length === 0 ? this.#write(fs, random) : this.#read(fs, random.pick(readable), random);
  }

  async #write(fs: FileSystem, random: SeededRandom): Promise<void> {
    const number = this.#count++;
    const path = `${FILES_FOLDER}/${number % FOLDERS}/${number}`;
    const length = random.pick(SIZES)(random);
    const writeType = random.pick(WRITE_TYPES);
    const options = { writeType, blockBytes: BLOCK_BYTES, replicationMin: 1 + random.below(COPIES_MAX), recursive: true };
    const file: WrittenFile = { path, length: 0, lengthMax: length, isTaken: true, failures: 0 };
    this.#files.push(file);
    const isDone = await this.#note({ call: 'write', path, length, writeType }, async () => {
      await using writer = await fs.create(path, options);
      await pour(writer, path, 0, length, random);
      const { status } = await writer.close();
      return { id: status.id };
    });
    this.#settle(file, isDone, length);
  }

  async #append(fs: FileSystem, file: WrittenFile, random: SeededRandom): Promise<void> {
    const { path } = file;
    file.isTaken = true;
    const length = file.length + random.below(APPENDED_MAX);
    file.lengthMax = length;
    const isDone = await this.#note({ call: 'append', path, length }, async () => {
      await using writer = await fs.append(path);
      await pour(writer, path, file.length, length, random);
      const { status } = await writer.close();
      return { id: status.id };
    });
    this.#settle(file, isDone, length);
  }

  /** What failed may have happened all the same: nobody goes on with it. */
  #settle(file: WrittenFile, isDone: boolean, length: number): void {
    if (!isDone) return this.#drop(file);
    file.length = length;
    file.isTaken = false;
  }

  async #remove(fs: FileSystem, file: WrittenFile): Promise<void> {
    file.isTaken = true;
    await this.#note({ call: 'remove', path: file.path }, async () => {
      await fs.remove(file.path);
      return {};
    });
    this.#drop(file);
  }

  async #read(fs: FileSystem, file: WrittenFile, random: SeededRandom): Promise<void> {
    const { path, length } = file;
    const readType = random.pick(READ_TYPES);
    const isDone = await this.#note({ call: 'read', path }, async () => {
      await using reader = await fs.open(path, { readType });
      const isWhole = random.chance(0.5);
      const start = isWhole ? 0 : random.below(reader.length + 1);
      const found = Buffer.alloc(isWhole ? reader.length : Math.min(reader.length - start, random.below(PART_MAX)));
      const bytes = await reader.read(found, start);
      const isLong = reader.length >= length && reader.length <= file.lengthMax;
      const lengths = isLong ? undefined : `it is ${reader.length} bytes long instead of ${length} to ${file.lengthMax}`;
      const short = bytes === found.length ? undefined : `${bytes} bytes were read at ${start} instead of ${found.length}`;
      const wrong = lengths ?? short ?? whatDiffers(path, start, found);
      return { bytes, ...(wrong === undefined ? {} : { wrong }) };
    });
    // It may have been taken meanwhile.
    if (this.#files.includes(file) && !file.isTaken) file.failures = isDone ? 0 : file.failures + 1;
  }

  #drop(file: WrittenFile): void {
    const at = this.#files.indexOf(file);
    if (at >= 0) this.#files.splice(at, 1);
  }

  /** @returns whether it was acknowledged. */
  async #note(what: Pick<FileLine, 'call' | 'path' | 'length' | 'writeType'>, act: () => Promise<Partial<FileLine>>): Promise<boolean> {
    const at = machineClock.monotonicMs();
    const outcome = await act().catch((error: unknown) => ({ error: String(error), code: isError(error) ? error.code : '' }));
    this.#record({ ...what, at, answeredAt: machineClock.monotonicMs(), ...outcome });
    return !('error' in outcome);
  }
}

/** Writes what stands at [from, to), in pieces of any size. */
async function pour(
  writer: { write(bytes: Uint8Array): Promise<void> },
  name: string,
  from: number,
  to: number,
  random: SeededRandom,
): Promise<void> {
  for (let at = from; at < to; ) {
    const end = Math.min(to, at + 1 + random.below(2 * BLOCK_BYTES));
    await writer.write(madeUpBytes(name, at, end));
    at = end;
  }
}
