/**
 * Blocks as files in tiers of directories (block-directory.ts), the fastest tier first.
 *
 * What is here is known in memory, by the names of the files. A file is looked into when it is read, and by the scrubber. This is where the parts meet:
 * `Tiers` has the room, `Shelf` the blocks and their files, `TierMover`, `DiskWatch` and `Scrubber` work in the background.
 */
import type { Clock } from '../base/clock.js';
import { isError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Random } from '../base/random.js';
import type { BlockFile } from '../blocks/block-file.js';
import { type BlockId, blockName } from '../blocks/block-id.js';
import type {
  BlockChange,
  BlockReader,
  BlockStore,
  BlockWriter,
  CreateOptions,
  Piece,
  StoreCounts,
  StoredBlock,
  TierUse,
} from '../blocks/block-store.js';
import type { BlockDirectory, HeldBlock } from './block-directory.js';
import type { BlockFiles } from './block-files.js';
import { DiskWatch, takeAll } from './disk-watch.js';
import { type EvictionPolicy, leastRecentlyUsed } from './eviction.js';
import { Scrubber, type ScrubSettings } from './scrubber.js';
import { Shelf } from './shelf.js';
import { TierMover } from './tier-mover.js';
import { type TierSettings, Tiers } from './tiers.js';

export interface TieredStoreSettings {
  /** The fastest first. */
  readonly tiers: readonly TierSettings[];
  readonly scrub: ScrubSettings;
  /** From one look at the disks to the next. */
  readonly diskCheckIntervalMs: number;
}

export interface TieredStoreDeps {
  readonly files: BlockFiles;
  readonly lock: (filePath: string) => Promise<AsyncDisposable>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly policy?: EvictionPolicy;
}

export class TieredStore implements BlockStore {
  /** Kept in its directories, for good: 16 bytes, in hexadecimal. */
  readonly workerId: string;
  readonly #tiers: Tiers;
  readonly #shelf: Shelf;
  readonly #mover: TierMover;
  readonly #disks: DiskWatch;
  readonly #scrubber: Scrubber;
  #closing: Promise<void> | undefined;

  private constructor(settings: TieredStoreSettings, deps: TieredStoreDeps, tiers: Tiers, workerId: string) {
    this.workerId = workerId;
    this.#tiers = tiers;
    this.#shelf = new Shelf({
      files: deps.files,
      log: deps.log,
      troubled: (directory, error) => this.#disks.troubled(directory, error),
      doubtful: (directory, error) => void this.#disks.giveUp(directory, error),
      grown: (directory) => this.#mover.look(directory),
    });
    this.#mover = new TierMover(tiers, this.#shelf, deps.log);
    const parts = { ...deps, policy: deps.policy ?? leastRecentlyUsed, tiers, shelf: this.#shelf };
    this.#disks = new DiskWatch(settings.diskCheckIntervalMs, workerId, parts);
    this.#scrubber = new Scrubber(settings.scrub, parts);
  }

  /**
   * Finds the blocks that are there. A directory whose disk does not work costs itself only.
   *
   * @throws `failed_precondition`: another process uses a directory, or directories are not of one worker. @throws `unavailable`: none that works
   *   says whose they are, and there are some that do not.
   */
  static async open(settings: TieredStoreSettings, deps: TieredStoreDeps): Promise<TieredStore> {
    const tiers = new Tiers(settings.tiers, { ...deps, policy: deps.policy ?? leastRecentlyUsed });
    try {
      const store = new TieredStore(settings, deps, tiers, await claim(tiers.directories, deps));
      for (const directory of tiers.directories) {
        if (directory.isFailed) continue;
        await takeAll(directory, { shelf: store.#shelf, log: deps.log }).catch((error: unknown) => store.#disks.giveUp(directory, error));
      }
      store.#disks.start();
      store.#scrubber.start();
      return store;
    } catch (error) {
      await Promise.all(tiers.directories.map((directory) => directory.close()));
      throw error;
    }
  }

  get tiers(): readonly TierUse[] {
    return this.#tiers.use;
  }

  get blockCount(): number {
    return this.#shelf.blocks.count;
  }

  get counts(): StoreCounts {
    return this.#shelf.counts;
  }

  find(id: BlockId): StoredBlock | undefined {
    return this.#shelf.blocks.find(id)?.told;
  }

  *blocks(): IterableIterator<StoredBlock> {
    for (const block of this.#shelf.blocks) yield block.told;
  }

  watch(changed: (change: BlockChange) => void): () => void {
    return this.#shelf.watch(changed);
  }

  async create(id: BlockId, { bytesMax, tier, evictable = false, durable = false }: CreateOptions): Promise<BlockWriter> {
    this.#mustBeOpen();
    if (this.#shelf.blocks.find(id) !== undefined) throw new UnderstudyError('already_exists', `the block is here: block=${blockName(id)}`);
    return this.#tiers.writer(id, { bytesMax, evictable, durable }, this.#shelf, tier);
  }

  async open(id: BlockId, { promote = false }: { readonly promote?: boolean } = {}): Promise<BlockReader> {
    this.#mustBeOpen();
    const block = this.#shelf.blocks.find(id);
    if (block === undefined) throw notFound(id);
    this.#shelf.retain(block);
    try {
      const file = await this.#shelf.openFile(block);
      block.directory.use(block);
      if (promote) this.#mover.promote(block);
      return new StoreReader(block, file, this.#shelf);
    } catch (error) {
      await this.#shelf.release(block);
      // Moved or dropped meanwhile: what is here now counts.
      if (block.isGone && !isError(error, 'corrupt')) return this.open(id);
      throw error;
    }
  }

  async remove(id: BlockId): Promise<void> {
    this.#mustBeOpen();
    const block = this.#shelf.blocks.find(id);
    if (block !== undefined) await this.#shelf.drop(block);
  }

  async setEvictable(id: BlockId, evictable: boolean): Promise<void> {
    this.#mustBeOpen();
    const block = this.#shelf.blocks.find(id);
    if (block !== undefined) await this.#shelf.setEvictable(block.id, evictable);
  }

  /** Resolves when no block is moved between tiers. */
  settled(): Promise<void> {
    return this.#mover.idle();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([this.#mover.close(), this.#scrubber.close(), this.#disks.close()]);
    await this.#shelf.close();
    await Promise.all(this.#tiers.directories.map((directory) => directory.close()));
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw new UnderstudyError('cancelled', 'the store is closed');
  }
}

/** Locks the directories and makes them one worker's. @returns its id. */
async function claim(directories: readonly BlockDirectory[], { random, log }: TieredStoreDeps): Promise<string> {
  const owners = new Map<BlockDirectory, string | undefined>();
  const fail = async (directory: BlockDirectory, error: unknown) => {
    directory.isFailed = true;
    log.error({ directory: directory.path, error }, 'a disk does not work; it is tried again now and then');
    await directory.close();
  };
  for (const directory of directories) {
    try {
      owners.set(directory, await directory.prepare());
    } catch (error) {
      if (isError(error, 'failed_precondition')) throw error;
      await fail(directory, error);
    }
  }
  const known = new Set([...owners.values()].filter((id) => id !== undefined));
  // A new identity would keep it from its own blocks for good, once the disk works.
  if (known.size === 0 && owners.size < directories.length)
    throw new UnderstudyError('unavailable', 'whose the directories are cannot be told: a disk does not work, and no other one says it');
  const [workerId = Buffer.from(random.bytes(16)).toString('hex'), ...others] = known;
  if (others.length > 0) {
    const message = `the directories belong to different workers: ids=${[workerId, ...others].join(',')}`;
    throw new UnderstudyError('failed_precondition', message);
  }
  for (const [directory, owner] of owners) {
    if (owner !== undefined) continue;
    log.info({ directory: directory.path, worker: workerId }, 'a directory is made the worker’s');
    await directory.claim(workerId).catch((error: unknown) => {
      directory.isNobodys = true;
      return fail(directory, error);
    });
  }
  return workerId;
}

class StoreReader implements BlockReader {
  readonly block: StoredBlock;
  readonly path: string;
  readonly #held: HeldBlock;
  readonly #file: BlockFile;
  readonly #shelf: Shelf;
  #isClosed = false;

  constructor(held: HeldBlock, file: BlockFile, shelf: Shelf) {
    this.block = held.told;
    this.path = file.path;
    this.#held = held;
    this.#file = file;
    this.#shelf = shelf;
  }

  async *pieces(offset: number, length: number): AsyncGenerator<Piece, void, undefined> {
    try {
      yield* this.#file.pieces(offset, length);
    } catch (error) {
      throw this.#shelf.damaged(this.#held, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      await this.#file.close();
    } finally {
      await this.#shelf.release(this.#held);
    }
  }
}

function notFound(id: BlockId): UnderstudyError {
  return new UnderstudyError('not_found', `the block is not here: block=${blockName(id)}`);
}
