/**
 * Writes one file, from its beginning or behind its end: what is written is cut into blocks, and these into pieces.
 *
 * - `close` makes it a file of that length; until then it is being written, and known as far as its blocks are sealed.
 * - Once something failed the writer is dead; `abort` takes back what it made.
 */
import { Writable } from 'node:stream';
import { WritableStream } from 'node:stream/web';
import { asError, UnderstudyError } from '../../base/errors.js';
import { pieceMemory } from '../../base/piece-memory.js';
import { throwIfAborted } from '../../base/wait.js';
import type { BlockId } from '../../blocks/block-id.js';
import { PIECE_BYTES_MAX, pieceOf } from '../../blocks/pieces.js';
import type { FileStatus } from '../file-status.js';
import type { ChangedFile } from '../file-system-options.js';
import { BlockWriting } from './block-writing.js';
import type { DataAccess } from './data-access.js';

/** What the namespace is told of a file that is being written. */
export interface WrittenFile {
  /** As it was when it was opened for writing. */
  readonly status: FileStatus;
  /** Hands out further blocks; `length` bytes of the file are sealed. */
  addBlocks(blocks: number, length: number): Promise<unknown>;
  complete(length: number): Promise<ChangedFile>;
  /** Waits until it is where its writer wants it. It is complete, and stays so whatever becomes of this. @throws as `signal` was aborted. */
  arrived?(changed: ChangedFile, signal: AbortSignal): Promise<ChangedFile>;
  /** Takes back what was made. */
  giveUp(): Promise<unknown>;
}

/** The last block of a file that is written behind its end, and what is in it. */
export interface PartialBlock {
  readonly id: BlockId;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** So many blocks are asked for ahead: a while for another master to take the lead, in which the writer goes on. */
const BLOCKS_AHEAD = 8;
/** A piece that is written in parts has so much room from its second part on: what is written at once has no more than it takes. */
const ROOM_BYTES_MIN = 16 * 1024;
const NO_BYTES = new Uint8Array(0);

export class FileWriter implements AsyncDisposable {
  readonly #access: DataAccess;
  readonly #file: WrittenFile;
  /** Bytes of the file that stand before the piece. */
  #offset: number;
  #piece: Uint8Array = NO_BYTES;
  #pieceBytes = 0;
  #block: BlockWriting | undefined;
  #blocksHanded: number;
  /** What asks for further blocks meanwhile; it does not fail. */
  #asking: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #failure: unknown;
  /** `closed`: it is complete; `arrived`: where it was to be written through to, too. */
  #state: 'open' | 'closed' | 'arrived' | 'aborted' = 'open';
  readonly #life = new AbortController();

  private constructor(access: DataAccess, file: WrittenFile) {
    this.#access = access;
    this.#file = file;
    this.#offset = file.status.length;
    this.#blocksHanded = file.status.lease?.blocks ?? 0;
  }

  /** @param partial where the file does not end with a block. @throws as `FileReader.read`: it is given up then. */
  static async open(access: DataAccess, file: WrittenFile, partial?: PartialBlock): Promise<FileWriter> {
    const writer = new FileWriter(access, file);
    if (partial === undefined) return writer;
    const { blockBytes, length } = file.status;
    writer.#offset = length - (length % blockBytes);
    writer.#block = writer.#blockWriting(partial.id);
    try {
      for await (const bytes of partial.bytes) await writer.write(bytes);
    } catch (error) {
      await writer.abort();
      throw error;
    }
    return writer;
  }

  get status(): FileStatus {
    return this.#file.status;
  }

  /** Bytes of the file so far. */
  get length(): number {
    return this.#offset + this.#pieceBytes;
  }

  /**
   * Resolves when there is room for more: `bytes` are the caller's again then. Calls may overlap, and are written in their order.
   *
   * @throws `unavailable`: no worker takes the bytes, or one failed with more than is held for another; the writer is dead then.
   */
  write(bytes: Uint8Array | string): Promise<void> {
    return this.#inTurn(() => this.#take(typeof bytes === 'string' ? Buffer.from(bytes) : bytes));
  }

  /**
   * Seals what was written and makes it the file's contents. @throws as `write`, and as `FileSystem.completeFile`; of a file that is written through
   * `deadline_exceeded`, `cancelled` and others, whose message says that it is complete: it is, and nothing takes it back.
   */
  close(): Promise<ChangedFile> {
    return this.#inTurn(async () => {
      await this.#flush();
      await this.#seal();
      await this.#asking;
      throwIfAborted(this.#life.signal);
      const changed = await this.#file.complete(this.#offset);
      this.#state = 'closed';
      const arrived = await this.#file.arrived?.(changed, this.#life.signal);
      this.#state = 'arrived';
      return arrived ?? changed;
    });
  }

  /** Gives up: what was made is taken back, unless it was complete already. Waits for no worker that hangs. Idempotent. */
  async abort(): Promise<void> {
    if (this.#state === 'arrived') return;
    this.#life.abort(
      new UnderstudyError(
        'cancelled',
        this.#state === 'closed' ? 'the file is complete; whether it is persisted was not waited for' : 'writing was given up',
      ),
    );
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    await this.#turn.catch(() => {});
    if (this.#isComplete) return; // `close` was too far
    await this.#block?.drop();
    await this.#file.giveUp();
  }

  /** Of a writer that was not closed: `abort`. What one that has failed cannot take back is left to the masters: its failure is what its owner is told. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.abort();
    } catch (error) {
      if (this.#failure === undefined) throw error;
    }
  }

  /** A stream of Node: its end closes the writer, and destroying it aborts. */
  writable(): Writable {
    return new Writable({
      highWaterMark: PIECE_BYTES_MAX,
      write: (chunk: Buffer, _encoding, done) => settle(this.write(chunk), done),
      final: (done) => settle(this.close(), done),
      destroy: (error, done) =>
        void this.abort().then(
          () => done(error),
          () => done(error),
        ),
    });
  }

  /** A stream as the web has it. */
  writableWeb(): WritableStream<Uint8Array> {
    return new WritableStream({
      write: (chunk: Uint8Array) => this.write(chunk),
      close: async () => void (await this.close()),
      abort: () => this.abort(),
    });
  }

  get #isComplete(): boolean {
    return this.#state === 'closed' || this.#state === 'arrived';
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(async () => {
      if (this.#state !== 'open') throw new UnderstudyError('failed_precondition', `the file is no longer written here: ${this.#state}`);
      if (this.#failure !== undefined) throw asError(this.#failure);
      try {
        return await work();
      } catch (error) {
        this.#failure = error;
        throw error;
      }
    });
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async #take(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      throwIfAborted(this.#life.signal);
      const room = this.#pieceRoom();
      const count = Math.min(room - this.#pieceBytes, bytes.length - at);
      this.#grow(this.#pieceBytes + count, room);
      this.#piece.set(bytes.subarray(at, at + count), this.#pieceBytes);
      this.#pieceBytes += count;
      at += count;
      if (this.#pieceBytes === room) await this.#flush();
    }
  }

  /** @returns how long the piece may be: it ends with its block at the latest. */
  #pieceRoom(): number {
    const { blockBytes } = this.status;
    return Math.min(PIECE_BYTES_MAX, blockBytes - (this.#offset % blockBytes));
  }

  #grow(needed: number, room: number): void {
    if (needed <= this.#piece.length) return;
    const isFirst = this.#pieceBytes === 0;
    const grown = pieceMemory.take(isFirst ? needed : Math.min(room, Math.max(needed, 4 * this.#piece.length, ROOM_BYTES_MIN)));
    grown.set(this.#piece.subarray(0, this.#pieceBytes));
    pieceMemory.give(this.#piece);
    this.#piece = grown;
  }

  /** Puts the piece, full or not, into its block. */
  async #flush(): Promise<void> {
    if (this.#pieceBytes === 0) return;
    const { blockBytes, id, generation } = this.status;
    const within = this.#offset % blockBytes;
    if (within === 0) {
      const index = this.#offset / blockBytes;
      await this.#mustHave(index + 1);
      this.#block = this.#blockWriting({ inodeId: id, index, generation });
    }
    const bytes = this.#piece.subarray(0, this.#pieceBytes);
    this.#offset += bytes.length;
    this.#piece = NO_BYTES;
    this.#pieceBytes = 0;
    await this.#block?.put(pieceOf(within, bytes));
    const start = this.#offset - within - bytes.length;
    if (start > 0 || this.#offset > blockBytes / 2) this.#askAhead(start);
    if (this.#offset % blockBytes === 0) await this.#seal();
  }

  /** The first block needs no asking: the file's own length tells of it. */
  async #mustHave(blocks: number): Promise<void> {
    if (blocks === 1 || blocks <= this.#blocksHanded) return;
    await this.#asking;
    if (blocks > this.#blocksHanded) await this.#ask(blocks, this.#offset);
  }

  /** Asks for the next blocks while the last ones are written, and tells of those that are sealed. */
  #askAhead(blockStart: number): void {
    const { blockBytes, length } = this.status;
    const blocks = blockStart / blockBytes + 1 + BLOCKS_AHEAD;
    if (this.#asking !== undefined || blocks <= this.#blocksHanded) return;
    // What it fails with is told where the blocks are needed: there they are asked for again.
    this.#asking = this.#ask(blocks, Math.max(blockStart, length)).then(
      () => this.#asked(),
      () => this.#asked(),
    );
  }

  #asked(): void {
    this.#asking = undefined;
  }

  async #ask(blocks: number, sealedBytes: number): Promise<void> {
    await this.#file.addBlocks(blocks - this.#blocksHanded, sealedBytes);
    this.#blocksHanded = blocks;
  }

  async #seal(): Promise<void> {
    await this.#block?.seal();
    this.#block = undefined;
  }

  #blockWriting(id: BlockId): BlockWriting {
    const { blockBytes, replicationMin } = this.status;
    return new BlockWriting(
      this.#access,
      id,
      { bytesMax: blockBytes, copies: Math.max(1, replicationMin), evictable: false },
      this.#life.signal,
    );
  }
}

function settle(work: Promise<unknown>, done: (error?: Error | null) => void): void {
  work.then(
    () => done(),
    (error: unknown) => done(asError(error)),
  );
}
