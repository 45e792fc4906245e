/**
 * Serves the bytes of this worker's blocks to clients and to other workers (`blocks/data-operations.ts`).
 *
 * - A reader gets pieces as it has room for them: one that is slow costs one piece, and so many may read at once.
 * - A block that is not here is fetched from mounted storage where the request says how (`FetchBlock`).
 * - A writer's block is not seen until it is sealed, and goes with its writer (`writings.ts`).
 */
import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../base/clock.js';
import { encodeMessage } from '../base/encode-message.js';
import { isError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { pieceMemory } from '../base/piece-memory.js';
import { within } from '../base/wait.js';
import { type BlockId, blockIdOf, blockName } from '../blocks/block-id.js';
import type { BlockStore, Piece } from '../blocks/block-store.js';
import { dataOperations } from '../blocks/data-operations.js';
import { pieceBody, pieceIn } from '../blocks/pieces.js';
import { RemoteWriting } from '../client/data/remote-writing.js';
import type { WorkerConnections } from '../client/data/worker-connections.js';
import { decodeRequest } from '../metadata/operation.js';
import type { ServerCall } from '../rpc/rpc.js';
import { Pins } from './pins.js';
import { WriteQueue } from './write-queue.js';
import { Writing } from './writing.js';
import { Writings, type WritingsSettings } from './writings.js';

export interface DataServiceSettings extends WritingsSettings {
  /** Streams of pieces at once; further ones are refused with `resource_exhausted`. */
  readonly readsMax: number;
  /** A reader that takes nothing for so long of what it asked for is given no more. */
  readonly readStallMs: number;
  /** Bytes that were sent and are not written yet, of clients, and as many of other workers (`WriteQueue`). */
  readonly queuedBytesMax: number;
  /** For one step of passing a block on to the next worker. */
  readonly passOnTimeoutMs: number;
}

export const DATA_SERVICE_DEFAULTS: DataServiceSettings = {
  readsMax: 256,
  readStallMs: 60_000,
  writingsMax: 1_024,
  queuedBytesMax: 64 * 1024 * 1024,
  silenceMs: 120_000,
  passOnTimeoutMs: 30_000,
};

/** What is wanted of a block that is not here, of a file that stands in mounted storage. */
export interface WantedBlock {
  readonly block: BlockId;
  readonly under: understudy.UnderBlock.$Properties;
  /** Whole chunks that hold [offset, offset + length) are to come. */
  readonly offset: number;
  readonly length: number;
  readonly readType: 'CACHE' | 'CACHE_PROMOTE' | 'NO_CACHE';
}

/**
 * Fetches a block from mounted storage, and keeps it here as the read type says.
 *
 * @throws `failed_precondition`: the file has changed there; `not_found`; `unavailable`.
 */
export type FetchBlock = (wanted: WantedBlock, signal: AbortSignal) => AsyncIterable<Piece>;

export interface DataServiceDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: BlockStore;
  /** Of this worker, as others know it. */
  readonly address: () => string;
  /** Of this process alone: files that it lends begin with it. */
  readonly proof: string;
  /** To pass blocks on to other workers. */
  readonly connections: WorkerConnections;
  /** Absent: nothing is fetched. */
  readonly fetch?: FetchBlock;
}

interface CountedPieces {
  readonly pieces: AsyncIterable<Piece>;
  readonly counted: { reads: number; bytes: number };
}

const READ_TYPES = ['CACHE', 'CACHE_PROMOTE', 'NO_CACHE'] as const;
/** Never aborted: of a call that comes by no connection. */
const NO_CONNECTION = new AbortController().signal;

export class DataService {
  readonly #settings: DataServiceSettings;
  readonly #deps: DataServiceDeps;
  readonly #writings: Writings;
  readonly #queue: WriteQueue;
  /** By their connections, workers that pass blocks on. */
  readonly #workers = new WeakSet<AbortSignal>();
  readonly #pins = new Pins();
  #reads = 0;
  readonly counts = { cache: { reads: 0, bytes: 0 }, underStore: { reads: 0, bytes: 0 }, shortCircuit: { reads: 0 } };

  constructor(settings: DataServiceSettings, deps: DataServiceDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#queue = new WriteQueue(settings.queuedBytesMax);
    this.#writings = new Writings(settings, deps.clock);
  }

  /** Blocks that are being written. */
  get writings(): number {
    return this.#writings.count;
  }

  /** Bytes that were sent, and are not written yet. */
  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /** Streams that are being read. */
  get reads(): number {
    return this.#reads;
  }

  /** Drops what is being written. The calls are to have ended, or to end, with their server. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#writings.close(), this.#pins.close()]);
  }

  /** A `CallHandler`. @throws `invalid_argument`: no such request; `unimplemented`: it is no method of the data service. */
  async serve(call: ServerCall): Promise<void> {
    const { readBlock, openBlock, writeBlock, sealBlock, dropBlock, findBlock } = dataOperations;
    const owner = call.connectionLost ?? NO_CONNECTION;
    switch (call.method) {
      case readBlock.method:
        return this.#readBlock(call, decodeRequest(readBlock.request, call.body));
      case openBlock.method: {
        const request = decodeRequest(openBlock.request, call.body);
        if (request.passedOn) this.#workers.add(owner);
        const opened = await this.#queued(call, owner, () => this.#openBlock(request, owner));
        return call.reply(encodeMessage(openBlock.response, opened));
      }
      case writeBlock.method: {
        const { writing, piece, lentBytes } = decodeRequest(writeBlock.request, call.body);
        if (lentBytes > 0) {
          await this.#writings.noteLent(writing, owner, lentBytes);
          return call.reply(encodeMessage(writeBlock.response, { written: lentBytes }));
        }
        const written = await this.#queued(call, owner, () => this.#writings.write(writing, owner, pieceIn(piece)));
        return call.reply(encodeMessage(writeBlock.response, { written }));
      }
      case sealBlock.method: {
        const { writing, length } = decodeRequest(sealBlock.request, call.body);
        const workers = [...(await this.#writings.seal(writing, owner, length))];
        return call.reply(encodeMessage(sealBlock.response, { workers }));
      }
      case dropBlock.method:
        await this.#writings.drop(decodeRequest(dropBlock.request, call.body).writing, owner);
        return call.reply(encodeMessage(dropBlock.response, {}));
      case findBlock.method:
        return call.reply(encodeMessage(findBlock.response, await this.#findBlock(decodeRequest(findBlock.request, call.body), owner)));
      default:
        throw new UnderstudyError('unimplemented', `not a method of the data service: method=${call.method}`);
    }
  }

  /** Does `work` with what the call brings, which waits in memory until then. @throws `resource_exhausted`: another worker passes on too much. */
  async #queued<T>(call: ServerCall, owner: AbortSignal, work: () => Promise<T>): Promise<T> {
    const bytes = call.body.length;
    const done = this.#workers.has(owner) ? this.#queue.takePassedOn(bytes) : this.#queue.take(bytes, call.holdReading?.bind(call));
    try {
      return await work();
    } finally {
      done();
    }
  }

  async #readBlock(call: ServerCall, request: understudy.ReadBlockRequest): Promise<void> {
    const { readsMax, readStallMs } = this.#settings;
    if (this.#reads >= readsMax) throw new UnderstudyError('resource_exhausted', `too many blocks are being read: max=${readsMax}`);
    this.#reads += 1;
    try {
      const { pieces, counted } = await this.#pieces(request, call.signal);
      counted.reads += 1;
      for await (const piece of pieces) {
        counted.bytes += piece.bytes.length;
        const { body, tail } = pieceBody(piece);
        const { clock } = this.#deps;
        await within(
          clock,
          readStallMs,
          call.item(body, tail, () => pieceMemory.give(tail)),
          `a reader takes nothing of what it asked for: ms=${readStallMs}`,
        );
      }
      call.reply();
    } finally {
      this.#reads -= 1;
    }
  }

  async #pieces(request: understudy.ReadBlockRequest, signal: AbortSignal): Promise<CountedPieces> {
    const { offset, length, under } = request;
    const { cache, underStore } = this.counts;
    const block = blockIdOf(request.block);
    const readType = READ_TYPES.find((type) => type === request.readType) ?? 'CACHE';
    try {
      const reader = await this.#deps.store.open(block, { promote: readType === 'CACHE_PROMOTE' });
      return { pieces: closing(reader, reader.pieces(offset, Math.max(0, Math.min(length, reader.block.bytes - offset)))), counted: cache };
    } catch (error) {
      if (!isError(error, 'not_found') || under == null || this.#deps.fetch === undefined) throw error;
      return { pieces: this.#deps.fetch({ block, under, offset, length, readType }, signal), counted: underStore };
    }
  }

  async #openBlock(request: understudy.OpenBlockRequest, owner: AbortSignal): Promise<understudy.OpenBlockResponse.$Properties> {
    const { bytesMax, evictable, copyTo, lend } = request;
    const block = blockIdOf(request.block);
    if (block.inodeId === 0 || bytesMax < 1) throw new UnderstudyError('invalid_argument', `not a block: bytesMax=${bytesMax}`);
    const whole = request.whole == null ? undefined : pieceIn(request.whole);
    const { proof } = this.#deps;
    let path = '';
    const open = async () => {
      const writer = await this.#deps.store.create(block, { bytesMax, evictable });
      const next = await this.#passOn(block, copyTo, { bytesMax, evictable });
      if (lend && next === undefined) path = (await writer.lend?.(proof)) ?? '';
      return new Writing(writer, next, { log: this.#deps.log, address: this.#deps.address() });
    };
    const writing = await this.#writings.open(owner, open);
    if (whole === undefined) return path === '' ? { writing } : { writing, path, proof };
    await this.#writings.write(writing, owner, whole);
    return { workers: [...(await this.#writings.seal(writing, owner, whole.bytes.length))] };
  }

  /** @returns the block as it is written on the first of these that can be reached. */
  async #passOn(
    block: BlockId,
    copyTo: readonly string[],
    options: { readonly bytesMax: number; readonly evictable: boolean },
  ): Promise<RemoteWriting | undefined> {
    const { connections, log } = this.#deps;
    for (const [at, address] of copyTo.entries()) {
      try {
        const rest = { ...options, copyTo: copyTo.slice(at + 1), passedOn: true, timeoutMs: this.#settings.passOnTimeoutMs };
        return await RemoteWriting.open(await connections.open(address), block, rest);
      } catch (error) {
        if (!isError(error)) throw error;
        log.warn({ worker: address, block: blockName(block), error: error.message }, 'a block is not copied to a worker that failed');
      }
    }
    return undefined;
  }

  async #findBlock(request: understudy.FindBlockRequest, owner: AbortSignal): Promise<understudy.FindBlockResponse.$Properties> {
    for (const pin of request.unpin) await this.#pins.release(owner, pin);
    const block = blockIdOf(request.block);
    if (request.block == null || !this.#pins.hasRoom(owner) || this.#deps.store.find(block) === undefined) return {};
    try {
      const reader = await this.#deps.store.open(block);
      if (!this.#pins.hasRoom(owner)) {
        await reader[Symbol.asyncDispose]();
        return {};
      }
      this.counts.shortCircuit.reads += 1;
      return { path: reader.path, length: reader.block.bytes, pin: this.#pins.add(owner, reader) };
    } catch (error) {
      if (isError(error, 'not_found')) return {};
      throw error;
    }
  }
}

async function* closing(reader: AsyncDisposable, pieces: AsyncIterable<Piece>): AsyncGenerator<Piece, void, undefined> {
  await using _reader = reader;
  yield* pieces;
}
