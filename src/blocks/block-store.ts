/**
 * The seam of what a worker keeps: whole blocks in tiers of directories. Bytes come and go in chunks of `CHUNK_BYTES`, each with its CRC-32.
 */
import type { BlockId } from './block-id.js';

/** The unit of checksums. The last chunk of a block may be shorter. */
export const CHUNK_BYTES = 64 * 1024;

export interface StoredBlock {
  readonly id: BlockId;
  readonly bytes: number;
  /** Place of its tier, the fastest first. */
  readonly tier: number;
  /** Room may be made of it. Outlives a restart. */
  readonly evictable: boolean;
}

/** Whole chunks, with the checksum of each. The buffers are the receiver's. */
export interface Piece {
  /** In the block, a multiple of `CHUNK_BYTES`. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly crcs: readonly number[];
}

export interface BlockChange extends StoredBlock {
  readonly gone: boolean;
}

export interface TierUse {
  readonly name: string;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly directories: number;
  readonly failedDirectories: number;
}

/** A block that is being written. Not seen by anybody until it is sealed. */
export interface BlockWriter {
  /**
   * Appends; one call at a time. All but the last piece are whole chunks. On return their memory is the caller's again.
   *
   * @throws `corrupt`: a checksum does not fit. @throws `resource_exhausted`: more than was asked for, or the disk is full below its quota. @throws
   *   `unavailable`: the disk fails. With a disk that fails or is full the writer is dead.
   */
  write(piece: Piece): Promise<void>;
  /**
   * Lends the block's file, to be written from elsewhere instead of by `write`: whole, with its checksums and footer (block-file.ts), before `seal`.
   *
   * `write` is refused then; the file goes with `drop`.
   *
   * @param proof the file's contents at first. @returns its path. @throws as `write`.
   */
  lend?(proof: string): Promise<string>;
  /** The file that was lent has so many bytes. @throws `resource_exhausted`: more than was asked for; what the writer is dead with. */
  noteLent?(bytes: number): void;
  /**
   * Publishes the block: it is found from now on, and after a restart. Where another writer was first, its copy stays.
   *
   * @throws `invalid_argument`: that is not what was written; `corrupt`: the file that was lent is not that of the block. @throws `unavailable`, `resource_exhausted`: as `write`.
   */
  seal(length: number): Promise<StoredBlock>;
  /** Idempotent; nothing is left of it. Does nothing after `seal`. */
  drop(): Promise<void>;
}

/** A block that is being read; kept from eviction until it is closed. */
export interface BlockReader extends AsyncDisposable {
  readonly block: StoredBlock;
  /** Of the file whose first `block.bytes` bytes are the block's. */
  readonly path: string;
  /**
   * The chunks that hold [offset, offset + length), in pieces of up to 1 MiB. They have been held against their checksums.
   *
   * @throws `corrupt`: one did not fit; the block is gone from this store then. @throws `unavailable`: the disk fails.
   */
  pieces(offset: number, length: number): AsyncIterable<Piece>;
}

export interface CreateOptions {
  /** Room that is kept for it, bytes. */
  readonly bytesMax: number;
  /** Name of a tier; the fastest with room unless given. */
  readonly tier?: string;
  /** Not unless given: what stands nowhere else must not go. */
  readonly evictable?: boolean;
  /** It takes the place of another copy: it is not sealed before a power cut leaves it as it is. */
  readonly durable?: boolean;
}

/** Since the store was opened. */
export interface StoreCounts {
  readonly evictedBlocks: number;
  readonly evictedBytes: number;
  /** Blocks that did not fit their checksums, or whose file was not there: as they were read, or scrubbed. */
  readonly damagedBlocks: number;
}

/** Calls may overlap. */
export interface BlockStore extends AsyncDisposable {
  readonly tiers: readonly TierUse[];
  readonly blockCount: number;
  readonly counts: StoreCounts;

  /** @returns the copy of this very generation. */
  find(id: BlockId): StoredBlock | undefined;
  blocks(): Iterable<StoredBlock>;
  /** Told of each block that comes, moves or goes, in order, right when it does. @returns how to end that. */
  watch(changed: (change: BlockChange) => void): () => void;

  /**
   * Evicts others where there is no room.
   *
   * @throws `already_exists`: it is here. @throws `resource_exhausted`: nothing can go, no tier has room. @throws `unavailable`: no disk works.
   */
  create(id: BlockId, options: CreateOptions): Promise<BlockWriter>;
  /** @param promote moves it to the fastest tier in the background. @throws `not_found`. */
  open(id: BlockId, options?: { readonly promote?: boolean }): Promise<BlockReader>;
  /** Removes it once nobody reads it; others do not find it from now on. Idempotent. */
  remove(id: BlockId): Promise<void>;
  /** Durable as far as the block is. Does nothing where the block is not here. */
  setEvictable(id: BlockId, evictable: boolean): Promise<void>;
  close(): Promise<void>;
}
