import type { Piece } from '../../blocks/block-store.js';

/** A block that is being written on a worker. */
export interface OpenWriting {
  readonly address: string;
  /** Calls may overlap: they arrive in their order. Resolves when the worker, and those behind it, have the piece. */
  write(piece: Piece): Promise<void>;
  /** After all writes. @returns who holds it now. */
  seal(length: number): Promise<readonly string[]>;
  /** Best effort: what cannot be told goes with the connection, or after a time of silence. */
  drop(): Promise<void>;
}
