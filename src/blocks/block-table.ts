/**
 * The blocks of one worker, millions of them in little memory: numbers in flat arrays, some forty bytes a block, nothing for the garbage
 * collector to look at.
 *
 *   slot (24 bytes):  inode id (float64)  bytes * 16 + tier * 2 + evictable (float64)  index (uint32)  generation (uint32)
 *
 * 256 shards by hash, each of them slots that are probed one after the other; an inode id of 0 is an empty slot. Only one shard grows at a
 * time, so that nothing takes longer than copying a 256th of all. No slot moves from one shard to another: whoever takes shard after
 * shard, with changes in between, has each block that was there all the time.
 */
import { addToDigest, blockHash, mix, takeFromDigest } from './block-digest.js';
import type { BlockId } from './block-id.js';
import type { StoredBlock } from './block-store.js';

const SHARDS = 256;
const SHARD_SLOTS_MIN = 8;
const FULL = 0.8;
const GROWTH = 1.3;
const BYTES_UNIT = 16;
/** Places of tiers that can be told apart. */
const TIER_MAX = 7;

/** Number of shards, for those that go through a table step by step. */
export const BLOCK_SHARDS = SHARDS;

export class BlockTable {
  readonly #shards: (Shard | undefined)[] = new Array(SHARDS).fill(undefined);
  #count = 0;
  #digest = 0;

  get count(): number {
    return this.#count;
  }

  /** Of ids and bytes, not of tiers. */
  get digest(): number {
    return this.#digest;
  }

  /** Memory that it takes. */
  get byteLength(): number {
    return this.#shards.reduce((sum, shard) => sum + (shard?.byteLength ?? 0), 0);
  }

  set(block: StoredBlock): void {
    const hash = placeOf(block.id);
    const at = hash >>> 24;
    const shard = this.#shards[at] ?? new Shard();
    this.#shards[at] = shard;
    const before = shard.put(hash, block);
    if (before === undefined) this.#count += 1;
    else this.#digest = takeFromDigest(this.#digest, blockHash(block.id, before));
    this.#digest = addToDigest(this.#digest, blockHash(block.id, block.bytes));
  }

  /** @returns whether it was there. */
  delete(id: BlockId): boolean {
    const hash = placeOf(id);
    const shard = this.#shards[hash >>> 24];
    return shard !== undefined && this.#remove(shard, hash, id);
  }

  get(id: BlockId): StoredBlock | undefined {
    const hash = placeOf(id);
    return this.#shards[hash >>> 24]?.get(hash, id);
  }

  /** @returns the copy of the highest generation. */
  newest(inodeId: number, index: number): StoredBlock | undefined {
    const hash = placeOf({ inodeId, index });
    return this.#shards[hash >>> 24]?.newest(hash, inodeId, index);
  }

  /** As `newest`, for those that ask many tables. @param hash `hashOf` it. @returns -1: there is none. */
  newestGeneration(hash: number, inodeId: number, index: number): number {
    return this.#shards[hash >>> 24]?.newestGeneration(hash, inodeId, index) ?? -1;
  }

  /** @returns the copies of all generations. */
  every(inodeId: number, index: number): StoredBlock[] {
    const hash = placeOf({ inodeId, index });
    return this.#shards[hash >>> 24]?.every(hash, inodeId, index) ?? [];
  }

  /** @returns those of one shard as they are now. @param at from 0 to `BLOCK_SHARDS` - 1. */
  shard(at: number): StoredBlock[] {
    return this.#shards[at]?.blocks() ?? [];
  }

  #remove(shard: Shard, hash: number, id: BlockId): boolean {
    const block = shard.get(hash, id);
    if (block === undefined) return false;
    shard.delete(hash, id);
    this.#count -= 1;
    this.#digest = takeFromDigest(this.#digest, blockHash(id, block.bytes));
    return true;
  }
}

/** @returns 32 bits, the same for all generations of a block. */
function placeOf({ inodeId, index }: Pick<BlockId, 'inodeId' | 'index'>): number {
  return hashOf(inodeId, index);
}

export function hashOf(inodeId: number, index: number): number {
  return mix(mix(mix(inodeId) ^ Math.floor(inodeId / 2 ** 32)) + index);
}

class Shard {
  #count = 0;
  #slots = 0;
  /** Two views of one buffer. */
  #floats = new Float64Array(0);
  #words = new Uint32Array(0);

  constructor() {
    this.#resize(SHARD_SLOTS_MIN);
  }

  get byteLength(): number {
    return this.#floats.byteLength;
  }

  /** @returns the bytes of the copy whose place it takes; undefined: there was none. */
  put(hash: number, block: StoredBlock): number | undefined {
    let at = this.#home(hash);
    for (; !this.#isEmpty(at); at = this.#next(at)) {
      if (!this.#holds(at, block.id)) continue;
      const { bytes } = this.#block(at);
      this.#put(at, block);
      return bytes;
    }
    if (this.#count + 1 > this.#slots * FULL) {
      this.#resize(Math.ceil(this.#slots * GROWTH));
      at = this.#free(hash);
    }
    this.#put(at, block);
    this.#count += 1;
    return undefined;
  }

  get(hash: number, id: BlockId): StoredBlock | undefined {
    for (let at = this.#home(hash); !this.#isEmpty(at); at = this.#next(at)) if (this.#holds(at, id)) return this.#block(at);
    return undefined;
  }

  newestGeneration(hash: number, inodeId: number, index: number): number {
    let newest = -1;
    for (let at = this.#home(hash); !this.#isEmpty(at); at = this.#next(at)) {
      if (this.#floats[at * 3] !== inodeId || this.#words[at * 6 + 4] !== index) continue;
      newest = Math.max(newest, this.#words[at * 6 + 5] ?? 0);
    }
    return newest;
  }

  every(hash: number, inodeId: number, index: number): StoredBlock[] {
    const found: StoredBlock[] = [];
    for (let at = this.#home(hash); !this.#isEmpty(at); at = this.#next(at)) {
      if (this.#floats[at * 3] === inodeId && this.#words[at * 6 + 4] === index) found.push(this.#block(at));
    }
    return found;
  }

  newest(hash: number, inodeId: number, index: number): StoredBlock | undefined {
    let newest: StoredBlock | undefined;
    for (let at = this.#home(hash); !this.#isEmpty(at); at = this.#next(at)) {
      if (this.#floats[at * 3] !== inodeId || this.#words[at * 6 + 4] !== index) continue;
      if (newest === undefined || (this.#words[at * 6 + 5] ?? 0) > newest.id.generation) newest = this.#block(at);
    }
    return newest;
  }

  /** It is there. What was probed behind it moves up, so that every chain stays whole. */
  delete(hash: number, id: BlockId): void {
    let hole = this.#home(hash);
    while (!this.#holds(hole, id)) hole = this.#next(hole);
    for (let at = this.#next(hole); !this.#isEmpty(at); at = this.#next(at)) {
      const home = this.#home(hashOf(this.#floats[at * 3] ?? 0, this.#words[at * 6 + 4] ?? 0));
      const isBetween = hole < at ? home > hole && home <= at : home > hole || home <= at;
      if (isBetween) continue;
      this.#floats.copyWithin(hole * 3, at * 3, at * 3 + 3);
      hole = at;
    }
    this.#floats.fill(0, hole * 3, hole * 3 + 3);
    this.#count -= 1;
  }

  blocks(): StoredBlock[] {
    const found: StoredBlock[] = [];
    for (let at = 0; at < this.#slots; at++) if (!this.#isEmpty(at)) found.push(this.#block(at));
    return found;
  }

  #isEmpty(at: number): boolean {
    return this.#floats[at * 3] === 0;
  }

  #holds(at: number, { inodeId, index, generation }: BlockId): boolean {
    return this.#floats[at * 3] === inodeId && this.#words[at * 6 + 4] === index && this.#words[at * 6 + 5] === generation;
  }

  /** Tables of other sizes have other orders: what is filled with another one's listing would crowd at one end else. */
  #home(hash: number): number {
    return (hash & 0xffffff) % this.#slots;
  }

  #free(hash: number): number {
    let at = this.#home(hash);
    while (!this.#isEmpty(at)) at = this.#next(at);
    return at;
  }

  #next(at: number): number {
    return at + 1 === this.#slots ? 0 : at + 1;
  }

  #put(at: number, { id, bytes, tier, evictable }: StoredBlock): void {
    this.#floats[at * 3] = id.inodeId;
    this.#floats[at * 3 + 1] = bytes * BYTES_UNIT + Math.min(tier, TIER_MAX) * 2 + (evictable ? 1 : 0);
    this.#words[at * 6 + 4] = id.index;
    this.#words[at * 6 + 5] = id.generation;
  }

  #block(at: number): StoredBlock {
    const packed = this.#floats[at * 3 + 1] ?? 0;
    const bytes = Math.floor(packed / BYTES_UNIT);
    const rest = packed - bytes * BYTES_UNIT;
    const id = { inodeId: this.#floats[at * 3] ?? 0, index: this.#words[at * 6 + 4] ?? 0, generation: this.#words[at * 6 + 5] ?? 0 };
    return { id, bytes, tier: rest >> 1, evictable: (rest & 1) === 1 };
  }

  #resize(slots: number): void {
    const [floats, words] = [this.#floats, this.#words];
    const buffer = new ArrayBuffer(slots * 24);
    this.#floats = new Float64Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#slots = slots;
    for (let at = 0; at < floats.length; at += 3) {
      const inodeId = floats[at] ?? 0;
      if (inodeId === 0) continue;
      const to = 3 * this.#free(hashOf(inodeId, words[at * 2 + 4] ?? 0));
      for (let word = 0; word < 3; word++) this.#floats[to + word] = floats[at + word] ?? 0;
    }
  }
}
