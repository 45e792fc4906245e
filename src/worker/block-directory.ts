/**
 * One directory of a tier, and the blocks in it: their files, and the room that those take of its quota.
 *
 *     <directory>/WORKER                                                whose it is (identity-file.ts)
 *     <directory>/lock                                                  locked while it is used
 *     <directory>/writing/<number>                                      being written; what is here at the start has no writer any more
 *     <directory>/blocks/<00 to ff>/<block name>.<bytes>                whole
 *     <directory>/blocks/<00 to ff>/<block name>.<bytes>.evictable      likewise; room may be made of it
 *
 * The names say all that has to be known of a block, so that a million of them are found again in seconds. Other files are let alone. One whose
 * disk has failed is not used again: when the disk is back, there is a new one in its place.
 */
import path from 'node:path';
import { errnoOf, type MemoryFiles } from '../base/files.js';
import { blockFileBytes } from '../blocks/block-file.js';
import { type BlockId, blockName, parseBlockName } from '../blocks/block-id.js';
import type { StoredBlock } from '../blocks/block-store.js';
import type { BlockFiles } from './block-files.js';
import type { EvictionOrder, EvictionPolicy } from './eviction.js';
import { readIdentity, writeIdentity } from './identity-file.js';

export interface DirectoryDeps {
  readonly files: BlockFiles;
  /** @throws `failed_precondition`: another has the lock. */
  readonly lock: (filePath: string) => Promise<AsyncDisposable>;
  readonly policy: EvictionPolicy;
}

export interface DirectorySettings {
  readonly path: string;
  /** Bytes that its files may take. */
  readonly quotaBytes: number;
}

/** What a file's name says. */
export interface FoundBlock {
  readonly id: BlockId;
  readonly bytes: number;
  readonly evictable: boolean;
}

const FOLDER_NAME = /^[0-9a-f]{2}$/;
/** What file systems give out: a file takes whole ones. */
const PAGE_BYTES = 4096;

/** @returns what a block of this length takes of a quota. */
export function roomOf(bytes: number): number {
  return Math.ceil(blockFileBytes(bytes) / PAGE_BYTES) * PAGE_BYTES;
}

/** Of this process: what still writes where a disk failed must not meet what writes there when it works again. */
let asides = 0;

export class BlockDirectory {
  readonly settings: DirectorySettings;
  readonly tier: number;
  readonly files: BlockFiles;
  /** Of a directory that lies in memory: small blocks are written and read at once. */
  memory: MemoryFiles | undefined;
  /** What files of blocks take. */
  usedBytes = 0;
  /** What is kept for blocks that are being written. */
  keptBytes = 0;
  /** What is written of those. */
  writtenBytes = 0;
  /** What files take that are being removed. */
  leavingBytes = 0;
  /** Its disk does not work. */
  isFailed = false;
  /** It was to be made a worker's, and may not have been. */
  isNobodys = false;
  /** Room may be made of these. */
  readonly evictable: EvictionOrder<HeldBlock>;
  evictableBytes = 0;
  /** These may be moved to another tier, no more. */
  readonly others: EvictionOrder<HeldBlock>;
  readonly #lock: DirectoryDeps['lock'];
  readonly #writing: string;
  readonly #blocks: string;
  #capacityBytes: number;
  #held: AsyncDisposable | undefined;
  /** Those below `blocks/` that are there. */
  readonly #folders = new Set<string>();

  constructor(settings: DirectorySettings, tier: number, { files, lock, policy }: DirectoryDeps) {
    this.settings = settings;
    this.tier = tier;
    this.files = files;
    this.evictable = policy();
    this.others = policy();
    this.#lock = lock;
    this.#writing = path.join(settings.path, 'writing');
    this.#blocks = path.join(settings.path, 'blocks');
    this.#capacityBytes = settings.quotaBytes;
  }

  get path(): string {
    return this.settings.path;
  }

  /** The quota, or less where the disk has no more. */
  get capacityBytes(): number {
    return this.#capacityBytes;
  }

  /** What will be taken when those that are being removed are gone. */
  get takenBytes(): number {
    return this.usedBytes + this.keptBytes - this.leavingBytes;
  }

  get freeBytes(): number {
    return this.isFailed ? 0 : this.#capacityBytes - this.usedBytes - this.keptBytes;
  }

  /**
   * Locks it. Makes what is missing, and removes what nobody writes any more.
   *
   * @param isNew may it be nobody's? Else nothing is made where it is.
   * @returns whose it is; undefined: nobody's yet.
   */
  async prepare(isNew = true): Promise<string | undefined> {
    if (!isNew && (await readIdentity(this.files, this.path)) === undefined) return undefined;
    await this.files.makeFolderDurable(this.path);
    this.#held = await this.#lock(path.join(this.path, 'lock'));
    this.memory = await this.files.inMemory(this.path);
    const names = new Set(await this.files.listFolder(this.path));
    for (const name of ['writing', 'blocks']) if (!names.has(name)) await this.files.makeFolder(path.join(this.path, name));
    for (const name of await this.files.listFolder(this.#writing)) await this.files.removeFile(path.join(this.#writing, name));
    return readIdentity(this.files, this.path);
  }

  /** @returns whether it was made ready before: an empty folder may be the place of a disk that is not mounted. */
  async isPrepared(): Promise<boolean> {
    return (await this.files.listFolder(this.path)).includes(path.basename(this.#writing));
  }

  /** Says on the disk whose it is. */
  claim(workerId: string): Promise<void> {
    return writeIdentity(this.files, this.path, workerId, this.pathAside());
  }

  /** @returns the blocks whose files are here, some at a time. @param foreign told of each other file. */
  async *scan(foreign: (filePath: string) => void): AsyncGenerator<readonly FoundBlock[]> {
    for (const folder of await this.files.listFolder(this.#blocks)) {
      const at = path.join(this.#blocks, folder);
      if (!FOLDER_NAME.test(folder)) {
        foreign(at);
        continue;
      }
      this.#folders.add(folder);
      const found: FoundBlock[] = [];
      for (const name of await this.files.listFolder(at)) {
        const block = parseFileName(name);
        if (block !== undefined && folderOf(block.id) === folder) found.push(block);
        else foreign(path.join(at, name));
      }
      yield found;
    }
  }

  /** Learns how much of the quota the disk has. */
  async measure(): Promise<void> {
    const free = await this.files.freeBytes(this.path);
    this.#capacityBytes = Math.min(this.settings.quotaBytes, this.usedBytes + this.writtenBytes + free);
  }

  /** Proves that the disk takes bytes, and is the one that was claimed. @throws otherwise. */
  async probe(workerId: string): Promise<boolean> {
    const filePath = this.pathAside();
    await this.files.createFileDurable(filePath, Buffer.alloc(PAGE_BYTES)).catch((error: unknown) => {
      if (!isFull(error)) throw error;
    });
    await this.files.removeFile(filePath);
    return (await readIdentity(this.files, this.path)) === workerId;
  }

  /** @returns the name of a file that is to be written. */
  pathAside(): string {
    asides += 1;
    return `${this.#writing}/${asides}`;
  }

  pathOf(block: FoundBlock): string {
    return `${this.#blocks}/${folderOf(block.id)}/${fileName(block)}`;
  }

  /** Gives a whole file the name of its block. @param durable so that a power cut does not take it. */
  async publish(asidePath: string, block: FoundBlock, durable = false): Promise<void> {
    const folder = folderOf(block.id);
    if (!this.#folders.has(folder)) {
      await this.files.makeFolder(path.join(this.#blocks, folder)).catch((error: unknown) => {
        if (errnoOf(error) !== 'EEXIST') throw error;
      });
      this.#folders.add(folder);
    }
    if (this.memory !== undefined) this.memory.rename(asidePath, this.pathOf(block));
    else await this.files.rename(asidePath, this.pathOf(block));
    if (!durable || this.memory !== undefined) return;
    await this.files.syncFolder(path.dirname(this.pathOf(block)));
    await this.files.syncFolder(this.#blocks);
  }

  /** Lets the block make room, or be moved at least. */
  line(block: HeldBlock): void {
    if (block.evictable) this.evictableBytes += roomOf(block.bytes);
    (block.evictable ? this.evictable : this.others).add(block);
  }

  unline(block: HeldBlock): void {
    if (block.evictable) this.evictableBytes -= roomOf(block.bytes);
    (block.evictable ? this.evictable : this.others).delete(block);
  }

  use(block: HeldBlock): void {
    (block.evictable ? this.evictable : this.others).use(block);
  }

  /** Ends the lock. */
  async close(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await held?.[Symbol.asyncDispose]();
  }
}

/** One copy of a block, in one file. Moved to another directory it is another one. */
export class HeldBlock {
  readonly id: BlockId;
  readonly bytes: number;
  readonly directory: BlockDirectory;
  evictable: boolean;
  /** Who reads it now: the file stays until they are done. */
  readers = 0;
  /** It is no longer found; its file goes with the last reader. */
  isGone = false;
  /** The next older generation of this block. */
  older: HeldBlock | undefined;

  constructor(id: BlockId, bytes: number, evictable: boolean, directory: BlockDirectory) {
    this.id = id;
    this.bytes = bytes;
    this.evictable = evictable;
    this.directory = directory;
  }

  get path(): string {
    return this.directory.pathOf(this);
  }

  get told(): StoredBlock {
    const { id, bytes, evictable, directory } = this;
    return { id, bytes, evictable, tier: directory.tier };
  }
}

/** @returns one of 256: file systems are slow with folders of a million names. */
function folderOf({ inodeId, index }: BlockId): string {
  return ((inodeId + index) % 256).toString(16).padStart(2, '0');
}

function fileName({ id, bytes, evictable }: FoundBlock): string {
  return `${blockName(id)}.${bytes}${evictable ? '.evictable' : ''}`;
}

const FILE_NAME = /^([\d-]+)\.(0|[1-9]\d{0,15})(\.evictable)?$/;

/** @returns undefined: it is no block's file. */
function parseFileName(name: string): FoundBlock | undefined {
  const [, block = '', length, evictable] = FILE_NAME.exec(name) ?? [];
  const id = parseBlockName(block);
  const bytes = Number(length);
  return id === undefined || !Number.isSafeInteger(bytes) ? undefined : { id, bytes, evictable: evictable !== undefined };
}

/** These the process lacks, or the machine: no disk is to blame. */
const OF_NO_DISK = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR']);

/** @returns whether an operation failed for what the disk is, or what is on it. */
export function isOfDisk(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno !== undefined && !OF_NO_DISK.has(errno);
}

/** @returns whether what failed is the room of the disk, not the disk. */
export function isFull(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOSPC' || errno === 'EDQUOT';
}
