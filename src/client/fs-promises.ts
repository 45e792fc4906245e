/**
 * The namespace as `node:fs/promises`: existing code can be pointed at it.
 *
 * Paths are strings, buffers or `file:` URLs; relative ones begin at `/`, and `.`, `..` and slashes at the end are worked off before the
 * masters see them. Errors are Node's (`code`, `errno`, `syscall`, `path`), with what went wrong here as their `cause`. There are no links:
 * `lstat` is `stat`. Owners are names: `chown` takes names, and refuses numbers other than -1. Contents are read and
 * written whole; there are no handles of files: `open` is refused with ENOTSUP. Modes are less the client's umask, as in a process. The functions may be taken off the object.
 */
import { constants } from 'node:fs';
import { posix } from 'node:path';
import { isError } from '../base/errors.js';
import type { FileStatus } from './file-status.js';
import type { FileSystem } from './file-system.js';
import { NodeDir } from './node-dir.js';
import { asNodeError, isDirectoryError, nodeError, type SystemCall } from './node-error.js';
import { modeBits, type NodePath, type NodeTime, resolvedPath, unixMs, writtenPath } from './node-path.js';
import { NodeDirent, NodeStats } from './node-stats.js';
import { type WatchedChange, watchedChanges } from './node-watch.js';

export interface ReaddirOptions {
  readonly encoding?: BufferEncoding | null;
  readonly withFileTypes?: boolean;
  /** What is below, too: its names are paths from the directory. */
  readonly recursive?: boolean;
}

/** Numbers are numbers: `bigint` is refused. */
export interface StatOptions {
  readonly bigint?: false;
}

interface Readdir {
  (path: NodePath, options: ReaddirOptions & { readonly withFileTypes: true }): Promise<NodeDirent[]>;
  (path: NodePath, options?: BufferEncoding | null | (ReaddirOptions & { readonly withFileTypes?: false })): Promise<string[]>;
}

type Contents = Uint8Array | string;

interface ContentsObject {
  readonly encoding?: BufferEncoding | null;
  readonly flag?: string;
  readonly mode?: number | string;
  readonly signal?: AbortSignal;
}

type ContentsOptions = ContentsObject | BufferEncoding | null;

interface ReadFile {
  (path: NodePath, options: BufferEncoding | (ContentsObject & { readonly encoding: BufferEncoding })): Promise<string>;
  (path: NodePath, options?: null | (ContentsObject & { readonly encoding?: null })): Promise<Buffer>;
}

const NO_HANDLES = 'there are no handles of files';
const NO_LONGER = 'files are made longer by writing to them';
const NO_LINKS = 'there are no links';

export class FsPromises {
  readonly constants = constants;
  readonly #fs: FileSystem;

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  // Looking

  readonly access = (path: NodePath, mode: number = constants.F_OK): Promise<void> =>
    this.#call('access', path, async (at) => {
      const wanted = `${mode & constants.R_OK ? 'r' : ''}${mode & constants.W_OK ? 'w' : ''}${mode & constants.X_OK ? 'x' : ''}`;
      await this.#fs.checkAccess(at, wanted);
    });

  readonly stat = (path: NodePath, options: StatOptions = {}): Promise<NodeStats> => this.#stats('stat', path, options);

  readonly lstat = (path: NodePath, options: StatOptions = {}): Promise<NodeStats> => this.#stats('lstat', path, options);

  readonly realpath = (path: NodePath): Promise<string> =>
    this.#call('realpath', path, async (at) => {
      await this.#fs.getStatus(at);
      return at;
    });

  /** @throws EINVAL: nothing is a link. */
  readonly readlink = (path: NodePath): Promise<string> =>
    this.#call('readlink', path, async (at, call) => {
      await this.#fs.getStatus(at);
      throw nodeError('EINVAL', call);
    });

  readonly readdir: Readdir = (async (
    path: NodePath,
    options: (Omit<ReaddirOptions, 'encoding'> & { readonly encoding?: string | null }) | string | null = {},
  ) =>
    this.#call('scandir', path, async (at, call) => {
      const { withFileTypes = false, recursive = false, encoding } = typeof options === 'object' ? (options ?? {}) : { encoding: options };
      if (encoding === 'buffer') throw nodeError('ENOTSUP', call, { reason: 'names are text' });
      const found: (string | NodeDirent)[] = [];
      for await (const status of this.#entries(at, call, recursive)) {
        found.push(withFileTypes ? direntOf(status) : status.path.slice(at === '/' ? 1 : at.length + 1));
      }
      return found;
    })) as Readdir;

  readonly opendir = (path: NodePath, { recursive = false }: { readonly recursive?: boolean } = {}): Promise<NodeDir> =>
    this.#call('opendir', path, (at, call) => NodeDir.open(call.path, this.#entries(at, call, recursive), direntOf));

  /** Yields what happens in a directory, or with `recursive` below it, or to a file, from when the first change is asked for. */
  readonly watch = (
    path: NodePath,
    { recursive = false, signal }: { readonly recursive?: boolean; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<WatchedChange, void, undefined> =>
    watchedChanges(this.#fs, resolvedPath(path), { recursive, signal }, { syscall: 'watch', path: writtenPath(path) });

  // Changing trees

  /** @returns with `recursive` the first directory that was made, if one was. */
  readonly mkdir = (
    path: NodePath,
    options: number | string | null | { readonly recursive?: boolean; readonly mode?: number | string } = {},
  ): Promise<string | undefined> =>
    this.#call('mkdir', path, async (at) => {
      const { recursive = false, mode = 0o777 } = typeof options === 'object' && options !== null ? options : { mode: options ?? 0o777 };
      const bits = modeBits(mode) & ~this.#fs.client.settings.umask;
      if (recursive) return this.#makeDirectories(at, bits);
      await this.#fs.createDirectory(at, { mode: bits });
      return undefined;
    });

  readonly rename = (from: NodePath, to: NodePath): Promise<void> =>
    this.#call('rename', from, async (at) => void (await this.#fs.rename(at, resolvedPath(to), { overwrite: true })), writtenPath(to));

  /** What is there is looked at first: in between somebody else may put an empty directory in its place, which goes then. */
  readonly unlink = (path: NodePath): Promise<void> =>
    this.#call('unlink', path, async (at, call) => {
      if ((await this.#fs.getStatus(at)).directory) throw nodeError('EISDIR', call);
      await this.#fs.remove(at);
    });

  /** What is there is looked at first: in between somebody else may put a file in its place, which goes then. */
  readonly rmdir = (path: NodePath, { recursive = false }: { readonly recursive?: boolean } = {}): Promise<void> =>
    this.#call('rmdir', path, async (at, call) => {
      if (!(await this.#fs.getStatus(at)).directory) throw nodeError('ENOTDIR', call);
      await this.#fs.remove(at, { recursive });
    });

  readonly rm = async (
    path: NodePath,
    { recursive = false, force = false }: { readonly recursive?: boolean; readonly force?: boolean } = {},
  ): Promise<void> => {
    try {
      const { directory } = await this.lstat(path).then((stats) => ({ directory: stats.isDirectory() }));
      if (directory && !recursive) throw isDirectoryError(writtenPath(path));
      await this.#call('rm', path, (at) => this.#fs.remove(at, { recursive }));
    } catch (error) {
      if (!force || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  };

  // Changing attributes

  readonly chmod = (path: NodePath, mode: number | string): Promise<void> =>
    this.#call('chmod', path, async (at) => void (await this.#fs.setAttributes(at, { mode: modeBits(mode) })));

  /** @param owner a name, or -1: stays. @throws ENOTSUP: any other number. */
  readonly chown = (path: NodePath, owner: string | number, group: string | number): Promise<void> =>
    this.#call('chown', path, async (at, call) => {
      const [newOwner, newGroup] = [named('owner', owner), named('group', group)];
      if (newOwner === undefined || newGroup === undefined) throw nodeError('ENOTSUP', call, { reason: 'owners are names' });
      await this.#fs.setAttributes(at, { ...newOwner, ...newGroup });
    });

  readonly lchown = this.chown;

  readonly utimes = (path: NodePath, accessed: NodeTime, modified: NodeTime): Promise<void> =>
    this.#call(
      'utime',
      path,
      async (at) => void (await this.#fs.setAttributes(at, { accessedMs: unixMs(accessed), modifiedMs: unixMs(modified) })),
    );

  readonly lutimes = this.utimes;

  /** Only makes files shorter. @throws ENOTSUP: longer. */
  readonly truncate = (path: NodePath, length = 0): Promise<void> =>
    this.#call('open', path, async (at, call) => {
      const status = await this.#fs.getStatus(at);
      if (!status.directory && length > status.length) throw nodeError('ENOTSUP', call, { reason: NO_LONGER });
      await this.#fs.truncateFile(at, Math.max(0, length));
    });

  // Contents

  readonly readFile: ReadFile = ((path: NodePath, options: ContentsOptions = {}) =>
    this.#call('open', path, async (at) => {
      const { encoding, signal } = contentsOptions(options);
      const contents = await this.#fs.readFile(at, signal === undefined ? {} : { signal });
      return encoding == null ? contents : contents.toString(encoding);
    })) as ReadFile;

  /** @param options `flag`: `w`, which replaces what is there unless given; `wx`, which refuses to; `a`. @throws ENOTSUP: another flag. */
  readonly writeFile = (path: NodePath, contents: Contents, options: ContentsOptions = {}): Promise<void> =>
    this.#write(path, contents, { flag: 'w', ...contentsOptions(options) });

  /** What is not there is made. */
  readonly appendFile = (path: NodePath, contents: Contents, options: ContentsOptions = {}): Promise<void> =>
    this.#write(path, contents, { ...contentsOptions(options), flag: 'a' });

  /** @param mode `COPYFILE_EXCL`: what is there is not replaced. */
  readonly copyFile = (from: NodePath, to: NodePath, mode = 0): Promise<void> =>
    this.#call(
      'copyfile',
      from,
      async (at) => {
        await using source = await this.#fs.open(at);
        if (resolvedPath(to) === at) return;
        await using target = await this.#fs.create(resolvedPath(to), { overwrite: (mode & constants.COPYFILE_EXCL) === 0 });
        for await (const bytes of source.lentChunks()) await target.write(bytes);
        await target.close();
      },
      writtenPath(to),
    );

  // What there is nothing of

  readonly open = refused('open', NO_HANDLES);
  readonly cp = refused('cp', NO_HANDLES);
  readonly link = refused('link', NO_LINKS);
  readonly symlink = refused('symlink', NO_LINKS);

  /** Runs `work` with the path from the root; what goes wrong becomes Node's error. */
  async #call<T>(syscall: string, path: NodePath, work: (at: string, call: SystemCall) => Promise<T>, dest?: string): Promise<T> {
    const call = { syscall, path: writtenPath(path), ...(dest === undefined ? {} : { dest }) };
    if (call.path === '' || dest === '') throw nodeError('ENOENT', call);
    try {
      return await work(resolvedPath(path), call);
    } catch (error) {
      throw isError(error) ? asNodeError(error, call) : error;
    }
  }

  #write(path: NodePath, contents: Contents, { flag = 'w', mode, encoding, signal }: ContentsObject): Promise<void> {
    return this.#call('open', path, async (at, call) => {
      if (flag !== 'w' && flag !== 'wx' && flag !== 'a') throw nodeError('ENOTSUP', call, { reason: `no such flag here: ${flag}` });
      const given = signal === undefined ? {} : { signal };
      const bits = mode === undefined ? {} : { mode: modeBits(mode) & ~this.#fs.client.settings.umask };
      const create = () => this.#fs.create(at, { ...given, ...bits, overwrite: flag === 'w' });
      const append = () =>
        this.#fs.append(at, given).catch((error: unknown) => {
          if (isError(error) && error.errno === 'ENOENT') return create();
          throw error;
        });
      await using file = await (flag === 'a' ? append() : create());
      await file.write(typeof contents === 'string' ? Buffer.from(contents, encoding ?? 'utf8') : contents);
      await file.close();
    });
  }

  #stats(syscall: string, path: NodePath, { bigint = false }: { readonly bigint?: boolean }): Promise<NodeStats> {
    return this.#call(syscall, path, async (at, call) => {
      if (bigint) throw nodeError('ENOTSUP', call, { reason: 'numbers only' });
      return new NodeStats(await this.#fs.getStatus(at));
    });
  }

  /** What is in a directory. @throws ENOTDIR. */
  async *#entries(at: string, call: SystemCall, recursive: boolean): AsyncGenerator<FileStatus, void, undefined> {
    try {
      for await (const status of this.#fs.list(at, { recursive })) {
        // A file lists as itself.
        if (status.path === at) throw nodeError('ENOTDIR', call);
        yield status;
      }
    } catch (error) {
      throw isError(error) ? asNodeError(error, call) : error;
    }
  }

  /** As Node: from below upwards, until there is a directory. */
  async #makeDirectories(at: string, mode: number): Promise<string | undefined> {
    try {
      await this.#fs.createDirectory(at, { mode });
      return at;
    } catch (error) {
      if (!isError(error)) throw error;
      if (error.errno === 'EEXIST' && (await this.#fs.getStatus(at)).directory) return undefined;
      if (error.errno !== 'ENOENT') throw error;
    }
    const above = await this.#makeDirectories(posix.dirname(at), mode);
    return (await this.#makeDirectories(at, mode)) === undefined ? above : (above ?? at);
  }
}

function contentsOptions(options: ContentsOptions): ContentsObject {
  return typeof options === 'string' ? { encoding: options } : (options ?? {});
}

const direntOf = (status: FileStatus): NodeDirent => new NodeDirent(status, posix.dirname(status.path));

/** @returns a function that refuses whatever it is given. */
function refused(syscall: string, reason: string): (path: NodePath, ...rest: unknown[]) => Promise<never> {
  return async (path) => {
    throw nodeError('ENOTSUP', { syscall, path: writtenPath(path) }, { reason });
  };
}

/** @returns a change of the owner or group; undefined: a number that names none. */
function named<Name extends 'owner' | 'group'>(name: Name, value: string | number): { readonly [key in Name]?: string } | undefined {
  if (value === -1) return {};
  return typeof value === 'string' ? ({ [name]: value } as { readonly [key in Name]: string }) : undefined;
}
