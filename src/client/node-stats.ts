/**
 * What `node:fs` tells of files and directories: `Stats` and `Dirent`.
 *
 * Owner and group are names here: `uid` and `gid` are 0, and the names stand beside them. A change of attributes has no time of its own:
 * `ctime` is the time of the last modification.
 */
import { constants, type Dirent, type Stats } from 'node:fs';
import type { FileStatus } from './file-status.js';

const POSIX_BLOCK_BYTES = 512;

/** What a name stands for; there is nothing but files and directories. */
class Kind {
  readonly #directory: boolean;

  constructor(directory: boolean) {
    this.#directory = directory;
  }

  isFile(): boolean {
    return !this.#directory;
  }

  isDirectory(): boolean {
    return this.#directory;
  }

  isSymbolicLink(): boolean {
    return false;
  }

  isBlockDevice(): boolean {
    return false;
  }

  isCharacterDevice(): boolean {
    return false;
  }

  isFIFO(): boolean {
    return false;
  }

  isSocket(): boolean {
    return false;
  }
}

export class NodeStats extends Kind implements Stats {
  readonly owner: string;
  readonly group: string;
  readonly dev = 0;
  readonly ino: number;
  readonly mode: number;
  readonly nlink = 1;
  readonly uid = 0;
  readonly gid = 0;
  readonly rdev = 0;
  readonly size: number;
  readonly blksize: number;
  readonly blocks: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;
  readonly atime: Date;
  readonly mtime: Date;
  readonly ctime: Date;
  readonly birthtime: Date;

  constructor(status: FileStatus) {
    super(status.directory);
    this.owner = status.owner;
    this.group = status.group;
    this.ino = status.id;
    this.mode = (status.directory ? constants.S_IFDIR : constants.S_IFREG) | status.mode;
    this.size = status.length;
    this.blksize = status.blockBytes || POSIX_BLOCK_BYTES;
    this.blocks = Math.ceil(status.length / POSIX_BLOCK_BYTES);
    this.atimeMs = status.accessedMs;
    this.mtimeMs = status.modifiedMs;
    this.ctimeMs = status.modifiedMs;
    this.birthtimeMs = status.createdMs;
    this.atime = new Date(this.atimeMs);
    this.mtime = new Date(this.mtimeMs);
    this.ctime = new Date(this.ctimeMs);
    this.birthtime = new Date(this.birthtimeMs);
  }
}

export class NodeDirent extends Kind implements Dirent {
  /** The last component of its path. */
  readonly name: string;
  /** Of the directory that it is in. */
  readonly parentPath: string;
  /** The same, by its older name. */
  readonly path: string;

  constructor({ name, directory }: Pick<FileStatus, 'name' | 'directory'>, parentPath: string) {
    super(directory);
    this.name = name;
    this.parentPath = parentPath;
    this.path = parentPath;
  }
}
