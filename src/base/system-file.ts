/**
 * The files of this machine (files.ts), as its kernel has them.
 */
import fs from 'node:fs';
import { UnderstudyError } from './errors.js';
import {
  cameShort,
  errnoOf,
  type FileSize,
  Files,
  fileFailure,
  isGone,
  type MemoryFiles,
  OpenFile,
  type OpenOptions,
  PAGE_BYTES,
  type PageBuffers,
  refusesDirect,
} from './files.js';

/** Not in the types of Node without those of browsers. */
declare const WebAssembly: { readonly Memory: new (pages: { initial: number }) => { readonly buffer: ArrayBuffer } };

const { O_CREAT, O_DSYNC, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC } = fs.constants;
/** Absent where the platform has none; the file system is then taken for what it is. */
const O_DIRECT: number = fs.constants.O_DIRECT ?? 0;

/** f_type of file systems that only this machine writes: ext2-4, xfs, btrfs, tmpfs, ramfs, zfs, f2fs, overlay, bcachefs, jfs, reiserfs. */
const LOCAL_TYPES = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x858458f6, 0x2fc12fc1, 0xf2f52010, 0x794c7630, 0xca451a4e, 0x3153464a, 0x52654973,
]);

/** Of those, the ones that keep their files in memory: tmpfs, ramfs. */
const MEMORY_TYPES = new Set([0x01021994, 0x858458f6]);

/**
 * Page-aligned memory. Only WebAssembly memories are aligned, and each reserves gigabytes of address space, so they are cut up and kept for
 * good.
 */
class AlignedBuffers implements PageBuffers {
  readonly #free = new Map<number, Buffer[]>();
  #arena: Buffer = Buffer.alloc(0);

  take(bytes: number): Buffer {
    const kept = this.#free.get(bytes)?.pop();
    if (kept !== undefined) return kept;
    if (this.#arena.length < bytes) {
      const arenaBytes = Math.max(bytes, 4 << 20);
      this.#arena = Buffer.from(new WebAssembly.Memory({ initial: Math.ceil(arenaBytes / 65536) }).buffer);
    }
    const buffer = this.#arena.subarray(0, bytes);
    this.#arena = this.#arena.subarray(bytes);
    return buffer;
  }

  give(buffer: Buffer): void {
    const list = this.#free.get(buffer.length);
    if (list === undefined) this.#free.set(buffer.length, [buffer]);
    else list.push(buffer);
  }
}

const alignedBuffers = new AlignedBuffers();

export class SystemFile extends OpenFile {
  readonly path: string;
  readonly buffers = alignedBuffers;
  readonly #fd: number;
  #closed = false;

  private constructor(filePath: string, fd: number) {
    super();
    this.path = filePath;
    this.#fd = fd;
  }

  /** A closed descriptor's number may already be another file's. */
  get fd(): number {
    if (this.#closed) throw new UnderstudyError('cancelled', `the file is closed: file=${this.path}`);
    return this.#fd;
  }

  static async open(filePath: string, options: OpenOptions = {}): Promise<SystemFile> {
    let flags = options.write === true ? O_RDWR : O_RDONLY;
    if (options.create !== undefined) flags |= O_CREAT;
    if (options.create === 'exclusive') flags |= O_EXCL;
    if (options.create === 'truncate') flags |= O_TRUNC;
    if (options.direct === true) flags |= O_DIRECT;
    if (options.durableWrites === true) flags |= O_DSYNC;
    try {
      const fd = await done<number>('open', filePath, (then) => fs.open(filePath, flags, 0o644, then));
      const file = new SystemFile(filePath, fd);
      if (options.direct === true) await file.#probeDirect();
      return file;
    } catch (error) {
      if (options.direct !== true || errnoOf(error) !== 'EINVAL') throw error;
      throw refusesDirect(filePath, error);
    }
  }

  async #probeDirect(): Promise<void> {
    const page = alignedBuffers.take(PAGE_BYTES);
    try {
      await this.readSome(page, 0);
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      alignedBuffers.give(page);
    }
  }

  readSome(buffer: Uint8Array, position: number): Promise<number> {
    return done('read', this.path, (then) => fs.read(this.fd, buffer, 0, buffer.length, position, then), position);
  }

  readExactlySync(buffer: Uint8Array, position: number): void {
    const { fd } = this;
    let count: number;
    try {
      count = fs.readSync(fd, buffer, 0, buffer.length, position);
    } catch (error) {
      throw fileFailure('read', this.path, error, position);
    }
    if (count !== buffer.length) throw cameShort(this.path, position);
  }

  protected writeSome(buffer: Uint8Array, position: number): Promise<number> {
    return done('write', this.path, (then) => fs.write(this.fd, buffer, 0, buffer.length, position, then), position);
  }

  dataSync(): Promise<void> {
    return done('fdatasync', this.path, (then) => fs.fdatasync(this.fd, then));
  }

  sync(): Promise<void> {
    return done('fsync', this.path, (then) => fs.fsync(this.fd, then));
  }

  truncate(bytes: number): Promise<void> {
    return done('ftruncate', this.path, (then) => fs.ftruncate(this.fd, bytes, then));
  }

  async isStillAtPath(): Promise<boolean> {
    const [mine, there] = await Promise.all([
      done<fs.BigIntStats>('fstat', this.path, (then) => fs.fstat(this.fd, { bigint: true }, then)),
      done<fs.BigIntStats>('stat', this.path, (then) => fs.stat(this.path, { bigint: true }, then)),
    ]);
    return mine.ino === there.ino && mine.dev === there.dev;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await done<void>('close', this.path, (then) => fs.close(this.#fd, then));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

class SystemFiles extends Files {
  readonly buffers = alignedBuffers;

  open(filePath: string, options?: OpenOptions): Promise<SystemFile> {
    return SystemFile.open(filePath, options);
  }

  makeFolder(folder: string): Promise<void> {
    return done('mkdir', folder, (then) => fs.mkdir(folder, { mode: 0o700 }, then));
  }

  listFolder(folder: string): Promise<string[]> {
    return done('readdir', folder, (then) => fs.readdir(folder, then));
  }

  async fileSize(filePath: string): Promise<FileSize> {
    const { size, blocks, mtimeMs } = await done<fs.Stats>('stat', filePath, (then) => fs.stat(filePath, then));
    return { bytes: size, storedBytes: blocks * 512, modifiedMs: mtimeMs };
  }

  async exists(filePath: string): Promise<boolean> {
    try {
      await done<fs.Stats>('lstat', filePath, (then) => fs.lstat(filePath, then));
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  async removeFile(filePath: string): Promise<void> {
    try {
      await done<void>('unlink', filePath, (then) => fs.unlink(filePath, then));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }

  /** In one file system; what is at `to` is replaced. Not made durable. */
  rename(from: string, to: string): Promise<void> {
    return done('rename', from, (then) => fs.rename(from, to, then));
  }

  async isLocalFolder(folder: string): Promise<boolean> {
    return LOCAL_TYPES.has(await typeOf(folder));
  }

  override async inMemory(folder: string): Promise<MemoryFiles | undefined> {
    return MEMORY_TYPES.has(await typeOf(folder)) ? memoryFiles : undefined;
  }

  async freeBytes(folder: string): Promise<number> {
    const { bavail, bsize } = await done<fs.StatsFs>('statfs', folder, (then) => fs.statfs(folder, then));
    return bavail * bsize;
  }

  /** Removes the folder and all in it, if it is there. Not made durable. */
  removeFolder(folder: string): Promise<void> {
    return done('rm', folder, (then) => fs.rm(folder, { recursive: true, force: true }, then));
  }

  /** Removes the folder unless there is something in it. */
  async removeEmptyFolder(folder: string): Promise<void> {
    try {
      await done<void>('rmdir', folder, (then) => fs.rmdir(folder, then));
    } catch (error) {
      if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}

const memoryFiles: MemoryFiles = {
  read(filePath, bytes) {
    const buffer = Buffer.allocUnsafeSlow(bytes);
    const count = at('read', filePath, () => withFile(filePath, O_RDONLY, (fd) => fs.readSync(fd, buffer, 0, bytes, 0)));
    if (count !== bytes) throw cameShort(filePath, count);
    return buffer;
  },
  create(filePath, contents) {
    at('create', filePath, () =>
      withFile(filePath, O_RDWR | O_CREAT | O_EXCL, (fd) => {
        for (let from = 0; from < contents.length; ) from += fs.writeSync(fd, contents, from, contents.length - from, from);
      }),
    );
  },
  rename: (from, to) => at('rename', from, () => fs.renameSync(from, to)),
};

function withFile<T>(filePath: string, flags: number, work: (fd: number) => T): T {
  const fd = fs.openSync(filePath, flags, 0o644);
  try {
    return work(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function at<T>(operation: string, filePath: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fileFailure(operation, filePath, error);
  }
}

/** @returns f_type of the file system. */
async function typeOf(folder: string): Promise<number> {
  return (await done<fs.StatsFs>('statfs', folder, (then) => fs.statfs(folder, then))).type >>> 0;
}

export const systemFiles = new SystemFiles();

type Then<T> = (error: NodeJS.ErrnoException | null, value?: T) => void;

function done<T>(operation: string, filePath: string, start: (then: Then<T>) => void, offset?: number): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error) reject(fileFailure(operation, filePath, error, offset));
      else resolve(value as T);
    });
  });
}
