/**
 * The hosts of a world's workers: their disks, which outlive processes, the workers that run there now, the storage that is mounted, and what became
 * of the last copy of each block: freed by a worker, or lost by what the world did.
 */
import { MemoryUnderFiles } from '../../src/underfs/memory-under-store.js';
import { UnderStores } from '../../src/underfs/under-stores.js';
import type { Worker } from '../../src/worker/worker.js';
import { gatedUnderStore } from './gated-under-store.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimProcess } from './sim-process.js';
import { runWorker, type WorkerParts } from './sim-worker.js';
import type { VirtualTime } from './virtual-time.js';
import { type DiskBlock, WorkerDisk } from './worker-disk.js';
import type { WorkerTuning } from './world-settings.js';

export interface BlockHostsDeps {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly settings: WorkerTuning;
}

/** A worker that runs. */
export interface RunningWorker {
  readonly host: string;
  readonly process: SimProcess;
  readonly worker: Worker;
}

/** What took the last sound copy of a block away. */
export interface LastCopy {
  readonly by: 'world' | 'worker';
  readonly host: string;
  readonly generation: number;
  readonly atMs: number;
}

const PORT = 29999;

export class BlockHosts {
  readonly under = new MemoryUnderFiles();
  /** Hosts whose disks may have lost or changed something. */
  readonly doubted = new Set<string>();
  readonly #deps: BlockHostsDeps;
  readonly #disks = new Map<string, WorkerDisk>();
  readonly #running = new Map<string, RunningWorker>();
  /** By what `keyOf` says. */
  readonly #gone = new Map<string, LastCopy>();
  #disksMade = 0;

  constructor(hosts: readonly string[], deps: BlockHostsDeps) {
    this.#deps = deps;
    for (const host of hosts) this.#disks.set(host, this.#newDisk(host));
  }

  disk(host: string): WorkerDisk | undefined {
    return this.#disks.get(host);
  }

  address(host: string): string {
    return `${host}:${PORT}`;
  }

  /** @returns those whose processes live. */
  running(): RunningWorker[] {
    return [...this.#running.values()].filter(({ process }) => process.alive);
  }

  /** @returns the storage that is mounted, as `process` has it. */
  underStores(process: SimProcess): UnderStores {
    return new UnderStores(async () => gatedUnderStore(process, this.under.open(process.name)));
  }

  /** Resolves when the worker has ended, which it was told to. */
  run(host: string, process: SimProcess, parts: Pick<WorkerParts, 'network' | 'client'>, stop: AbortSignal): Promise<void> {
    const disk = this.#disks.get(host);
    if (disk === undefined) throw new Error(`no such worker: ${host}`);
    const opened = (worker: Worker) => void this.#running.set(host, { host, process, worker });
    const rest = { disk, stores: this.underStores(process), tuning: this.#deps.settings, opened };
    return runWorker(this.address(host), process, { ...parts, ...rest }, stop);
  }

  /** Another disk is in its place, with nothing on it. */
  wipe(host: string): void {
    const lost = this.#disks.get(host)?.blocks() ?? [];
    this.#disks.set(host, this.#newDisk(host));
    this.#lost(host, lost);
  }

  powerCut(host: string): void {
    const disk = this.#disks.get(host);
    const lost = disk?.blocks() ?? [];
    if (disk !== undefined) this.doubted.add(host);
    disk?.powerCut();
    this.#lost(host, lost);
  }

  rot(host: string): boolean {
    const disk = this.#disks.get(host);
    const rotten = disk?.rot();
    if (rotten !== undefined) this.doubted.add(host);
    if (rotten !== undefined) this.#lost(host, [rotten]);
    return rotten !== undefined;
  }

  mend(): void {
    for (const disk of this.#disks.values()) disk.mend();
    this.under.intercept = undefined;
  }

  /** @returns where sound copies of that block are, of this generation or a later one. */
  holders(inodeId: number, index: number, generation = 0): string[] {
    return [...this.#disks].flatMap(([host, disk]) =>
      disk.blocks().some((block) => isCopy(block, inodeId, index, generation)) ? [host] : [],
    );
  }

  /** @returns what took the last copy away; undefined: there never was one. */
  fate(inodeId: number, index: number): LastCopy | undefined {
    return this.#gone.get(keyOf(inodeId, index));
  }

  #lost(host: string, blocks: readonly DiskBlock[]): void {
    for (const block of blocks) this.#went(host, block, 'world');
  }

  #went(host: string, { id: { inodeId, index, generation }, isSound }: DiskBlock, by: LastCopy['by']): void {
    if (!isSound || this.holders(inodeId, index, generation).length > 0) return;
    const key = keyOf(inodeId, index);
    // That older ones go when a newer one was there is as it should be.
    if ((this.#gone.get(key)?.generation ?? 0) <= generation)
      this.#gone.set(key, { by, host, generation, atMs: this.#deps.time.monotonicMs() });
  }

  #newDisk(host: string): WorkerDisk {
    const { time, random, settings } = this.#deps;
    this.#disksMade += 1;
    return new WorkerDisk({
      clock: time,
      random: random.fork(`${host} ${this.#disksMade}`),
      latencyMs: settings.diskMs,
      removed: (block) => this.#went(host, block, 'worker'),
    });
  }
}

function isCopy({ id, isSound }: DiskBlock, inodeId: number, index: number, generation: number): boolean {
  return isSound && id.inodeId === inodeId && id.index === index && id.generation >= generation;
}

function keyOf(inodeId: number, index: number): string {
  return `${inodeId}-${index}`;
}
