/**
 * One block on its way from mounted storage into this worker's store, and all who read it meanwhile.
 *
 * It goes at the pace of the storage, not of its readers: the newest pieces are kept for those who are near, who is slower reads the block from the
 * store when it is there. It goes on when its readers leave, so that the next one finds it.
 */
import { type Deferred, deferred } from '../base/wait.js';
import type { Piece } from '../blocks/block-store.js';

/** Of one block, for its readers. */
const PIECES_KEPT = 4;

export type FetchState =
  | { readonly name: 'running' }
  /** The block is in the store. */
  | { readonly name: 'kept' }
  /** The storage is well, and the block cannot be kept here. */
  | { readonly name: 'not kept' }
  | { readonly name: 'failed'; readonly error: unknown };

/** Thrown by what cannot be kept. */
export class NotKept extends Error {}

export class SharedFetch {
  readonly #pieces: Piece[] = [];
  #state: FetchState = { name: 'running' };
  #fetched = 0;
  #changed: Deferred<void> = deferred();

  /** @param run hands over each piece in order, and resolves when the block is in the store. @throws `NotKept`; what the storage does. */
  constructor(run: (arrived: (piece: Piece) => void) => Promise<void>) {
    run((piece) => this.#arrived(piece)).then(
      () => this.#end({ name: 'kept' }),
      (error: unknown) => this.#end(error instanceof NotKept ? { name: 'not kept' } : { name: 'failed', error }),
    );
  }

  get state(): FetchState {
    return this.#state;
  }

  /** Bytes of the block that have come. */
  get fetched(): number {
    return this.#fetched;
  }

  /** @returns the piece with the byte at `offset`, where it is still here. */
  pieceAt(offset: number): Piece | undefined {
    return this.#pieces.find((piece) => piece.offset <= offset && offset < piece.offset + piece.bytes.length);
  }

  /** Resolves when a piece has come, or the end. */
  changed(): Promise<void> {
    return this.#changed.promise;
  }

  #arrived(piece: Piece): void {
    this.#pieces.push(piece);
    if (this.#pieces.length > PIECES_KEPT) this.#pieces.shift();
    this.#fetched = piece.offset + piece.bytes.length;
    this.#tell();
  }

  #end(state: FetchState): void {
    this.#state = state;
    this.#tell();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = deferred();
  }
}
