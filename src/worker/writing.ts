/**
 * One block that is being written here and, by way of this worker, at others: each passes it on to the next one.
 *
 * A piece is acknowledged when this worker has it and all that still belong to the chain have it. One that fails on the way is left out from
 * then on, and not among those that `seal` tells: the writer goes on, and the copy that is missing is made up for later, from the namespace.
 */
import { asError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { pieceMemory } from '../base/piece-memory.js';
import type { BlockWriter, Piece } from '../blocks/block-store.js';
import type { RemoteWriting } from '../client/data/remote-writing.js';

export interface WritingDeps {
  readonly log: Log;
  /** Of this worker. */
  readonly address: string;
}

export class Writing {
  readonly #writer: BlockWriter;
  readonly #deps: WritingDeps;
  #next: RemoteWriting | undefined;
  /** The writer takes one call at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #written = 0;
  /** Why it cannot go on. */
  #failure: unknown;

  constructor(writer: BlockWriter, next: RemoteWriting | undefined, deps: WritingDeps) {
    this.#writer = writer;
    this.#next = next;
    this.#deps = deps;
  }

  /** Takes `piece` with its memory. Calls may overlap: they are worked off in their order. @returns how many bytes are written. @throws as `BlockWriter.write`. */
  async write(piece: Piece): Promise<number> {
    const next = this.#next;
    const passedOn = next?.write(piece).catch((error: unknown) => this.#leaveOut(error));
    const written = await this.#inTurn(async () => {
      if (piece.offset !== this.#written) {
        const where = `offset=${piece.offset} written=${this.#written}`;
        throw new UnderstudyError('invalid_argument', `not the piece that is next: ${where}`);
      }
      await this.#writer.write(piece);
      this.#written += piece.bytes.length;
      return this.#written;
    });
    await passedOn;
    // One that was left out may have it in its socket still.
    if (this.#next === next) pieceMemory.give(piece.bytes);
    return written;
  }

  /** So many bytes are in the file that was lent. @throws as `BlockWriter.noteLent`. */
  noteLent(bytes: number): void {
    this.#mustGoOn();
    this.#writer.noteLent?.(bytes);
  }

  /** @returns those that hold it now. @throws as `BlockWriter.seal`. */
  async seal(length: number): Promise<readonly string[]> {
    const passedOn = this.#next?.seal(length).catch((error: unknown) => this.#leaveOut(error));
    await this.#inTurn(() => this.#writer.seal(length));
    return [this.#deps.address, ...((await passedOn) ?? [])];
  }

  /** Idempotent. */
  async drop(): Promise<void> {
    const next = this.#next;
    this.#next = undefined;
    this.#failure ??= new Error('dropped');
    await Promise.all([next?.drop(), this.#turn.catch(() => {}).then(() => this.#writer.drop())]);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(async () => {
      this.#mustGoOn();
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

  #mustGoOn(): void {
    if (this.#failure !== undefined) throw asError(this.#failure, 'unavailable', 'the block can no longer be written');
  }

  #leaveOut(error: unknown): undefined {
    if (this.#next === undefined) return;
    const { address } = this.#next;
    this.#deps.log.warn({ worker: address, error: asError(error).message }, 'a copy of a block is left out: its worker failed');
    void this.#next.drop();
    this.#next = undefined;
  }
}
