/**
 * Writes one block: pieces go to a worker, and by it to those it passes them on to, or into the file that it lends, up to a number of them under way.
 *
 * A worker that fails costs nothing as long as the block's bytes are still held: they are given to another one. They are, up to the bound
 * that all files of a client share (`HeldBytes`); beyond it the block fails with its worker.
 */
import { isError, UnderstudyError } from '../../base/errors.js';
import { pieceMemory } from '../../base/piece-memory.js';
import { orAborted, sleep, throwIfAborted } from '../../base/wait.js';
import { type BlockId, blockName } from '../../blocks/block-id.js';
import type { Piece } from '../../blocks/block-store.js';
import type { DataAccess } from './data-access.js';
import type { OpenWriting } from './open-writing.js';
import { RemoteWriting, type RemoteWritingOptions } from './remote-writing.js';
import type { WorkerConnection } from './worker-connections.js';

export interface BlockWritingOptions {
  readonly bytesMax: number;
  /** Workers that are to have it. */
  readonly copies: number;
  readonly evictable: boolean;
}

/** Before a worker that failed is tried again; doubles. */
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 1_000;

export class BlockWriting {
  readonly id: BlockId;
  readonly #access: DataAccess;
  readonly #options: BlockWritingOptions;
  readonly #signal: AbortSignal;
  /** What was put so far, for another worker; undefined: too much for the bound. */
  #held: Piece[] | undefined = [];
  #heldBytes = 0;
  #bytes = 0;
  #remote: OpenWriting | undefined;
  #underWay = new Set<Promise<void>>();
  /** What the worker failed with. */
  #failure: unknown;
  readonly #failed = new Set<string>();
  /** Where it is being opened, and written. */
  #address = '';
  #pauseMs = PAUSE_MS_MIN;
  /** Workers that may have sealed it: their answer was lost. */
  readonly #sealedAt = new Set<string>();

  constructor(access: DataAccess, id: BlockId, options: BlockWritingOptions, signal: AbortSignal) {
    this.#access = access;
    this.id = id;
    this.#options = options;
    this.#signal = signal;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes `piece`, whose bytes are the block's from now on; resolves when there is room for another one. One at a time. @throws `unavailable`. */
  async put(piece: Piece): Promise<void> {
    this.#hold(piece);
    this.#bytes += piece.bytes.length;
    // A block of one piece goes in one call, by `seal`.
    if (this.#remote === undefined && this.#held?.length === 1) return;
    await this.#persevere(async () => {
      if (this.#remote === undefined) await this.#begin();
      else await this.#send(this.#remote, piece);
    });
  }

  /** @returns who holds it now. @throws `unavailable`: nobody does. */
  async seal(): Promise<readonly string[]> {
    const workers = await this.#persevere(() => this.#finish());
    // With no worker that failed, all was acknowledged: no socket has any of it.
    if (this.#failed.size === 0) for (const { bytes } of this.#held ?? []) pieceMemory.give(bytes);
    this.#letGo();
    return workers;
  }

  /** Nothing is left of it. */
  async drop(): Promise<void> {
    this.#letGo();
    await this.#remote?.drop();
    this.#remote = undefined;
  }

  #hold(piece: Piece): void {
    if (this.#held === undefined) return;
    if (this.#access.held.take(piece.bytes.length)) {
      this.#held.push(piece);
      this.#heldBytes += piece.bytes.length;
      return;
    }
    // Pieces that no worker was given yet are not many, and go now.
    if (this.#remote !== undefined) this.#letGo();
    else this.#held.push(piece);
  }

  #letGo(): void {
    this.#access.held.give(this.#heldBytes);
    this.#heldBytes = 0;
    this.#held = undefined;
  }

  /** Does `work`, and where the worker fails does it again with another one that was given the block from its beginning. */
  async #persevere<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        throwIfAborted(this.#signal);
        if (this.#failure !== undefined) throw this.#failure;
        return await orAborted(work(), this.#signal);
      } catch (error) {
        throwIfAborted(this.#signal);
        throwIfAborted(this.#access.life);
        if (!isError(error) || error.code === 'internal') throw error;
        this.#giveUpWorker();
        if (this.#held === undefined) throw lost(this.id, 'its bytes are no longer held: heldBytesMax', error);
        if (attempt >= this.#access.settings.writeAttempts) throw lost(this.id, `attempts=${attempt}`, error);
      }
    }
  }

  /** Opens the block at a worker, and gives it all that is held. */
  async #begin(): Promise<OpenWriting> {
    const { connection, options } = await this.#choose();
    const remote = await this.#openAt(connection, options);
    if (this.#signal.aborted) void remote.drop();
    throwIfAborted(this.#signal);
    this.#remote = remote;
    for (const piece of this.#held ?? []) await this.#send(remote, piece);
    return remote;
  }

  /** A worker of this host lends its file, where the block is to be nowhere else. */
  async #openAt(connection: WorkerConnection, options: RemoteWritingOptions): Promise<OpenWriting> {
    const { lent, settings } = this.#access;
    const isLocal = options.copyTo.length === 0 && this.#access.isLocal(connection.address);
    const local = isLocal && options.bytesMax >= settings.shortCircuitBytesMin ? await lent?.open(connection, this.id, options) : undefined;
    return local ?? (await RemoteWriting.open(connection, this.id, options));
  }

  async #finish(): Promise<readonly string[]> {
    try {
      const [only] = this.#held ?? [];
      if (this.#remote === undefined && only !== undefined && this.#held?.length === 1) {
        const { connection, options } = await this.#choose();
        this.#sealedAt.add(this.#address);
        return await RemoteWriting.whole(connection, this.id, only, { ...options, bytesMax: this.#bytes });
      }
      const remote = this.#remote ?? (await this.#begin());
      await Promise.all(this.#underWay);
      if (this.#failure !== undefined) throw this.#failure;
      this.#sealedAt.add(this.#address);
      return await remote.seal(this.#bytes);
    } catch (error) {
      if (isError(error, 'already_exists') && this.#sealedAt.has(this.#address)) return [this.#address];
      throw error;
    }
  }

  /** Sends a piece as soon as few enough are under way; what becomes of it is told later. */
  async #send(remote: OpenWriting, piece: Piece): Promise<void> {
    while (this.#underWay.size >= this.#access.settings.piecesUnderWay) await Promise.race(this.#underWay);
    const { sending: room } = this.#access;
    await room.take(piece.bytes.length, this.#signal);
    if (this.#failure !== undefined) {
      room.give(piece.bytes.length);
      throw this.#failure;
    }
    const sending: Promise<void> = remote
      .write(piece)
      .catch((error: unknown) => {
        if (this.#remote === remote) this.#failure ??= error;
      })
      .finally(() => {
        room.give(piece.bytes.length);
        this.#underWay.delete(sending);
      });
    this.#underWay.add(sending);
  }

  /**
   * @returns a connection to the worker that is to have it, which passes it on to others: this host's first, then by free bytes. Those that
   * failed come again only where there are no others, after a pause.
   */
  async #choose(): Promise<{ connection: WorkerConnection; options: RemoteWritingOptions }> {
    const { connections, settings, clock } = this.#access;
    const told = await this.#access.workers(this.#failed.size > 0);
    throwIfAborted(this.#signal);
    const others = told.filter(({ address }) => !this.#failed.has(address));
    if (others.length === 0 && this.#failed.size > 0) {
      await sleep(clock, this.#pauseMs, this.#signal);
      this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MS_MAX);
    }
    const [first, ...rest] = this.#access.ranked(others.length > 0 ? others : told);
    if (first === undefined) throw new UnderstudyError('unavailable', 'there is no worker that takes blocks');
    this.#address = first;
    const { copies, bytesMax, evictable } = this.#options;
    const copyTo = rest.slice(0, Math.max(0, copies - 1));
    try {
      const connection = await connections.open(first, this.#signal);
      return { connection, options: { bytesMax, evictable, copyTo, timeoutMs: settings.workerTimeoutMs } };
    } catch (error) {
      this.#failed.add(first);
      throw error;
    }
  }

  /** What was sent there counts for nothing any more. */
  #giveUpWorker(): void {
    if (this.#address !== '') this.#failed.add(this.#address);
    void this.#remote?.drop();
    this.#remote = undefined;
    this.#failure = undefined;
    this.#underWay = new Set();
  }
}

function lost(id: BlockId, why: string, cause: unknown): UnderstudyError {
  const reason = isError(cause) ? cause.message : String(cause);
  const code = isError(cause, 'resource_exhausted') ? cause.code : 'unavailable';
  return new UnderstudyError(code, `a block could not be written: block=${blockName(id)} ${why} reason=${reason}`, { cause });
}
