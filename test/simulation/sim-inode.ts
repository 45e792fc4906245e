/**
 * A file of the simulated storage, in sparse pages: what is there to be seen, and what of it would be lost without power.
 *
 * Loss is in pieces, each by itself: a later write may survive where an earlier one does not. Where a sync failed, the pages that it was for
 * count as clean: what is seen stays (it is a cache's), the disk has what it had before, and no later sync brings it there, as on Linux. Whoever
 * has the file open is told of that once.
 */
import { PAGE_BYTES } from '../../src/base/files.js';
import type { SeededRandom } from './seeded-random.js';

type Bytes = Uint8Array | undefined;

/** A write that a host's cache holds: nobody else sees it before it is sent. */
export interface UnsentWrite {
  readonly host: string;
  /** It is sent by itself then. */
  readonly atMs: number;
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Pages that a sync is to make durable. */
export interface SyncScope {
  readonly pages: readonly number[];
  readonly size: number;
}

const NO_PAGE = new Uint8Array(PAGE_BYTES);

export class SimInode {
  readonly id: number;
  /** The name under which it was made. */
  readonly name: string;
  readonly isFolder: boolean;
  size = 0;
  modifiedMs = 0;
  /** Names that lead here. */
  links = 0;
  unsent: UnsentWrite[] = [];
  /** Syncs that have failed, and let go of what they were for. */
  failures = 0;
  #durableSize = 0;
  /** Zeros where there is none. */
  readonly #pages = new Map<number, Uint8Array>();
  /** Of the pages that were written and not synced: what is durable. */
  readonly #unsynced = new Map<number, Bytes>();
  /** Of the pages whose sync failed: what the disk has. */
  readonly #dropped = new Map<number, Bytes>();

  constructor(id: number, name: string, isFolder: boolean) {
    this.id = id;
    this.name = name;
    this.isFolder = isFolder;
  }

  /** Pages that take room. */
  get pages(): number {
    return this.#pages.size;
  }

  hasPage(index: number): boolean {
    return this.#pages.has(index);
  }

  /** @param fromDisk past the cache. @returns how many bytes there were. */
  read(buffer: Uint8Array, position: number, fromDisk: boolean): number {
    const count = Math.max(0, Math.min(buffer.length, this.size - position));
    for (let at = 0; at < count; ) {
      const index = Math.floor((position + at) / PAGE_BYTES);
      const from = position + at - index * PAGE_BYTES;
      const bytes = Math.min(PAGE_BYTES - from, count - at);
      const page = (fromDisk && this.#dropped.has(index) ? this.#dropped.get(index) : this.#pages.get(index)) ?? NO_PAGE;
      buffer.set(from === 0 && bytes === PAGE_BYTES ? page : page.subarray(from, from + bytes), at);
      at += bytes;
    }
    return count;
  }

  write(bytes: Uint8Array, position: number): void {
    for (let at = 0; at < bytes.length; ) {
      const index = Math.floor((position + at) / PAGE_BYTES);
      const from = position + at - index * PAGE_BYTES;
      const part = bytes.subarray(at, at + PAGE_BYTES - from);
      this.#toWrite(index).set(part, from);
      at += part.length;
    }
    this.size = Math.max(this.size, position + bytes.length);
  }

  #toWrite(index: number): Uint8Array {
    let page = this.#pages.get(index);
    if (!this.#unsynced.has(index)) {
      this.#unsynced.set(index, this.#dropped.has(index) ? this.#dropped.get(index) : page && Uint8Array.from(page));
      this.#dropped.delete(index);
    }
    if (page === undefined) {
      page = new Uint8Array(PAGE_BYTES);
      this.#pages.set(index, page);
    }
    return page;
  }

  truncate(size: number): void {
    if (size < this.size) {
      const last = Math.floor(size / PAGE_BYTES);
      for (const index of [...this.#pages.keys()].filter((one) => one >= last))
        this.#toWrite(index).fill(0, index === last ? size - last * PAGE_BYTES : 0);
    }
    this.size = size;
  }

  /** @returns what a sync that begins now is for. */
  scope(): SyncScope {
    return { pages: [...this.#unsynced.keys()], size: this.size };
  }

  synced({ pages, size }: SyncScope): void {
    for (const index of pages) this.#unsynced.delete(index);
    this.#durableSize = size;
  }

  /** The sync failed: what it was for may be on the disk or not, and is never written again. */
  dropped({ pages }: SyncScope, random: SeededRandom): void {
    this.failures += 1;
    for (const index of pages) {
      if (!this.#unsynced.has(index)) continue;
      const disk = this.#unsynced.get(index);
      this.#unsynced.delete(index);
      const roll = random.float();
      if (roll < 0.4) this.#dropped.set(index, disk);
      else if (roll < 0.6) this.#set(index, disk); // the cache has let go of it
    }
  }

  /** @returns whether these bytes would stand there after a power cut now, whatever is lost. */
  isDurable(bytes: Uint8Array, position: number): boolean {
    for (let at = 0; at < bytes.length; ) {
      const index = Math.floor((position + at) / PAGE_BYTES);
      const from = position + at - index * PAGE_BYTES;
      const part = bytes.subarray(at, at + PAGE_BYTES - from);
      for (const versions of [this.#pages, this.#unsynced, this.#dropped]) {
        if (versions !== this.#pages && !versions.has(index)) continue;
        const page = versions.get(index) ?? NO_PAGE;
        if (Buffer.compare(page.subarray(from, from + part.length), part) !== 0) return false;
      }
      at += part.length;
    }
    return position + bytes.length <= Math.min(this.size, this.#durableSize);
  }

  /** @param pieceBytes what the disk writes whole. */
  powerCut(random: SeededRandom, pieceBytes: number): void {
    this.unsent = [];
    for (const [index, disk] of this.#dropped) this.#set(index, disk);
    for (const [index, durable] of this.#unsynced) {
      const page = this.#pages.get(index) ?? new Uint8Array(PAGE_BYTES);
      for (let at = 0; at < PAGE_BYTES; at += pieceBytes)
        if (random.chance(0.5)) page.set((durable ?? NO_PAGE).subarray(at, at + pieceBytes), at);
    }
    if (this.size !== this.#durableSize && random.chance(0.5)) this.size = this.#durableSize;
    this.#durableSize = this.size;
    this.#dropped.clear();
    this.#unsynced.clear();
  }

  #set(index: number, bytes: Bytes): void {
    if (bytes === undefined) this.#pages.delete(index);
    else this.#pages.set(index, bytes);
  }
}
