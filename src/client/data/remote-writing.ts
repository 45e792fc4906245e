/**
 * A block that is being written on a worker elsewhere: by a client, or by a worker that passes it on.
 */
import { encodeMessage } from '../../base/encode-message.js';
import type { BlockId } from '../../blocks/block-id.js';
import type { Piece } from '../../blocks/block-store.js';
import { dataOperations } from '../../blocks/data-operations.js';
import { bodyWithPiece } from '../../blocks/pieces.js';
import type { OpenWriting } from './open-writing.js';
import type { WorkerConnection } from './worker-connections.js';

export interface RemoteWritingOptions {
  /** Room to keep for it. */
  readonly bytesMax: number;
  /** `host:port` of workers that it is passed on to, one by the other. */
  readonly copyTo: readonly string[];
  readonly evictable?: boolean;
  /** A worker passes it on. */
  readonly passedOn?: boolean;
  readonly timeoutMs: number;
}

/** Of `WriteBlockRequest` and of `OpenBlockRequest`, in proto/worker.proto. */
const PIECE_FIELD = 2;
const WHOLE_FIELD = 5;

/** For what a worker need not be told. */
const DROP_TIMEOUT_MS = 2_000;

const { openBlock, writeBlock, sealBlock, dropBlock } = dataOperations;

/** A file that a worker lends. */
export interface LentFile {
  readonly path: string;
  /** How it begins. */
  readonly proof: string;
}

export class RemoteWriting implements OpenWriting {
  readonly #connection: WorkerConnection;
  readonly #writing: number;
  readonly #timeoutMs: number;

  private constructor(connection: WorkerConnection, writing: number, timeoutMs: number) {
    this.#connection = connection;
    this.#writing = writing;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws `unavailable`, `deadline_exceeded`; as `BlockStore.create`. */
  static async open(connection: WorkerConnection, block: BlockId, options: RemoteWritingOptions): Promise<RemoteWriting> {
    const { writing } = await openOn(connection, block, options);
    return new RemoteWriting(connection, writing, options.timeoutMs);
  }

  /** As `open`; of a block that is not passed on. @returns the file that is lent for it, too: nothing may be written here then. Undefined: none is. */
  static async openLent(
    connection: WorkerConnection,
    block: BlockId,
    options: RemoteWritingOptions,
  ): Promise<{ readonly remote: RemoteWriting; readonly lent: LentFile | undefined }> {
    const { writing, path, proof } = await openOn(connection, block, options, { lend: true });
    const remote = new RemoteWriting(connection, writing, options.timeoutMs);
    return { remote, lent: path === '' ? undefined : { path, proof } };
  }

  /** A whole block in one call. @returns who holds it now. @throws as `open` and `BlockWriter.write`. */
  static async whole(
    connection: WorkerConnection,
    block: BlockId,
    piece: Piece,
    options: RemoteWritingOptions,
  ): Promise<readonly string[]> {
    return (await openOn(connection, block, options, { whole: piece })).workers;
  }

  get address(): string {
    return this.#connection.address;
  }

  async write(piece: Piece): Promise<void> {
    const { body, tail } = bodyWithPiece(encodeMessage(writeBlock.request, { writing: this.#writing }), PIECE_FIELD, piece);
    await this.#connection.call(writeBlock.method, body, { timeoutMs: this.#timeoutMs, tail });
  }

  /** So many bytes are in the file that was lent. */
  async noteLent(lentBytes: number): Promise<void> {
    const body = encodeMessage(writeBlock.request, { writing: this.#writing, lentBytes });
    await this.#connection.call(writeBlock.method, body, { timeoutMs: this.#timeoutMs });
  }

  async seal(length: number): Promise<readonly string[]> {
    const body = encodeMessage(sealBlock.request, { writing: this.#writing, length });
    return sealBlock.response.decode(await this.#connection.call(sealBlock.method, body, { timeoutMs: this.#timeoutMs })).workers;
  }

  /** Best effort, of some seconds: what cannot be told goes with the connection, or after a time of silence. */
  async drop(): Promise<void> {
    const body = encodeMessage(dropBlock.request, { writing: this.#writing });
    try {
      await this.#connection.call(dropBlock.method, body, { timeoutMs: Math.min(this.#timeoutMs, DROP_TIMEOUT_MS) });
    } catch {
      // It goes by itself.
    }
  }
}

interface How {
  readonly whole?: Piece;
  readonly lend?: boolean;
}

async function openOn(connection: WorkerConnection, block: BlockId, options: RemoteWritingOptions, { whole, lend = false }: How = {}) {
  const { bytesMax, copyTo, evictable = false, passedOn = false, timeoutMs } = options;
  const request = encodeMessage(openBlock.request, { block, bytesMax, copyTo: [...copyTo], evictable, lend, passedOn });
  const { body, ...tail } = whole === undefined ? { body: request } : bodyWithPiece(request, WHOLE_FIELD, whole);
  return openBlock.response.decode(await connection.call(openBlock.method, body, { timeoutMs, ...tail }));
}
