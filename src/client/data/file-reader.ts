/**
 * Reads one file as it was when it was opened: parts at any place, and streams that read ahead.
 *
 * - A part is asked for when there is room for it, so that a slow reader costs its read-ahead and nothing else, at workers neither.
 * - Where blocks are is asked for as they come, and kept for a bounded number of them.
 */
import type { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { UnderstudyError } from '../../base/errors.js';
import { pieceMemory } from '../../base/piece-memory.js';
import { orAborted, throwIfAborted } from '../../base/wait.js';
import { PIECE_BYTES_MAX } from '../../blocks/pieces.js';
import type { BlockLocation } from '../block-locations.js';
import type { ClientCallOptions } from '../client.js';
import type { FileStatus } from '../file-status.js';
import type { OpenFileOptions } from '../file-system-options.js';
import type { Part } from './block-part.js';
import type { LocatedFile, UnderFile } from './block-places.js';
import { readPart, type UnderSource } from './block-reading.js';
import type { DataAccess } from './data-access.js';
import { FileReadable } from './file-readable.js';
import type { ReadType } from './read-write-types.js';

export interface ReadRange {
  /** First byte; 0 unless given. */
  readonly start?: number;
  /** Behind the last byte; the end of the file unless given, or where that comes first. */
  readonly end?: number;
  readonly signal?: AbortSignal;
}

/** Locations that one question asks for: 16 blocks of the usual size. */
const LOCATED_BYTES = 1024 ** 3;
/** A stream asks for them so far ahead: a while for another master to take the lead, in which it goes on. */
const LOCATED_AHEAD_BYTES = LOCATED_BYTES / 2;
const LOCATIONS_KEPT_MAX = 20_000;
/** What is read ahead is asked for in so many parts: each costs its worker an open file. */
const PARTS_AHEAD = 2;
// Made once: an error is dear, and these are told to nobody, or tell all there is to tell.
const LEFT = new UnderstudyError('cancelled', 'the rest is not wanted');
const CLOSED = new UnderstudyError('cancelled', 'the file was closed');

export class FileReader implements AsyncDisposable {
  readonly status: FileStatus;
  readonly #access: DataAccess;
  /** By the place where they begin. */
  readonly #blocks = new Map<number, BlockLocation>();
  /** What stops each of the loops that go on. */
  readonly #running = new Set<AbortController>();
  #isClosed = false;
  readonly #locating = new Map<number, Promise<BlockLocation>>();
  readonly #readType: ReadType;
  /** As the masters told last. */
  #under: UnderFile | undefined;

  private constructor(access: DataAccess, { status, blocks, under }: LocatedFile, readType: ReadType) {
    this.#access = access;
    this.#readType = readType;
    this.status = status;
    this.#under = under;
    this.#keep(blocks);
  }

  /** @throws as `FileSystem.getBlockLocations`. */
  static async open(
    access: DataAccess,
    path: string,
    { readType = access.settings.readType, ...options }: OpenFileOptions & ClientCallOptions = {},
  ): Promise<FileReader> {
    return new FileReader(access, await access.places.locate(path, 0, LOCATED_BYTES, options), readType);
  }

  /** Bytes; of a file that is being written, as far as its writer had told. */
  get length(): number {
    return this.status.length;
  }

  /**
   * Fills `buffer` with what stands from `position` on. Calls may overlap. @returns how many bytes there were; fewer at the end of the file.
   *
   * @throws `unavailable`: no worker gives a block; `cancelled`; `out_of_range`: no place in a file.
   */
  async read(buffer: Uint8Array, position: number, signal?: AbortSignal): Promise<number> {
    if (!Number.isSafeInteger(position) || position < 0)
      throw new UnderstudyError('out_of_range', `no place in a file: position=${position}`);
    let at = 0;
    const range = { start: position, end: position + buffer.length, ...(signal === undefined ? {} : { signal }) };
    for await (const bytes of this.#runs(range, this.#access.settings.readAheadPieces)) {
      buffer.set(bytes, at);
      at += bytes.length;
      pieceMemory.give(bytes);
    }
    return at;
  }

  /** @returns where the block is that begins at `offset` of the file. */
  located(offset: number): Promise<BlockLocation> {
    return this.#locate(offset, false);
  }

  /** Yields the bytes in order, in runs of up to 1 MiB that are the receiver's. @throws as `read`. */
  chunks(range: ReadRange = {}): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#runs(range, 1);
  }

  /** As `chunks`, but a run is the receiver's only until it asks for the next one: its memory is used again, which saves most of the cost. */
  async *lentChunks(range: ReadRange = {}): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const bytes of this.#runs(range, 1)) {
      yield bytes;
      pieceMemory.give(bytes);
    }
  }

  /** A stream of Node. */
  readable(range: ReadRange = {}): Readable {
    return new FileReadable((signal) => this.chunks({ ...range, signal }), range.signal);
  }

  /** A stream as the web has it. */
  readableWeb(range: ReadRange = {}): ReadableStream<Uint8Array> {
    const giveUp = new AbortController();
    const signal = range.signal === undefined ? giveUp.signal : AbortSignal.any([giveUp.signal, range.signal]);
    const chunks = this.chunks({ ...range, signal });
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        giveUp.abort();
        await chunks.return();
      },
    });
  }

  /** Gives up what is under way. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const running of this.#running) running.abort(CLOSED);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @param ahead pieces to begin with: a reader that wants all of it at once, or one that may stop soon. */
  async *#runs({ start = 0, end, signal }: ReadRange, ahead: number): AsyncGenerator<Uint8Array, void, undefined> {
    const stop = new AbortController();
    const giveUp = () => stop.abort(signal?.reason);
    if (signal?.aborted || this.#isClosed) stop.abort(signal?.reason ?? CLOSED);
    signal?.addEventListener('abort', giveUp, { once: true });
    this.#running.add(stop);
    const to = Math.min(end ?? this.length, this.length);
    const { readAheadPieces } = this.#access.settings;
    const underWay: Promise<Uint8Array[]>[] = [];
    let window = ahead;
    let next = start;
    let at = start;
    try {
      for (;;) {
        throwIfAborted(stop.signal);
        const pieces = Math.ceil(window / PARTS_AHEAD);
        while (next < to && (next - at) / PIECE_BYTES_MAX < window) {
          const end = this.#endOfPart(next, to, pieces);
          const part = this.#part(next, end, stop.signal);
          part.catch(() => {}); // told to who waits for it
          underWay.push(part);
          next = end;
          this.#locateAhead(next + LOCATED_AHEAD_BYTES, to);
        }
        const parts = underWay.shift();
        if (parts === undefined) return;
        for (const bytes of await parts) {
          at += bytes.length;
          yield bytes;
        }
        window = Math.min(readAheadPieces, 2 * window);
      }
    } finally {
      if (underWay.length > 0) stop.abort(LEFT);
      signal?.removeEventListener('abort', giveUp);
      this.#running.delete(stop);
    }
  }

  /** @returns where the part of so many pieces ends that begins at `from`: of one block, and at a place that is whole in it. */
  #endOfPart(from: number, to: number, pieces: number): number {
    const { blockBytes } = this.status;
    const within = from % blockBytes;
    return Math.min(to, from - within + Math.min(blockBytes, (Math.floor(within / PIECE_BYTES_MAX) + pieces) * PIECE_BYTES_MAX));
  }

  #part(from: number, to: number, signal: AbortSignal): Promise<Uint8Array[]> {
    const offset = Math.floor(from / this.status.blockBytes) * this.status.blockBytes;
    const part: Part = { from: from - offset, to: to - offset };
    const locate = (anew: boolean) => this.#locate(offset, anew, signal);
    const fetched = (block: BlockLocation, workers: readonly string[]) => this.#keep([{ ...block, workers }]);
    return readPart({ access: this.#access, locate, under: (block) => this.#underBlock(block), fetched }, part, signal);
  }

  /** How a worker fetches the block that it does not have. */
  #underBlock({ offset, length }: BlockLocation): UnderSource | undefined {
    const under = this.#under;
    if (under === undefined || offset + length > under.same) return undefined;
    const { mountId, path, length: fileLength, modifiedMs } = under;
    return { under: { mountId, path, fileLength, modifiedMs, offset, length }, readType: this.#readType };
  }

  /** Readers of one block ask once. */
  async #locate(offset: number, anew: boolean, signal?: AbortSignal): Promise<BlockLocation> {
    const known = this.#blocks.get(offset);
    if (known !== undefined && !anew) return known;
    let locating = this.#locating.get(offset);
    if (locating === undefined) {
      locating = this.#locateOnce(offset, anew ? 1 : LOCATED_BYTES).finally(() => this.#locating.delete(offset));
      this.#locating.set(offset, locating);
    }
    return orAborted(locating, signal);
  }

  #locateAhead(at: number, to: number): void {
    const offset = at - (at % this.status.blockBytes);
    if (offset >= to || this.#blocks.has(offset) || this.#locating.has(offset)) return;
    this.#locate(offset, false).catch(() => {}); // asked again where it is needed
  }

  async #locateOnce(offset: number, length: number): Promise<BlockLocation> {
    const { path, id } = this.status;
    const { status, blocks, under } = await this.#access.places.locate(path, offset, length);
    if (status.id !== id) throw new UnderstudyError('aborted', `another file has taken the place of the one being read: path=${path}`);
    this.#under = under;
    this.#keep(blocks);
    const [first] = blocks;
    if (first?.offset === offset) return first;
    throw new UnderstudyError('aborted', `the file was cut while it was read: path=${path} offset=${offset}`);
  }

  #keep(blocks: readonly BlockLocation[]): void {
    if (this.#blocks.size + blocks.length > LOCATIONS_KEPT_MAX) this.#blocks.clear();
    for (const block of blocks) this.#blocks.set(block.offset, block);
  }
}
