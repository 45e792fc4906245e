/**
 * Files as a shared log needs them: exact reads, durable writes and names, and I/O that asks the storage rather than a cache.
 *
 * - Every failure is an `unavailable` error that names the operation, the file and the errno (`errnoOf` gives it back).
 * - On a file system that is not known to be local, another machine may have written what this one has in its cache: such files are
 *   opened with O_DIRECT, for which offsets, lengths and memory are multiples of a page (`Files.buffers`).
 * - A written file is durable once its own sync *and* that of the folder that names it have returned.
 *
 * An implementation gives what the operating system does (system-file.ts; simulations have their own); what is made of it stands here.
 */
import os from 'node:os';
import path from 'node:path';
import { UnderstudyError } from './errors.js';

export const PAGE_BYTES = 4096;

/**
 * A file that other machines read while it changes is made no smaller, sparse. GlusterFS clients keep the contents of small ones (64 KiB with
 * the default options; `performance.quick-read` goes up to 1 MiB) for a second, and answer O_DIRECT reads from that too.
 */
export const SHARED_FILE_BYTES_MIN = (1 << 20) + PAGE_BYTES;

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

export interface FileSize {
  readonly bytes: number;
  /** What it takes on the storage: less, where it is sparse. */
  readonly storedBytes: number;
  /** When its contents last changed, Unix milliseconds. */
  readonly modifiedMs: number;
}

/** Memory, lent, that I/O with O_DIRECT takes. */
export interface PageBuffers {
  /** @param bytes a multiple of `PAGE_BYTES`. @returns memory with any contents, the caller's until `give`. */
  take(bytes: number): Buffer;
  /** Takes back what `take` lent; no I/O may still use it. */
  give(buffer: Buffer): void;
}

/** An open file. Calls may overlap, `close` with none; a caller's buffers are its own again once the call has settled. */
export abstract class OpenFile implements AsyncDisposable {
  abstract readonly path: string;
  /** For reads and writes with O_DIRECT. */
  abstract readonly buffers: PageBuffers;

  /** Reads once. @returns how many bytes came; fewer than asked at the end of the file. */
  abstract readSome(buffer: Uint8Array, position: number): Promise<number>;

  /** As `readExactly`, without leaving the thread: for a few bytes that a local cache holds. */
  abstract readExactlySync(buffer: Uint8Array, position: number): void;

  /** Writes once. @returns how many bytes were taken. */
  protected abstract writeSome(buffer: Uint8Array, position: number): Promise<number>;

  /** fdatasync: contents, and what is needed to read them. */
  abstract dataSync(): Promise<void>;

  /** fsync: contents and all attributes. */
  abstract sync(): Promise<void>;

  abstract truncate(bytes: number): Promise<void>;

  /** @returns whether the path still names this very file. @throws with ENOENT where it names none. */
  abstract isStillAtPath(): Promise<boolean>;

  /** Idempotent. That another machine has removed the file is no failure: what was to be kept has been synced before. */
  abstract close(): Promise<void>;

  /** Fills `buffer`. @throws `unavailable` where the file ends before. */
  async readExactly(buffer: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < buffer.length; ) {
      const count = await this.readSome(at === 0 ? buffer : buffer.subarray(at), position + at);
      if (count === 0) throw cameShort(this.path, position + at);
      at += count;
    }
  }

  /** Writes all of `buffer`. Durable on return only where the file was opened with `durableWrites`. */
  async writeAll(buffer: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < buffer.length; ) at += await this.writeSome(at === 0 ? buffer : buffer.subarray(at), position + at);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Files that lie in memory. What is done with them waits for nothing, and so is done at once: a turn of the thread pool costs ten times as much. */
export interface MemoryFiles {
  /** @returns the first `bytes` of the file. @throws `unavailable`: it cannot be read, or has less. */
  read(filePath: string, bytes: number): Buffer;
  /** Makes the file, which must not exist (EEXIST), with these contents. */
  create(filePath: string, contents: Uint8Array): void;
  /** What is at `to` is replaced. */
  rename(from: string, to: string): void;
}

/** The files that a process can reach. */
export abstract class Files {
  abstract readonly buffers: PageBuffers;

  /** @throws `failed_precondition`: the file system refuses O_DIRECT. */
  abstract open(filePath: string, options?: OpenOptions): Promise<OpenFile>;

  /** For this user alone. Not made durable. @throws with EEXIST, ENOENT. */
  abstract makeFolder(folder: string): Promise<void>;

  /** @returns the names in the folder; another machine's newest may be missing. */
  abstract listFolder(folder: string): Promise<string[]>;

  abstract fileSize(filePath: string): Promise<FileSize>;

  /** @returns whether there is anything under this name. */
  abstract exists(filePath: string): Promise<boolean>;

  /** Removes the file, if it is there. Not made durable. */
  abstract removeFile(filePath: string): Promise<void>;

  /** @returns whether `folder` lies on a file system that is known to be local: one cache, shared by all that use it. */
  abstract isLocalFolder(folder: string): Promise<boolean>;

  /** @returns bytes that an ordinary process may still write below `folder`. */
  abstract freeBytes(folder: string): Promise<number>;

  /** @returns how to do things at once below `folder`; undefined: it does not lie in memory. */
  async inMemory(_folder: string): Promise<MemoryFiles | undefined> {
    return undefined;
  }

  /** @returns whether the file can be read with O_DIRECT. */
  async takesDirect(filePath: string): Promise<boolean> {
    try {
      await (await this.open(filePath, { direct: true })).close();
      return true;
    } catch (error) {
      if (error instanceof UnderstudyError && error.code === 'failed_precondition') return false;
      throw error;
    }
  }

  /** Makes the names in `folder` durable. */
  async syncFolder(folder: string): Promise<void> {
    await using file = await this.open(folder);
    await file.sync();
  }

  /** Makes `folder` and those missing above it, each durable in the one that names it. */
  async makeFolderDurable(folder: string): Promise<void> {
    const at = path.resolve(folder);
    try {
      await this.makeFolder(at);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') {
        await this.makeFolderDurable(path.dirname(at));
        return this.makeFolderDurable(at);
      }
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
    await this.syncFolder(path.dirname(at));
  }

  /** Makes the file `filePath`, which must not exist (EEXIST), with these contents, durable with its name on return. */
  async createFileDurable(filePath: string, contents: Uint8Array = new Uint8Array(0)): Promise<void> {
    {
      await using file = await this.open(filePath, { write: true, create: 'exclusive' });
      await file.writeAll(contents, 0);
      await file.sync();
    }
    await this.syncFolder(path.dirname(filePath));
  }
}

/** Errors of shared storage for which Node has a number only. */
const UNNAMED_ERRNOS = new Map<number, string>([
  [os.constants.errno.ESTALE, 'ESTALE'],
  [os.constants.errno.EDQUOT, 'EDQUOT'],
]);

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

/** @returns the error of an operation that the operating system refused with `cause`. */
export function fileFailure(operation: string, filePath: string, cause: unknown, offset?: number): UnderstudyError {
  const errno = errnoOf(cause) ?? 'unknown';
  const where = offset === undefined ? '' : ` offset=${offset}`;
  return new UnderstudyError('unavailable', `file operation failed: operation=${operation} file=${filePath}${where} errno=${errno}`, {
    cause,
  });
}

/** @returns the error of a file that ends at `offset`, where more was to be read. */
export function cameShort(filePath: string, offset: number): UnderstudyError {
  return new UnderstudyError('unavailable', `read came back short: file=${filePath} offset=${offset}`);
}

/** @returns the error of a file system that cannot be read past its caches. */
export function refusesDirect(filePath: string, cause: unknown): UnderstudyError {
  const message = `the file system refuses O_DIRECT, which shared storage needs: file=${filePath}`;
  return new UnderstudyError('failed_precondition', message, { cause });
}
