/**
 * The disk of a worker's host: a simulated local file system (sim-files.ts), which outlives the worker's processes, and what is known of it from
 * outside: which whole blocks are on it, and of which of them the world itself has done away with what cannot be had again.
 */
import { basename } from 'node:path';
import type { Clock } from '../../src/base/clock.js';
import { type BlockId, parseBlockName } from '../../src/blocks/block-id.js';
import type { SeededRandom } from './seeded-random.js';
import { type SimFiles, SimServer } from './sim-files.js';
import type { SimInode } from './sim-inode.js';
import type { SimProcess } from './sim-process.js';
import type { StorageTrouble } from './storage-trouble.js';
import type { Range } from './world-settings.js';

export const BLOCKS_FOLDER = '/blocks';
const BLOCK_PATH = /^\/blocks\/blocks\/[0-9a-f]{2}\/([\d-]+)\.(\d+)(?:\.evictable)?$/;
/** 64 MiB. */
const CAPACITY_PAGES = 1 << 14;

/** A whole block, as its file's name says. */
export interface DiskBlock {
  readonly id: BlockId;
  readonly bytes: number;
  /** Nothing was done to its file that could have damaged it. */
  readonly isSound: boolean;
}

export interface WorkerDiskDeps {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly latencyMs: Range;
  /** Told of each block that its worker removes. */
  readonly removed: (block: DiskBlock) => void;
}

export class WorkerDisk {
  readonly #server: SimServer;
  readonly #random: SeededRandom;
  /** Files that may have lost something, for no fault of the worker's. */
  readonly #doubtful = new WeakSet<SimInode>();

  constructor({ clock, random, latencyMs, removed }: WorkerDiskDeps) {
    this.#random = random.fork('rot');
    const cache = { staleMs: 0, pageStaleMs: 0, unsentMs: 0 };
    const settings = { kind: 'local' as const, ...cache, pieceBytes: 512, capacityPages: CAPACITY_PAGES, latencyMs };
    this.#server = new SimServer(settings, { clock, random });
    this.#server.storage.wentName = (name, inode) => {
      const block = this.#blockOf(name, inode);
      if (block !== undefined) removed(block);
    };
  }

  files(process: SimProcess): SimFiles {
    process.atEnd(() => this.#server.ended(process));
    return this.#server.files(process);
  }

  /** @returns the whole blocks that are there now. */
  blocks(): DiskBlock[] {
    return [...this.#server.storage.files()].flatMap(([name, inode]) => this.#blockOf(name, inode) ?? []);
  }

  /** What was not synced may be lost: of blocks, everything may. */
  powerCut(): void {
    this.#doubt();
    this.#server.powerCut();
  }

  /** @returns what ends it; undefined: a local disk knows no such trouble. */
  suffer(trouble: StorageTrouble, random: SeededRandom): (() => void) | undefined {
    return this.#server.troubles.suffer(trouble, random);
  }

  /** A byte of a block changes on the disk. @returns the block, as it was; undefined: there is none. */
  rot(): DiskBlock | undefined {
    const blocks = [...this.#server.storage.files()].filter(([name, inode]) => BLOCK_PATH.test(name) && inode.size > 0);
    if (blocks.length === 0) return undefined;
    const [name, inode] = this.#random.pick(blocks);
    const block = this.#blockOf(name, inode);
    const at = this.#random.below(inode.size);
    const byte = new Uint8Array(1);
    inode.read(byte, at, true);
    inode.write(Uint8Array.of((byte[0] ?? 0) ^ (1 + this.#random.below(255))), at);
    this.#doubtful.add(inode);
    return block;
  }

  mend(): void {
    this.#server.troubles.mend();
  }

  #doubt(): void {
    for (const [name, inode] of this.#server.storage.files()) if (BLOCK_PATH.test(name)) this.#doubtful.add(inode);
  }

  #blockOf(name: string, inode: SimInode): DiskBlock | undefined {
    const [, block = '', bytes] = BLOCK_PATH.exec(name) ?? [];
    const id = parseBlockName(basename(block));
    return id === undefined ? undefined : { id, bytes: Number(bytes), isSound: !this.#doubtful.has(inode) };
  }
}
