/**
 * What a leader has workers do with their blocks. All is found anew, round after round, from the state and from what workers hold, so that a
 * takeover forgets nothing; only where copies are on their way to is remembered meanwhile (`copies-under-way.ts`).
 *
 * - Freed: blocks of files that are no more, blocks behind the end of a complete file, copies that are older than others of which enough
 *   are sure to be there, and those above `replication_max`. Ids that this history has not given out yet are left alone. What
 *   was joined to another file is judged as that one's.
 * - Copied: blocks with fewer copies than `replication_min`, and those that only workers have that are taken out of use. Those first that have to be
 *   on workers: what mounted storage has need not, but for `replication_min` and pins.
 * - Counted, of a worker that is taken out of use: blocks that have to be on others before it may be switched off.
 * - Evictable are the blocks of complete files that are in mounted storage and not pinned.
 *
 * A round goes through the blocks of one worker after the other, some milliseconds at a time. What it finds is told only once everything
 * that it saw is committed, and this leader confirmed.
 */
import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../../base/clock.js';
import { asError } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import { sleep } from '../../base/wait.js';
import type { BlockId } from '../../blocks/block-id.js';
import type { StoredBlock } from '../../blocks/block-store.js';
import { BLOCK_SHARDS } from '../../blocks/block-table.js';
import { blocksOf } from '../../metadata/extents.js';
import { inodeById } from '../../metadata/inode-path.js';
import { type Inode, PERSISTENCE } from '../../metadata/records.js';
import { confirmed } from '../confirmed.js';
import type { Leadership } from '../leadership.js';
import { isPartQueued } from '../persisted-parts.js';
import type { Replica } from '../replica.js';
import type { StorageTroubles } from '../storage-troubles.js';
import { COPIES_AT_ONCE, CopiesUnderWay } from './copies-under-way.js';
import { areSure, copiesWanted, isSurplus } from './copy-rank.js';
import { JoinedFiles } from './joined-files.js';
import type { KnownWorker } from './known-worker.js';
import { TimeSlices } from './time-slices.js';
import type { WorkerRoster } from './worker-roster.js';

interface Deps {
  readonly replica: Replica;
  readonly leadership: Leadership;
  readonly workers: WorkerRoster;
  readonly troubles: StorageTroubles;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOKS_AT_ONCE = 32;
/** For what the leader before had told workers. */
const SETTLE_MS = 5_000;
const ROUND_REST_MIN_MS = 1_000;
/** Rounds take a fraction of the time. */
const ROUND_REST_FACTOR = 4;
/** Found in one round, of one worker; the others are found in the next. */
const FOUND_MAX = 4_096;
/** Likewise, of blocks that are to be copied, of each of both kinds, beside those that are being copied. */
const COPIES_FOUND_MAX = COPIES_AT_ONCE;

/** Runs until `signal` is aborted. Never throws. */
export async function keepBlocks(deps: Deps, signal: AbortSignal): Promise<void> {
  const { clock, log } = deps;
  const keeping = new BlockKeeping(deps, signal);
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs();
    try {
      await keeping.round();
    } catch (thrown) {
      const error = asError(thrown);
      if (!signal.aborted && error.code !== 'unavailable' && error.code !== 'not_leader')
        log.warn({ error }, 'a look through the blocks failed');
    }
    const restMs = Math.max(ROUND_REST_MIN_MS, ROUND_REST_FACTOR * (clock.monotonicMs() - startedMs));
    await sleep(clock, restMs, signal).catch(() => {});
  }
  // Who does not lead does not look.
  for (const worker of deps.workers.list()) worker.blocksLeft = null;
}

/** What one worker is to do. */
interface Found {
  readonly ofNoFile: BlockId[];
  readonly surplus: BlockId[];
  readonly evictable: BlockId[];
  readonly kept: BlockId[];
  readonly copy: Copy[];
  /** To be copied where there is time for it. */
  readonly spare: Copy[];
}

interface Copy {
  readonly block: StoredBlock;
  readonly from: readonly KnownWorker[];
}

class BlockKeeping {
  readonly #deps: Deps;
  readonly #signal: AbortSignal;
  readonly #joined: JoinedFiles;
  readonly #slices: TimeSlices;
  /** Of this round. */
  #underReplicated = 0;
  readonly #copies = new CopiesUnderWay();
  /** Of the worker that is looked through, `KnownWorker.blocksLeft`; null: not all of it was. */
  #left: number | null = null;

  /** What the leader before had workers free is freed by then, by the monotonic clock. */
  readonly #settledMs: number;

  constructor(deps: Deps, signal: AbortSignal) {
    this.#deps = deps;
    this.#settledMs = deps.clock.monotonicMs() + SETTLE_MS;
    this.#slices = new TimeSlices(deps.clock, signal);
    this.#signal = signal;
    this.#joined = new JoinedFiles(deps.replica, deps.clock, deps.log);
  }

  async round(): Promise<void> {
    this.#underReplicated = 0;
    for (const worker of this.#deps.workers.list()) {
      if (worker.isLost || !worker.isWhole || worker.hasCommands) continue;
      const { session } = worker;
      const { losses } = this.#deps.workers;
      const found = await this.#lookThrough(worker);
      if (!worker.isDecommissioned && Object.values(found).every((list) => list.length === 0)) continue;
      await confirmed(this.#deps.leadership, this.#signal);
      if (found.ofNoFile.length > 0) await this.#joined.look(this.#signal);
      if (this.#signal.aborted || worker.isLost) continue;
      const isAsBefore = worker.session === session && worker.isWhole && this.#deps.workers.losses === losses;
      if (worker.isDecommissioned) worker.blocksLeft = isAsBefore ? this.#withJoined(found) : null;
      this.#command(worker, found);
    }
    this.#deps.troubles.blocksUnderReplicated = this.#underReplicated;
  }

  async #lookThrough(worker: KnownWorker): Promise<Found> {
    const found: Found = { ofNoFile: [], surplus: [], evictable: [], kept: [], copy: [], spare: [] };
    const isEnough = () => Object.values(found).some((list) => list.length >= FOUND_MAX);
    // From the first block on, or not at all.
    this.#left = worker.isDecommissioned ? 0 : null;
    for (let shard = 0; shard < BLOCK_SHARDS; shard++) {
      if (isEnough()) {
        this.#left = null;
        break;
      }
      const blocks = worker.blocks.shard(shard);
      for (let at = 0; at < blocks.length; at += LOOKS_AT_ONCE) {
        await this.#slices.next();
        for (const block of blocks.slice(at, at + LOOKS_AT_ONCE)) this.#judge(block, worker, found);
      }
    }
    return found;
  }

  #judge(block: StoredBlock, worker: KnownWorker, found: Found): void {
    const { id } = block;
    if (id.inodeId >= this.#deps.replica.state.nextIds().inodeId) return;
    const inode = inodeById(id.inodeId, this.#deps.replica.state) ?? this.#joinedWith(id);
    if (inode === null) return void found.ofNoFile.push(id);
    const copies = this.#deps.workers.holders(id.inodeId, id.index);
    if (inode.directory || copies === undefined) return;
    if (!inode.complete) return this.#countLeft(block, inode, worker, copies.workers);
    const isBehind = inode.id === id.inodeId && id.index >= blocksOf(inode.length, inode.blockBytes);
    const isOld = copies.generation > id.generation;
    if (isBehind || (isOld && this.#areEnough(copies.workers, inode))) return void found.surplus.push(id);
    const isEvictable = inode.persistence === PERSISTENCE.persisted && inode.more?.pinned !== true;
    if (isEvictable !== block.evictable && !(isEvictable && isPartQueued(inode.id, this.#deps.replica.state))) {
      (isEvictable ? found.evictable : found.kept).push(id);
    }
    this.#countLeft(block, inode, worker, copies.workers);
    if (!isOld) this.#count(block, inode, worker, copies.workers, found);
  }

  /** Does it keep a worker that is taken out of use from going? @param holders of the newest copies of the block. */
  #countLeft({ id }: StoredBlock, inode: Inode, worker: KnownWorker, holders: readonly KnownWorker[]): void {
    if (this.#left === null) return;
    const keeping = holders.filter((other) => other !== worker && this.#deps.workers.keeps(other, id)).length;
    if (keeping < copiesWanted(inode).min && keeping < this.#needed(inode)) this.#left += 1;
  }

  /** @returns `#left`, and what is known only now to be joined to other files; not 0 while copies may go that the leader before gave up. */
  #withJoined({ ofNoFile }: Found): number | null {
    if (this.#left === null) return null;
    const left = this.#left + ofNoFile.filter(({ inodeId }) => this.#joined.mayHave(inodeId)).length;
    return left === 0 && this.#deps.clock.monotonicMs() < this.#settledMs ? null : left;
  }

  /** @returns how many copies of each of its blocks there have to be. */
  #needed(inode: Inode): number {
    const { min } = copiesWanted(inode);
    const isStored = inode.persistence === PERSISTENCE.persisted && !isPartQueued(inode.id, this.#deps.replica.state);
    return isStored && inode.more?.pinned !== true ? (inode.more?.replicationMin ?? 0) : min;
  }

  /** @returns the file that has this block of one that was joined to it. */
  #joinedWith({ inodeId, index }: BlockId): Inode | null {
    const owner = this.#joined.ownerOf(inodeId);
    const inode = owner === undefined ? null : inodeById(owner, this.#deps.replica.state);
    const has = inode?.more?.extents.some((run) => run.inodeId === inodeId && run.first <= index && index < run.first + run.blocks);
    return has === true ? inode : null;
  }

  /** Are there as many copies as there should be? The first of those that hold it looks after that. */
  #count(block: StoredBlock, inode: Inode, worker: KnownWorker, holders: readonly KnownWorker[], found: Found): void {
    const { min, max } = copiesWanted(inode);
    if (isSurplus(block.id, worker, holders, max)) return void found.surplus.push(block.id);
    const staying = holders.filter(({ state }) => state === 'LIVE');
    if (holders[0] !== worker || staying.length >= min) return;
    const isNeeded = staying.length < this.#needed(inode);
    if (isNeeded) this.#underReplicated += 1;
    const list = isNeeded ? found.copy : found.spare;
    const isUnderWay = this.#copies.target(block.id, this.#deps.clock.monotonicMs()) !== undefined;
    if (isUnderWay || list.length < COPIES_FOUND_MAX) list.push({ block, from: holders });
  }

  /** Are so many of them sure to have their copies as there should be, or as there are workers? */
  #areEnough(holders: readonly KnownWorker[], inode: Inode): boolean {
    const live = this.#deps.workers.list().filter(({ state }) => state === 'LIVE').length;
    return areSure(holders, Math.max(1, Math.min(copiesWanted(inode).min, live)));
  }

  #command(worker: KnownWorker, { ofNoFile, surplus, evictable, kept, copy, spare }: Found): void {
    const { workers, log } = this.#deps;
    const orphans = ofNoFile.filter(({ inodeId }) => !this.#joined.mayHave(inodeId));
    if (orphans.length > 0) {
      workers.noteOrphans(orphans.length);
      log.info({ worker: worker.address, blocks: orphans.length }, 'blocks of no file are freed');
    }
    workers.free(worker, [...orphans, ...surplus]);
    if (evictable.length > 0) workers.command(worker, { setEvictable: { blocks: evictable, evictable: true } });
    if (kept.length > 0) workers.command(worker, { setEvictable: { blocks: kept, evictable: false } });
    this.#copy(worker, [...copy, ...spare]);
  }

  #copy(worker: KnownWorker, copies: readonly Copy[]): void {
    const { workers, clock } = this.#deps;
    const nowMs = clock.monotonicMs();
    let room = this.#copies.room(worker, nowMs);
    for (const { block, from } of copies) {
      const known = this.#copies.target(block.id, nowMs);
      if (known === undefined && room === 0) continue;
      const target = known ?? workers.roomiest(block.bytes, from);
      if (target === undefined || !workers.command(target, { replicate: copyOf(block, from) })) continue;
      if (known !== undefined) continue;
      this.#copies.begin(block, worker, target, nowMs);
      room -= 1;
    }
  }
}

export function copyOf({ id, bytes, evictable }: StoredBlock, from: readonly KnownWorker[]): understudy.ReplicateBlock.$Properties {
  return { block: id, from: from.map(({ address }) => address), bytes, evictable };
}
