import type { ReadType, WriteType } from './read-write-types.js';

/** What a user of the client may tune of reading and writing the bytes of files. */
export interface DataSettings {
  /** Of files that are written without saying so. */
  readonly writeType: WriteType;
  /** Of files that are opened without saying so. */
  readonly readType: ReadType;
  /** Names and addresses of this host: what a worker's address is held against. Loopback is known. */
  readonly localHosts: readonly string[];
  /** Blocks from here on are read from the local worker's files; over the connection, smaller ones come sooner. */
  readonly shortCircuitBytesMin: number;
  /** Pieces of 1 MiB that a stream is ahead of its reader. */
  readonly readAheadPieces: number;
  /** How long a block that no worker gives is tried again, at places told anew. */
  readonly readRetryMs: number;
  /** Pieces of 1 MiB under way to a worker. */
  readonly piecesUnderWay: number;
  /** Bytes under way to workers, of all files together. */
  readonly sendingBytesMax: number;
  /** Bytes of unfinished blocks that are kept, of all files together, so that another worker can be given them when one fails. */
  readonly heldBytesMax: number;
  /** Workers that a block is given to, one after the other, before its writer gives up. */
  readonly writeAttempts: number;
  /** How long a file that is written through may take until it is in mounted storage. */
  readonly persistTimeoutMs: number;
  /** How long the storage may refuse it before its writer is told; it is tried on. */
  readonly persistTroubleMs: number;
  /** One call of a worker. */
  readonly workerTimeoutMs: number;
}

export const DEFAULT_DATA_SETTINGS: DataSettings = {
  writeType: 'MUST_CACHE',
  readType: 'CACHE',
  localHosts: [],
  shortCircuitBytesMin: 256 * 1024,
  readAheadPieces: 8,
  readRetryMs: 10_000,
  piecesUnderWay: 8,
  sendingBytesMax: 32 * 1024 * 1024,
  heldBytesMax: 128 * 1024 * 1024,
  writeAttempts: 5,
  persistTimeoutMs: 600_000,
  persistTroubleMs: 30_000,
  workerTimeoutMs: 60_000,
};
