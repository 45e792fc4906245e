/**
 * Moves blocks between tiers in the background, one at a time: down from directories above their high watermark, the first to be evicted first; up
 * to a faster tier with room what is read and asked for there. Where the tiers below have no room, what may be evicted goes.
 *
 * A block that is read is not moved down. It is held against its checksums on the way.
 */
import { isError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { pieceMemory } from '../base/piece-memory.js';
import { type BlockDirectory, type HeldBlock, roomOf } from './block-directory.js';
import type { Shelf } from './shelf.js';
import type { Tiers } from './tiers.js';

/** That wait to be moved up; more are let be. */
const PROMOTIONS_MAX = 64;

export class TierMover {
  readonly #tiers: Tiers;
  readonly #shelf: Shelf;
  readonly #log: Log;
  readonly #above = new Set<BlockDirectory>();
  readonly #promotions = new Set<HeldBlock>();
  #work: Promise<void> | undefined;
  #isClosed = false;

  constructor(tiers: Tiers, shelf: Shelf, log: Log) {
    this.#tiers = tiers;
    this.#shelf = shelf;
    this.#log = log;
  }

  /** Makes room in the directory if it is above its high watermark. */
  look(directory: BlockDirectory): void {
    if (directory.takenBytes <= this.#tiers.watermarks(directory).highBytes) return;
    this.#above.add(directory);
    this.#begin();
  }

  promote(block: HeldBlock): void {
    if (block.directory.tier === 0 || this.#promotions.size >= PROMOTIONS_MAX) return;
    this.#promotions.add(block);
    this.#begin();
  }

  /** Resolves when nothing is to be moved. */
  async idle(): Promise<void> {
    await this.#work;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work;
  }

  #begin(): void {
    this.#work ??= this.#run()
      .catch((error: unknown) => this.#log.error({ error }, 'moving blocks between tiers stopped'))
      .finally(() => {
        this.#work = undefined;
      });
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // what began this has to end before
    while (!this.#isClosed) {
      const [directory] = this.#above;
      const [block] = this.#promotions;
      if (directory !== undefined) {
        this.#above.delete(directory);
        await this.#makeRoom(directory);
      } else if (block !== undefined) {
        this.#promotions.delete(block);
        const to = block.isGone ? undefined : this.#tiers.withRoom(roomOf(block.bytes), 0, block.directory.tier);
        if (to !== undefined) await this.#move(block, to);
      } else return;
    }
  }

  async #makeRoom(directory: BlockDirectory): Promise<void> {
    const { lowBytes } = this.#tiers.watermarks(directory);
    const enough = () => this.#isClosed || directory.isFailed || directory.takenBytes <= lowBytes;
    for (const block of directory.evictable) {
      if (enough()) return;
      if (block.readers > 0 || (await this.#moveDown(block)) || block.isGone || block.readers > 0 || !block.evictable) continue;
      await this.#shelf.evict(block);
    }
    if (this.#tiers.isLast(directory)) return;
    for (const block of directory.others) {
      if (enough()) return;
      if (block.readers === 0 && !(await this.#moveDown(block))) return;
    }
  }

  async #moveDown(block: HeldBlock): Promise<boolean> {
    const to = this.#tiers.withRoom(roomOf(block.bytes), block.directory.tier + 1);
    return to !== undefined && (await this.#move(block, to));
  }

  async #move(block: HeldBlock, to: BlockDirectory): Promise<boolean> {
    const { id, bytes, evictable } = block;
    // What lies in memory goes with a power cut anyway.
    const durable = block.directory.memory === undefined;
    const writer = this.#shelf.writer(id, to, { bytesMax: bytes, evictable, durable, replaces: block });
    this.#shelf.retain(block);
    try {
      await using file = await this.#shelf.openFile(block);
      for await (const piece of file.pieces(0, bytes)) {
        await writer.write(piece);
        pieceMemory.give(piece.bytes);
      }
      await writer.seal(bytes);
      return true;
    } catch (error) {
      this.#shelf.damaged(block, error);
      if (!isError(error, 'aborted'))
        this.#log.warn({ error, file: block.path, to: to.path }, 'a block could not be moved to another tier');
      return false;
    } finally {
      await writer.drop();
      await this.#shelf.release(block);
    }
  }
}
