/**
 * Blocks of this host's workers, read from their files without the worker in between (short-circuit). The worker keeps a block from eviction
 * until it is told otherwise, or the connection ends; what is read is held against the checksums in the file.
 *
 * Bounded: so many files are open; the one used least recently is closed for another, and the worker told with the next question.
 */
import { encodeMessage } from '../../base/encode-message.js';
import { isError } from '../../base/errors.js';
import type { Files } from '../../base/files.js';
import { BlockFile } from '../../blocks/block-file.js';
import { type BlockId, blockName } from '../../blocks/block-id.js';
import { dataOperations } from '../../blocks/data-operations.js';
import { type Part, partsOf } from './block-part.js';
import type { WorkerConnection } from './worker-connections.js';

const OPEN_MAX = 64;

/** One open file, or one that cannot be had. */
interface Held {
  readonly connection: WorkerConnection;
  readonly opening: Promise<{ readonly file: BlockFile; readonly pin: number } | undefined>;
  readers: number;
  isForgotten: boolean;
}

const { findBlock } = dataOperations;

export class LocalBlocks {
  readonly #files: Files;
  readonly #timeoutMs: number;
  /** The one used least recently first. */
  readonly #held = new Map<string, Held>();
  /** Pins that their workers are still to be told of. */
  readonly #unpin = new Map<WorkerConnection, number[]>();

  constructor(files: Files, timeoutMs: number) {
    this.#files = files;
    this.#timeoutMs = timeoutMs;
  }

  /** @returns undefined: it has to be read over the connection, by which the worker learns of damage, too. */
  async read(connection: WorkerConnection, block: BlockId, part: Part): Promise<Uint8Array[] | undefined> {
    const key = `${connection.address} ${blockName(block)}`;
    const held = this.#take(key, connection, block);
    held.readers += 1;
    try {
      const open = await held.opening;
      if (open === undefined || open.file.bytes < part.to) return undefined;
      return await partsOf(open.file.pieces(part.from, part.to - part.from), part);
    } catch (error) {
      this.#forget(key, held);
      if (!isError(error)) throw error;
      return undefined;
    } finally {
      held.readers -= 1;
      await this.#settle(held);
    }
  }

  async close(): Promise<void> {
    for (const [key, held] of [...this.#held]) {
      this.#forget(key, held);
      await this.#settle(held);
    }
  }

  #take(key: string, connection: WorkerConnection, block: BlockId): Held {
    let held = this.#held.get(key);
    if (held !== undefined && held.connection !== connection) {
      this.#forget(key, held);
      void this.#settle(held);
      held = undefined;
    }
    held ??= { connection, opening: this.#open(connection, block), readers: 0, isForgotten: false };
    this.#held.delete(key);
    this.#held.set(key, held);
    for (const [other, { readers }] of this.#held) {
      if (this.#held.size <= OPEN_MAX) break;
      const oldest = this.#held.get(other);
      if (readers > 0 || oldest === undefined || oldest === held) continue;
      this.#forget(other, oldest);
      void this.#settle(oldest);
    }
    return held;
  }

  async #open(connection: WorkerConnection, block: BlockId): Promise<{ file: BlockFile; pin: number } | undefined> {
    const unpin = this.#unpin.get(connection) ?? [];
    this.#unpin.delete(connection);
    try {
      const body = encodeMessage(findBlock.request, { block, unpin });
      const found = findBlock.response.decode(await connection.call(findBlock.method, body, { timeoutMs: this.#timeoutMs }));
      if (found.path === '') return undefined;
      try {
        return { file: await BlockFile.open(this.#files, found.path, block, found.length), pin: found.pin };
      } catch (error) {
        this.#noLonger(connection, found.pin);
        throw error;
      }
    } catch (error) {
      if (!isError(error)) throw error;
      return undefined;
    }
  }

  #forget(key: string, held: Held): void {
    held.isForgotten = true;
    if (this.#held.get(key) === held) this.#held.delete(key);
  }

  /** Closes what was forgotten, once nobody reads it. */
  async #settle(held: Held): Promise<void> {
    if (!held.isForgotten || held.readers > 0) return;
    const open = await held.opening;
    if (open === undefined) return;
    this.#noLonger(held.connection, open.pin);
    await open.file.close().catch(() => {}); // it was read to the end
  }

  #noLonger(connection: WorkerConnection, pin: number): void {
    if (connection.lost.aborted) {
      this.#unpin.delete(connection);
      return;
    }
    const pins = this.#unpin.get(connection);
    if (pins === undefined) this.#unpin.set(connection, [pin]);
    else pins.push(pin);
  }
}
