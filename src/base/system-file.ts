/**
 * Files as a shared log needs them: exact reads, durable writes and names, and I/O that asks the storage rather than a cache.
 *
 * - Every failure is an `unavailable` error that names the operation, the file and the errno (`errnoOf` gives it back).
 * - On a file system that is not known to be local, another machine may have written what this one has in its cache: such files are
 *   opened with O_DIRECT, for which offsets, lengths and memory are multiples of a page (`alignedBuffers`).
 * - A written file is durable once its own sync *and* that of the folder that names it have returned.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { UnderstudyError } from './errors.js';

export const PAGE_BYTES = 4096;

/**
 * A file that other machines read while it changes is made no smaller, sparse. GlusterFS clients keep the contents of small ones (64 KiB with
 * the default options; `performance.quick-read` goes up to 1 MiB) for a second, and answer O_DIRECT reads from that too.
 */
export const SHARED_FILE_BYTES_MIN = (1 << 20) + PAGE_BYTES;

/** Not in the types of Node without those of browsers. */
declare const WebAssembly: { readonly Memory: new (pages: { initial: number }) => { readonly buffer: ArrayBuffer } };

const { O_CREAT, O_DSYNC, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC } = fs.constants;
/** Errors of shared storage for which Node has a number only. */
const UNNAMED_ERRNOS = new Map<number, string>([
  [os.constants.errno.ESTALE, 'ESTALE'],
  [os.constants.errno.EDQUOT, 'EDQUOT'],
]);
/** Absent where the platform has none; the file system is then taken for what it is. */
const O_DIRECT: number = fs.constants.O_DIRECT ?? 0;

/** f_type of file systems that only this machine writes: ext2-4, xfs, btrfs, tmpfs, ramfs, zfs, f2fs, overlay, bcachefs, jfs, reiserfs. */
const LOCAL_TYPES = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x858458f6, 0x2fc12fc1, 0xf2f52010, 0x794c7630, 0xca451a4e, 0x3153464a, 0x52654973,
]);

/** @returns whether `folder` lies on a file system that is known to be local: one cache, shared by all that use it. */
export async function isLocalFolder(folder: string): Promise<boolean> {
  const { type } = await done<fs.StatsFs>('statfs', folder, (then) => fs.statfs(folder, then));
  return LOCAL_TYPES.has(type >>> 0);
}

/** @returns whether the file can be read with O_DIRECT. */
export async function takesDirect(filePath: string): Promise<boolean> {
  try {
    await (await SystemFile.open(filePath, { direct: true })).close();
    return true;
  } catch (error) {
    if (error instanceof UnderstudyError && error.code === 'failed_precondition') return false;
    throw error;
  }
}

/** @returns bytes that an ordinary process may still write below `folder`. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await done<fs.StatsFs>('statfs', folder, (then) => fs.statfs(folder, then));
  return bavail * bsize;
}

/**
 * Page-aligned memory, lent. Only WebAssembly memories are aligned, and each reserves gigabytes of address space, so they are cut up
 * and kept for good.
 */
class AlignedBuffers {
  readonly #free = new Map<number, Buffer[]>();
  #arena: Buffer = Buffer.alloc(0);

  /** @param bytes a multiple of `PAGE_BYTES`. @returns memory with any contents, the caller's until `give`. */
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

  /** Takes back what `take` lent; no I/O may still use it. */
  give(buffer: Buffer): void {
    const list = this.#free.get(buffer.length);
    if (list === undefined) this.#free.set(buffer.length, [buffer]);
    else list.push(buffer);
  }
}

export const alignedBuffers = new AlignedBuffers();

export interface OpenOptions {
  /** Default: reading only. */
  readonly write?: boolean;
  /** `exclusive`: fails with EEXIST; `truncate`: makes or empties; `always`: makes it where it is missing. */
  readonly create?: 'exclusive' | 'truncate' | 'always';
  /** O_DIRECT: reads and writes go to the storage. Opening probes it, and fails where it is refused. */
  readonly direct?: boolean;
  /** O_DSYNC: each write is durable on return. */
  readonly durableWrites?: boolean;
}

/** An open file. Calls may overlap, `close` with none; a caller's buffers are its own again once the call has settled. */
export class SystemFile implements AsyncDisposable {
  readonly path: string;
  readonly #fd: number;
  #closed = false;

  private constructor(filePath: string, fd: number) {
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
      const message = `the file system refuses O_DIRECT, which shared storage needs: file=${filePath}`;
      throw new UnderstudyError('failed_precondition', message, { cause: error });
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

  /** Reads once. @returns how many bytes came; fewer than asked at the end of the file. */
  readSome(buffer: Uint8Array, position: number): Promise<number> {
    return done('read', this.path, (then) => fs.read(this.fd, buffer, 0, buffer.length, position, then), position);
  }

  /** Fills `buffer`. @throws `unavailable` where the file ends before. */
  async readExactly(buffer: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < buffer.length; ) {
      const count = await this.readSome(at === 0 ? buffer : buffer.subarray(at), position + at);
      if (count === 0) throw new UnderstudyError('unavailable', `read came back short: file=${this.path} offset=${position + at}`);
      at += count;
    }
  }

  /** As `readExactly`, without leaving the thread: for a few bytes that a local cache holds. */
  readExactlySync(buffer: Uint8Array, position: number): void {
    let count: number;
    try {
      count = fs.readSync(this.fd, buffer, 0, buffer.length, position);
    } catch (error) {
      throw failure('read', this.path, error, position);
    }
    if (count !== buffer.length) throw new UnderstudyError('unavailable', `read came back short: file=${this.path} offset=${position}`);
  }

  /** Writes all of `buffer`. Durable on return only where the file was opened with `durableWrites`. */
  async writeAll(buffer: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < buffer.length; ) {
      const part = at === 0 ? buffer : buffer.subarray(at);
      at += await done<number>('write', this.path, (then) => fs.write(this.fd, part, 0, part.length, position + at, then), position + at);
    }
  }

  /** fdatasync: contents, and what is needed to read them. */
  dataSync(): Promise<void> {
    return done('fdatasync', this.path, (then) => fs.fdatasync(this.fd, then));
  }

  /** fsync: contents and all attributes. */
  sync(): Promise<void> {
    return done('fsync', this.path, (then) => fs.fsync(this.fd, then));
  }

  truncate(bytes: number): Promise<void> {
    return done('ftruncate', this.path, (then) => fs.ftruncate(this.fd, bytes, then));
  }

  /** @returns whether the path still names this very file. @throws with ENOENT where it names none. */
  async isStillAtPath(): Promise<boolean> {
    const [mine, there] = await Promise.all([
      done<fs.BigIntStats>('fstat', this.path, (then) => fs.fstat(this.fd, { bigint: true }, then)),
      done<fs.BigIntStats>('stat', this.path, (then) => fs.stat(this.path, { bigint: true }, then)),
    ]);
    return mine.ino === there.ino && mine.dev === there.dev;
  }

  /** Idempotent. That another machine has removed the file is no failure: what was to be kept has been synced before. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await done<void>('close', this.path, (then) => fs.close(this.#fd, then));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Makes the names in `folder` durable. */
export async function syncFolder(folder: string): Promise<void> {
  await using file = await SystemFile.open(folder);
  await file.sync();
}

/** Makes `folder` and those missing above it, for this user alone, each durable in the one that names it. */
export async function makeFolderDurable(folder: string): Promise<void> {
  const first = await done<string | undefined>('mkdir', folder, (then) => fs.mkdir(folder, { recursive: true, mode: 0o700 }, then));
  const top = first === undefined ? path.resolve(folder) : path.resolve(first);
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    await syncFolder(path.dirname(at));
    if (at === top) return;
  }
}

/** Makes the file `filePath`, which must not exist (EEXIST), with these contents, durable with its name on return. */
export async function createFileDurable(filePath: string, contents: Uint8Array = new Uint8Array(0)): Promise<void> {
  {
    await using file = await SystemFile.open(filePath, { write: true, create: 'exclusive' });
    await file.writeAll(contents, 0);
    await file.sync();
  }
  await syncFolder(path.dirname(filePath));
}

/** @returns the names in the folder; another machine's newest may be missing. */
export function listFolder(folder: string): Promise<string[]> {
  return done('readdir', folder, (then) => fs.readdir(folder, then));
}

/** @returns whether there is anything under this name. */
export async function exists(filePath: string): Promise<boolean> {
  try {
    await done<fs.Stats>('lstat', filePath, (then) => fs.lstat(filePath, then));
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** @returns the size of the file, what it takes on the storage (less, where it is sparse), and when its contents last changed, Unix milliseconds. */
export async function fileSize(filePath: string): Promise<{ bytes: number; storedBytes: number; modifiedMs: number }> {
  const { size, blocks, mtimeMs } = await done<fs.Stats>('stat', filePath, (then) => fs.stat(filePath, then));
  return { bytes: size, storedBytes: blocks * 512, modifiedMs: mtimeMs };
}

/** Removes the file, if it is there. Not made durable. */
export async function removeFile(filePath: string): Promise<void> {
  await done<void>('rm', filePath, (then) => fs.rm(filePath, { force: true }, then));
}

/** Removes the folder and all in it, if it is there. Not made durable. */
export async function removeFolder(folder: string): Promise<void> {
  await done<void>('rm', folder, (then) => fs.rm(folder, { recursive: true, force: true }, then));
}

/** Removes the folder unless there is something in it. */
export async function removeEmptyFolder(folder: string): Promise<void> {
  try {
    await done<void>('rmdir', folder, (then) => fs.rmdir(folder, then));
  } catch (error) {
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** @returns whether what a name or a descriptor stood for is not there (any more): ENOENT, or ESTALE of a file that another machine removed. */
export function isGone(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ESTALE';
}

/** @returns the errno of a failed file operation, such as `ENOENT`; undefined for other errors. */
export function errnoOf(error: unknown): string | undefined {
  const cause = error instanceof UnderstudyError ? error.cause : error;
  if (!(cause instanceof Error) || cause instanceof UnderstudyError || !('code' in cause) || typeof cause.code !== 'string')
    return undefined;
  const number = 'errno' in cause && typeof cause.errno === 'number' ? -cause.errno : 0;
  return UNNAMED_ERRNOS.get(number) ?? cause.code;
}

type Then<T> = (error: NodeJS.ErrnoException | null, value?: T) => void;

function done<T>(operation: string, filePath: string, start: (then: Then<T>) => void, offset?: number): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error) reject(failure(operation, filePath, error, offset));
      else resolve(value as T);
    });
  });
}

function failure(operation: string, filePath: string, cause: unknown, offset?: number): UnderstudyError {
  const errno = errnoOf(cause) ?? 'unknown';
  const where = offset === undefined ? '' : ` offset=${offset}`;
  return new UnderstudyError('unavailable', `file operation failed: operation=${operation} file=${filePath}${where} errno=${errno}`, {
    cause,
  });
}
