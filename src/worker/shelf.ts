/**
 * The blocks that are here, and what becomes of their files: published, given the other name, read, dropped.
 *
 * - A block that goes is found no more at once; its file goes with its last reader.
 * - What changes the files of one block goes in turn. What is known changes when the file has changed, in one step with telling it.
 * - An error of the operating system is the disk's: it is told to who looks after disks. Damage is the block's: it is dropped.
 * - A file that is not there is missing only where its disk is: then the block is forgotten, and nothing removed. The disk may be back by then, with the file.
 */
import { asError, isError, UnderstudyError } from '../base/errors.js';
import { errnoOf } from '../base/files.js';
import type { Log } from '../base/log.js';
import { BlockFile } from '../blocks/block-file.js';
import { type BlockId, blockName } from '../blocks/block-id.js';
import type { BlockChange, BlockWriter, StoredBlock } from '../blocks/block-store.js';
import { type BlockDirectory, HeldBlock, isFull, isOfDisk, roomOf } from './block-directory.js';
import type { BlockFiles } from './block-files.js';
import { BlockTurns } from './block-turns.js';
import { FileBlockWriter } from './file-block-writer.js';
import { HeldBlocks } from './held-blocks.js';

export interface ShelfDeps {
  readonly files: BlockFiles;
  readonly log: Log;
  /** Told of errors of a directory's disk, and of its being full. Resolves when the disk was looked at, and given up where it does not work. */
  readonly troubled: (directory: BlockDirectory, error: unknown) => Promise<void>;
  /** Told of an error after which it is not known what names a directory has. */
  readonly doubtful: (directory: BlockDirectory, error: unknown) => void;
  /** Told of a directory that has got more to hold. */
  readonly grown: (directory: BlockDirectory) => void;
}

export interface WriterSettings {
  readonly bytesMax: number;
  readonly evictable: boolean;
  /** A power cut leaves it as it is once it is sealed. */
  readonly durable: boolean;
  /** The copy that the new one is made of. */
  readonly replaces?: HeldBlock;
}

export class Shelf {
  readonly blocks = new HeldBlocks();
  readonly counts = { evictedBlocks: 0, evictedBytes: 0, damagedBlocks: 0 };
  readonly #deps: ShelfDeps;
  readonly #turns = new BlockTurns();
  readonly #watchers = new Set<(change: BlockChange) => void>();
  /** Gone, and still read, by the names of their files. */
  readonly #readOn = new Map<string, HeldBlock>();
  #isClosed = false;

  constructor(deps: ShelfDeps) {
    this.#deps = deps;
  }

  watch(changed: (change: BlockChange) => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  /** Writes a block in a directory that has the room. */
  writer(id: BlockId, directory: BlockDirectory, settings: WriterSettings): BlockWriter {
    const room = roomOf(settings.bytesMax);
    directory.keptBytes += room;
    return new FileBlockWriter(id, directory, settings, {
      publish: (asidePath, bytes) => this.#publish({ id, directory, bytes, asidePath, room }, settings),
      dropped: () => {
        directory.keptBytes -= room;
      },
      failed: (error) => this.#writeFailed(error, directory),
    });
  }

  /** Takes what was found in a directory. */
  async take(block: HeldBlock): Promise<void> {
    block.directory.usedBytes += roomOf(block.bytes);
    const there = this.blocks.find(block.id);
    if (there?.directory.isFailed === true) this.#forget(there);
    // Where it is twice, it was being moved when the worker was stopped, or its disk was away.
    if (this.blocks.find(block.id) === undefined) this.#put(block);
    else await this.#unlink(block);
  }

  /** Opens the file of a block that is read. @throws `corrupt`, as `BlockFile`: the block is dropped then. @throws `not_found`: it has gone. */
  async openFile(block: HeldBlock): Promise<BlockFile> {
    for (let isDiskThere = false; ; ) {
      const { path } = block;
      try {
        return await BlockFile.open(this.#deps.files, path, block.id, block.bytes, block.directory.memory);
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw this.damaged(block, error);
        await this.#turns.idle(block.id);
        if (block.path !== path) continue; // it has got its other name
        if (isDiskThere) throw this.#missing(block, path, error);
        await this.#deps.troubled(block.directory, error);
        if (block.isGone) throw error;
        isDiskThere = true;
      }
    }
  }

  /** The file stays until `release` was called as often. */
  retain(block: HeldBlock): void {
    block.readers += 1;
  }

  async release(block: HeldBlock): Promise<void> {
    block.readers -= 1;
    if (block.readers > 0 || this.#readOn.get(block.path) !== block) return;
    this.#readOn.delete(block.path);
    // The disk is looked after; the reader has nothing to do with it.
    await this.#unlink(block).catch((error: unknown) => {
      this.#deps.log.warn({ error, file: block.path }, 'the file of a block that has gone cannot be removed');
    });
  }

  async setEvictable(id: BlockId, evictable: boolean): Promise<void> {
    await this.#turns.run(id, async () => {
      const block = this.blocks.find(id); // it may just have been moved
      if (block === undefined || block.evictable === evictable || this.#isClosed) return;
      const { bytes, directory } = block;
      const rename = () => this.#naming(directory, () => this.#deps.files.rename(block.path, directory.pathOf({ id, bytes, evictable })));
      await rename().catch(async (error: unknown) => {
        if (errnoOf(error) !== 'ENOENT') throw error;
        await this.#deps.troubled(directory, error);
        if (block.isGone) throw error;
        await rename().catch((again: unknown) => {
          throw errnoOf(again) === 'ENOENT' ? this.#missing(block, block.path, again) : again;
        });
      });
      if (!block.isGone) directory.unline(block);
      block.evictable = evictable;
      if (block.isGone) return;
      directory.line(block);
      this.#tell(block, false);
    });
  }

  /** The block is found no more. Resolves when its file is gone, or is left to its readers. */
  async drop(block: HeldBlock): Promise<void> {
    if (!this.#forget(block)) return;
    const leavingBytes = block.readers > 0 ? 0 : roomOf(block.bytes);
    block.directory.leavingBytes += leavingBytes;
    try {
      await this.#turns.run(block.id, async () => {
        if (block.readers > 0) this.#readOn.set(block.path, block);
        else await this.#removeFile(block);
      });
    } finally {
      block.directory.leavingBytes -= leavingBytes;
    }
  }

  /** As `drop`, to make room. */
  async evict(block: HeldBlock): Promise<void> {
    if (!block.isGone) {
      this.counts.evictedBlocks += 1;
      this.counts.evictedBytes += block.bytes;
    }
    await this.drop(block);
  }

  /** The blocks of a directory whose disk has failed are found no more. Rests now and then. */
  async lose(directory: BlockDirectory, rest: () => Promise<void>): Promise<number> {
    let lost = 0;
    for (const block of this.blocks) {
      if (block.directory !== directory || !this.#forget(block)) continue;
      lost += 1;
      if (lost % 10_000 === 0) await rest();
    }
    return lost;
  }

  /** Drops the block where that is what `error` says. @returns `error`. */
  damaged(block: HeldBlock, error: unknown): unknown {
    if (!isError(error, 'corrupt')) {
      if (isOfDisk(error)) void this.#deps.troubled(block.directory, error);
      return error;
    }
    if (block.isGone) return error;
    this.counts.damagedBlocks += 1;
    this.#deps.log.error({ error, file: block.path }, 'a block is damaged and is dropped');
    this.drop(block).catch((failure: unknown) => {
      this.#deps.log.error({ error: failure, file: block.path }, 'the file of a damaged block cannot be removed');
    });
    return error;
  }

  /** Resolves when what is under way with the names of files has ended. */
  idle(): Promise<void> {
    return this.#turns.allIdle();
  }

  /** Nothing is published any more. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#turns.allIdle();
  }

  #publish(
    { id, directory, bytes, asidePath, room }: { id: BlockId; directory: BlockDirectory; bytes: number; asidePath: string; room: number },
    { evictable, durable, replaces }: WriterSettings,
  ): Promise<StoredBlock> {
    return this.#turns.run(id, async () => {
      const another = () => {
        const there = this.blocks.find(id);
        return there === replaces ? undefined : there;
      };
      const giveBack = async (filePath: string) => {
        const there = another();
        if (there === undefined) throw new UnderstudyError('aborted', `the block went while it was moved: block=${blockName(id)}`);
        if (there.bytes !== bytes) throw new UnderstudyError('already_exists', `the block is here: block=${blockName(id)}`);
        await this.#naming(directory, () => this.#deps.files.removeFile(filePath));
        directory.keptBytes -= room;
        return there.told;
      };
      const went = () => replaces?.isGone === true;
      if (went() || another() !== undefined) return giveBack(asidePath);
      const block = new HeldBlock(id, bytes, replaces?.evictable ?? evictable, directory);
      this.#mustBeOpen(directory);
      await this.#naming(directory, () => directory.publish(asidePath, block, durable));
      this.#mustBeOpen(directory);
      if (went() || another() !== undefined) {
        // It went, or came back with its disk, in that moment.
        await this.#naming(directory, () => this.#deps.files.rename(block.path, asidePath));
        return giveBack(asidePath);
      }
      directory.keptBytes -= room;
      directory.usedBytes += roomOf(bytes);
      this.#takeOver(block);
      if (replaces !== undefined) this.#supersede(replaces);
      this.#put(block);
      return block.told;
    });
  }

  /** What reads an earlier copy under this name goes on with its own file, which has no name any more. */
  #takeOver(block: HeldBlock): void {
    const before = this.#readOn.get(block.path);
    if (before === undefined) return;
    this.#readOn.delete(block.path);
    block.directory.usedBytes -= roomOf(before.bytes);
  }

  /** The block is in another directory now. */
  #supersede(block: HeldBlock): void {
    block.isGone = true;
    block.directory.unline(block);
    this.#readOn.set(block.path, block); // the mover reads it
  }

  #put(block: HeldBlock): void {
    this.blocks.add(block);
    block.directory.line(block);
    this.#tell(block, false);
    this.#deps.grown(block.directory);
  }

  #forget(block: HeldBlock): boolean {
    if (!this.blocks.delete(block)) return false;
    block.isGone = true;
    block.directory.unline(block);
    this.#tell(block, true);
    return true;
  }

  #unlink(block: HeldBlock): Promise<void> {
    return this.#turns.run(block.id, () => this.#removeFile(block));
  }

  async #removeFile(block: HeldBlock): Promise<void> {
    if (block.directory.isFailed || this.#isClosed) return;
    const current = this.blocks.find(block.id);
    // Written anew meanwhile, it has the name.
    if (current === undefined || current.path !== block.path) {
      await this.#naming(block.directory, () => this.#deps.files.removeFile(block.path));
    }
    block.directory.usedBytes -= roomOf(block.bytes);
  }

  /** Changes names in the directory. */
  async #naming(directory: BlockDirectory, change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (error) {
      if (isOfDisk(error) && !isFull(error) && errnoOf(error) !== 'ENOENT') this.#deps.doubtful(directory, error);
      throw error;
    }
  }

  #writeFailed(error: unknown, directory: BlockDirectory): UnderstudyError {
    if (isOfDisk(error)) void this.#deps.troubled(directory, error);
    if (isFull(error)) {
      const { path, usedBytes, keptBytes, settings } = directory;
      const message = `the disk is full before the quota is: directory=${path} used=${usedBytes} kept=${keptBytes} quota=${settings.quotaBytes}`;
      return new UnderstudyError('resource_exhausted', message, { cause: error });
    }
    return asError(error);
  }

  /** @returns what to tell of it: the block is forgotten. */
  #missing(block: HeldBlock, filePath: string, cause: unknown): UnderstudyError {
    const error = new UnderstudyError('corrupt', `a block's file is missing: file=${filePath}`, { cause });
    if (this.#forget(block)) {
      block.directory.usedBytes -= roomOf(block.bytes);
      this.#deps.log.error({ error, file: filePath }, 'a block is missing and is forgotten');
    }
    return error;
  }

  #mustBeOpen({ isFailed, path }: BlockDirectory): void {
    if (isFailed) throw new UnderstudyError('unavailable', `the disk has failed: directory=${path}`);
    if (this.#isClosed) throw new UnderstudyError('cancelled', 'the store is closed');
  }

  #tell(block: HeldBlock, gone: boolean): void {
    const change = { ...block.told, gone };
    for (const changed of this.#watchers) changed(change);
  }
}
