/**
 * Evens out how full workers are: a leader's. Copies of blocks are moved from workers whose used share is further above that of all together than
 * the threshold to those below it, and from those above it to those that are further below.
 *
 * - First the block is copied; the first copy is freed once the leader knows of the second, and enough copies that rank higher (`copy-rank.ts`) are
 *   there. So only to workers whose copy of that block ranks higher anything is moved, and no two leaders free both.
 * - Nothing of it is remembered beyond this leadership: what is cut short leaves a copy more, and the next leader looks anew.
 * - A worker gives or takes one block at a time, and so many bytes a second; pinned blocks stay where they are.
 * - A move never makes a worker too full, nor too empty: so it comes to an end.
 */
import type { Clock } from '../../base/clock.js';
import { asError } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import { sleep } from '../../base/wait.js';
import { blockName } from '../../blocks/block-id.js';
import type { StoredBlock } from '../../blocks/block-store.js';
import { BLOCK_SHARDS } from '../../blocks/block-table.js';
import { inodeById } from '../../metadata/inode-path.js';
import { confirmed } from '../confirmed.js';
import type { Leadership } from '../leadership.js';
import type { Replica } from '../replica.js';
import { copyPatienceMs } from './copies-under-way.js';
import { copiesWanted, isSurplus, ranksHigher } from './copy-rank.js';
import { copyOf } from './keep-blocks.js';
import type { KnownWorker } from './known-worker.js';
import { TimeSlices } from './time-slices.js';
import type { WorkerRoster } from './worker-roster.js';

export interface BalanceSettings {
  readonly balanceEnabled: boolean;
  /** How far the used share of a worker may be from that of all together. */
  readonly balanceThreshold: number;
  /** That one worker gives or takes. */
  readonly balanceBytesPerSecond: number;
}

interface Deps {
  readonly replica: Replica;
  readonly leadership: Leadership;
  readonly workers: WorkerRoster;
  readonly clock: Clock;
  readonly log: Log;
}

/** Copies on their way, of all workers. */
const MOVES_MAX = 64;
const LOOK_MS = 25;
/** While all is even. */
const REST_MS = 2_000;
/** Looks for blocks that can be moved, in vain, take a fraction of the time. */
const REST_FACTOR = 4;
const LOOKS_AT_ONCE = 32;
/** What a worker was told is told again, in case it had too much to do. */
const AGAIN_MS = 5_000;
const TARGETS_MAX = 8;

interface Move {
  readonly block: StoredBlock;
  readonly from: KnownWorker;
  readonly to: KnownWorker;
  readonly startMs: number;
  againMs: number;
  /** The first copy is being freed. */
  isFreed: boolean;
  /** What the two had told of their use when it was over; null: it is under way. */
  ended: readonly [unknown, unknown] | null;
}

/** A worker that takes part. */
interface Share {
  readonly worker: KnownWorker;
  readonly usedBytes: number;
  /** Of its room, beyond that of all workers together. */
  readonly off: number;
}

/** Runs until `signal` is aborted. Never throws. @param settings may change meanwhile. */
export async function balanceBlocks(settings: BalanceSettings, deps: Deps, signal: AbortSignal): Promise<void> {
  const { clock, log } = deps;
  const balancing = new Balancing(settings, deps, signal);
  while (!signal.aborted) {
    try {
      await balancing.look();
    } catch (thrown) {
      const error = asError(thrown);
      if (!signal.aborted && error.code !== 'unavailable' && error.code !== 'not_leader')
        log.warn({ error }, 'blocks could not be balanced');
    }
    await sleep(clock, balancing.isMoving ? LOOK_MS : REST_MS, signal).catch(() => {});
  }
}

class Balancing {
  readonly #settings: BalanceSettings;
  readonly #deps: Deps;
  readonly #signal: AbortSignal;
  readonly #slices: TimeSlices;
  #moves: Move[] = [];
  #shard = 0;
  /** Until when nothing is taken from workers of which nothing could be moved, monotonic. */
  readonly #barren = new WeakMap<KnownWorker, number>();
  /** Until when workers neither give nor take. */
  readonly #paced = new WeakMap<KnownWorker, number>();

  constructor(settings: BalanceSettings, deps: Deps, signal: AbortSignal) {
    this.#settings = settings;
    this.#deps = deps;
    this.#signal = signal;
    this.#slices = new TimeSlices(deps.clock, signal);
  }

  get isMoving(): boolean {
    return this.#moves.length > 0;
  }

  async look(): Promise<void> {
    this.#settle();
    const copied = this.#moves.filter((move) => move.ended === null && !move.isFreed && this.#isCopied(move));
    if (copied.length > 0) {
      await confirmed(this.#deps.leadership, this.#signal);
      for (const move of copied) this.#free(move);
    }
    if (this.#settings.balanceEnabled) await this.#begin();
  }

  /** Brings to an end what is done, or in vain. */
  #settle(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    this.#moves = this.#moves.filter((move) => !isForgotten(move));
    for (const move of this.#moves) {
      const { block, from, to, startMs } = move;
      if (move.ended !== null) continue;
      const isLate = nowMs > startMs + copyPatienceMs(block.bytes);
      if (isLate || !from.isSure || !to.isSure || from.blocks.get(block.id) === undefined) move.ended = [from.tiers, to.tiers];
      else if (nowMs >= move.againMs && !move.isFreed && to.blocks.get(block.id) === undefined) this.#copy(move);
    }
  }

  #copy(move: Move): void {
    const { workers, clock } = this.#deps;
    const { inodeId, index } = move.block.id;
    move.againMs = clock.monotonicMs() + AGAIN_MS;
    workers.command(move.to, { replicate: copyOf(move.block, workers.holders(inodeId, index)?.workers ?? []) });
  }

  /** @returns whether the first copy may be freed. */
  #isCopied({ block: { id }, from, to }: Move): boolean {
    const inode = inodeById(id.inodeId, this.#deps.replica.state);
    const holders = this.#deps.workers.holders(id.inodeId, id.index);
    if (inode === null || !inode.complete || holders?.generation !== id.generation || !holders.workers.includes(to)) return false;
    return isSurplus(id, from, holders.workers, copiesWanted(inode).min);
  }

  #free(move: Move): void {
    const { workers, log } = this.#deps;
    const { block, from, to } = move;
    if (!this.#isCopied(move) || !workers.free(from, [block.id])) return;
    move.isFreed = true;
    workers.noteBalanced(block.bytes);
    log.debug({ block: blockName(block.id), from: from.address, to: to.address }, 'a block was moved from a full worker to another');
  }

  async #begin(): Promise<void> {
    for (let begun = 0; begun < MOVES_MAX; begun++) {
      const underWay = this.#moves.filter(({ ended }) => ended === null).length;
      if (underWay >= MOVES_MAX || !(await this.#beginOne())) return;
    }
  }

  /** @returns whether anything was found that can be moved. */
  async #beginOne(): Promise<boolean> {
    const { balanceThreshold: threshold } = this.#settings;
    const shares = this.#shares();
    if (!shares.some(({ off }) => Math.abs(off) > threshold)) return false;
    const free = shares.filter(({ worker }) => !this.#isBusy(worker));
    const nowMs = this.#deps.clock.monotonicMs();
    const sources = free.filter(({ worker, off }) => off > 0 && (this.#barren.get(worker) ?? 0) <= nowMs).sort((a, b) => b.off - a.off);
    const targets = free.filter(({ off }) => off < 0).sort((a, b) => a.off - b.off);
    for (const from of sources) {
      const fit = from.off > threshold ? targets : targets.filter(({ off }) => off < -threshold);
      const found = fit.length === 0 ? undefined : await this.#pick(from, fit.slice(0, TARGETS_MAX));
      if (found === undefined) continue;
      this.#start(found.block, from.worker, found.to);
      return true;
    }
    return false;
  }

  #start(block: StoredBlock, from: KnownWorker, to: KnownWorker): void {
    const startMs = this.#deps.clock.monotonicMs();
    const move: Move = { block, from, to, startMs, againMs: 0, isFreed: false, ended: null };
    this.#moves.push(move);
    for (const worker of [from, to]) this.#paced.set(worker, startMs + (block.bytes * 1_000) / this.#settings.balanceBytesPerSecond);
    this.#copy(move);
  }

  /** What is being moved counts as moved, until workers tell of their use after it. */
  #shares(): Share[] {
    const moved = new Map<KnownWorker, number>();
    for (const { block, from, to } of this.#moves) {
      moved.set(from, (moved.get(from) ?? 0) - block.bytes);
      moved.set(to, (moved.get(to) ?? 0) + block.bytes);
    }
    const able = this.#deps.workers
      .list()
      .filter((worker) => worker.isSure && worker.capacityBytes > 0)
      .map((worker) => ({ worker, usedBytes: worker.usedBytes + (moved.get(worker) ?? 0) }));
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const mean = sum(able.map(({ usedBytes }) => usedBytes)) / sum(able.map(({ worker }) => worker.capacityBytes));
    return able.map(({ worker, usedBytes }) => ({ worker, usedBytes, off: usedBytes / worker.capacityBytes - mean }));
  }

  /** It gives or takes a block, or would be faster than it may. */
  #isBusy(worker: KnownWorker): boolean {
    if (this.#deps.clock.monotonicMs() < (this.#paced.get(worker) ?? 0)) return true;
    return this.#moves.some(({ from, to, ended }) => ended === null && (from === worker || to === worker));
  }

  async #pick(from: Share, targets: readonly Share[]): Promise<{ block: StoredBlock; to: KnownWorker } | undefined> {
    const startMs = this.#deps.clock.monotonicMs();
    for (let shards = 0; shards < BLOCK_SHARDS; shards++) {
      this.#shard = (this.#shard + 1) % BLOCK_SHARDS;
      const blocks = from.worker.blocks.shard(this.#shard);
      for (let at = 0; at < blocks.length; at += LOOKS_AT_ONCE) {
        await this.#slices.next();
        for (const block of blocks.slice(at, at + LOOKS_AT_ONCE)) {
          const to = this.#targetFor(block, from, targets);
          if (to !== undefined) return { block, to };
        }
      }
    }
    const nowMs = this.#deps.clock.monotonicMs();
    this.#barren.set(from.worker, nowMs + Math.max(REST_MS, REST_FACTOR * (nowMs - startMs)));
    return undefined;
  }

  /** @returns the first that the block may be moved to; undefined: none, or it has to stay. */
  #targetFor(block: StoredBlock, from: Share, targets: readonly Share[]): KnownWorker | undefined {
    const { id, bytes } = block;
    const { balanceThreshold: threshold } = this.#settings;
    const fit = targets.filter(
      ({ worker, off, usedBytes }) =>
        worker.isSure &&
        off + bytes / worker.capacityBytes <= threshold &&
        usedBytes + bytes <= worker.capacityBytes &&
        worker.blocks.newest(id.inodeId, id.index) === undefined &&
        ranksHigher(id, worker, from.worker),
    );
    if (fit.length === 0 || from.off - bytes / from.worker.capacityBytes < -threshold) return undefined;
    if (this.#moves.some((move) => move.block.id.inodeId === id.inodeId && move.block.id.index === id.index)) return undefined;
    const inode = inodeById(id.inodeId, this.#deps.replica.state);
    const holders = this.#deps.workers.holders(id.inodeId, id.index);
    if (inode === null || !inode.complete || inode.more?.pinned === true || holders?.generation !== id.generation) return undefined;
    const { min } = copiesWanted(inode);
    return fit.find(({ worker }) => isSurplus(id, from.worker, [...holders.workers, worker], min))?.worker;
  }
}

/** It has ended, and both sides have told of their use since, or one of them may never do so again. */
function isForgotten({ from, to, ended }: Move): boolean {
  if (ended === null) return false;
  return !from.isSure || !to.isSure || (ended[0] !== from.tiers && ended[1] !== to.tiers);
}
