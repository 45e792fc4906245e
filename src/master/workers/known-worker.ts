/**
 * A worker as this master knows it: who it is, what it holds, and when it was last heard.
 *
 * Invariants:
 * - `blocks` is what it holds as of `change`, once it is whole. Until a new listing is complete, the one before stands.
 * - A change that is missing, or a digest that differs, makes it tell everything again.
 */
import type { understudy } from '#proto/understudy.js';
import { type BlockId, blockIdOf, blockName } from '../../blocks/block-id.js';
import type { StoredBlock, TierUse } from '../../blocks/block-store.js';
import { BlockTable } from '../../blocks/block-table.js';

/** DECOMMISSIONED: taken out of use, and no block needs it any more, as this master saw last; DECOMMISSIONING: before that. */
export type WorkerState = 'LIVE' | 'LEAVING' | 'DECOMMISSIONING' | 'DECOMMISSIONED' | 'LOST';

export interface WorkerIdentity {
  readonly id: string;
  readonly incarnation: string;
  readonly rpcAddress: string;
  readonly webAddress: string;
  readonly domainSocket: string;
  readonly version: string;
}

/** A heartbeat that has not been answered yet. */
export interface HeldBeat {
  /** Answers it; with `again`, the worker begins its session anew. */
  end(again: boolean): void;
}

/** Why a file was not persisted by a worker. */
export interface PersistFailure {
  readonly inodeId: number;
  readonly generation: number;
  readonly reason: string;
}

/** Commands that wait for a worker's next heartbeat; more are found anew later. */
const COMMANDS_MAX = 64;
/** Blocks to be freed that wait likewise, and those in one command. */
const FREES_MAX = 65_536;
const FREES_PER_COMMAND = 4_096;
/** What it was told to free it has freed by then, as long as it could be heard; in milliseconds. */
const FREEING_MS = 60_000;
/** Failures that wait for a leader; further ones are dropped, and come again. */
const FAILURES_MAX = 64;

export class KnownWorker {
  identity: WorkerIdentity;
  tiers: readonly TierUse[] = [];
  session = 0;
  blocks = new BlockTable();
  /** When it last said something, by the clock of hearing. */
  heardAtMs = 0;
  isLost = false;
  isLeaving = false;
  /** An operator has taken it out of use. */
  isDecommissioned = false;
  /** While it is taken out of use: blocks of which there are too few copies without it, as a leader saw last; null: that has not looked through them yet. */
  blocksLeft: number | null = null;
  /** Its connection is gone, as far as was seen. */
  isCutOff = false;
  beat: HeldBeat | null = null;
  /** When its address was tried last, monotonic. */
  probedMs = Number.NEGATIVE_INFINITY;
  /** Unix time in milliseconds of the start of its state. */
  sinceMs: number;
  #commands: understudy.WorkerCommand.$Properties[] = [];
  #frees: BlockId[] = [];
  /** By the names of blocks that it was told to free: until when it may still do so, by the clock of hearing. */
  readonly #freeing = new Map<string, number>();
  #failures: PersistFailure[] = [];
  #change = 0;
  #isWhole = false;
  #listing: BlockTable | null = null;
  #state: WorkerState = 'LIVE';

  constructor(identity: WorkerIdentity, wallMs: number) {
    this.identity = identity;
    this.sinceMs = wallMs;
  }

  get address(): string {
    return this.identity.rpcAddress;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Everything that it holds is known. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** It is there and stays, and what it is believed to hold it has told. */
  get isSure(): boolean {
    return this.#state === 'LIVE' && this.#isWhole && !this.isLost && !this.isCutOff;
  }

  get capacityBytes(): number {
    return this.tiers.reduce((sum, tier) => sum + tier.capacityBytes, 0);
  }

  get usedBytes(): number {
    return this.tiers.reduce((sum, tier) => sum + tier.usedBytes, 0);
  }

  /** Brings its state up to date. @returns whether it has changed. */
  settle(isDecommissioned: boolean, wallMs: number): boolean {
    const before = this.#state;
    this.isDecommissioned = isDecommissioned;
    if (!isDecommissioned || this.isLost) this.blocksLeft = null;
    const outOfUse = this.blocksLeft === 0 ? 'DECOMMISSIONED' : 'DECOMMISSIONING';
    this.#state = this.isLost ? 'LOST' : isDecommissioned ? outOfUse : this.isLeaving ? 'LEAVING' : 'LIVE';
    if (this.#state !== before) this.sinceMs = wallMs;
    return this.#state !== before;
  }

  /** A session begins. @returns the change that it goes on behind; 0: all blocks are to be told. */
  begin(session: number, identity: WorkerIdentity, { change, oldestChange }: { change: number; oldestChange: number }): number {
    const isSame = identity.incarnation === this.identity.incarnation;
    this.beat?.end(true);
    this.session = session;
    this.identity = identity;
    this.isLost = this.isLeaving = this.isCutOff = false;
    this.blocksLeft = null;
    this.#commands = [];
    this.#frees = [];
    this.#failures = [];
    if (!isSame || !this.#isWhole || this.#change < oldestChange || this.#change > change) this.#forget();
    return this.#change;
  }

  /** @returns false: a change is missing, or a listing that nobody asked for. */
  take({ all, last, change, changes }: understudy.ReportBlocksRequest): boolean {
    if (all) return this.#list(changes, last ? change : null);
    const before = change - changes.length;
    if (!this.#isWhole || before > this.#change) return false;
    for (let at = Math.max(0, this.#change - before); at < changes.length; at++) {
      const told = changes[at];
      if (told === undefined) continue;
      if (told.gone) this.#gone(blockIdOf(told.block));
      else this.blocks.set(blockOf(told));
    }
    this.#change = Math.max(this.#change, change);
    return true;
  }

  get change(): number {
    return this.#change;
  }

  /** @returns false: what it holds is not what this master believes, or that is not known at all. */
  agrees({ change, blocks, digest }: Pick<understudy.WorkerHeartbeatRequest, 'change' | 'blocks' | 'digest'>): boolean {
    if (!this.#isWhole) return this.#listing !== null;
    return change !== this.#change || (blocks === this.blocks.count && digest === this.blocks.digest);
  }

  /** Everything is to be told again at the next session. */
  doubt(): void {
    this.#isWhole = false;
    this.blocksLeft = null;
    this.#listing = null;
  }

  /** Has it do something, with its next heartbeat. @returns false: too much waits for it. */
  command(command: understudy.WorkerCommand.$Properties): boolean {
    if (this.#commands.length >= COMMANDS_MAX) return false;
    this.#commands.push(command);
    return true;
  }

  /** As `command`, all of them or none. @param nowMs by the clock of hearing. */
  free(blocks: readonly BlockId[], nowMs: number): boolean {
    for (const [name, untilMs] of this.#freeing) {
      if (untilMs > nowMs) break;
      this.#freeing.delete(name);
    }
    if (this.#freeing.size + blocks.length > FREES_MAX) return false;
    this.#frees.push(...blocks);
    for (const block of blocks) this.#freeing.set(blockName(block), nowMs + FREEING_MS);
    return true;
  }

  /** @returns whether it may be about to free the block. @param nowMs as `free`. */
  isFreeing(block: BlockId, nowMs: number): boolean {
    return (this.#freeing.get(blockName(block)) ?? 0) > nowMs;
  }

  get hasCommands(): boolean {
    return this.#commands.length > 0 || this.#frees.length > 0;
  }

  takeCommands(): understudy.WorkerCommand.$Properties[] {
    const commands = this.#commands;
    this.#commands = [];
    if (this.#frees.length > 0) commands.push({ free: { blocks: this.#frees.splice(0, FREES_PER_COMMAND) } });
    return commands;
  }

  noteFailures(failures: readonly PersistFailure[]): void {
    this.#failures.push(...failures.slice(0, FAILURES_MAX - this.#failures.length));
  }

  takeFailures(): readonly PersistFailure[] {
    return this.#failures.splice(0);
  }

  #gone(block: BlockId): void {
    this.blocks.delete(block);
    this.#freeing.delete(blockName(block));
  }

  /** What is believed by now stands until all has been told. */
  #forget(): void {
    this.#isWhole = false;
    this.#change = 0;
    this.#listing = this.blocks.count === 0 ? this.blocks : new BlockTable();
  }

  #list(changes: readonly understudy.BlockChange.$Properties[], whole: number | null): boolean {
    const listing = this.#listing;
    if (listing === null) return false;
    for (const told of changes) listing.set(blockOf(told));
    if (whole === null) return true;
    this.blocks = listing;
    this.#listing = null;
    this.#isWhole = true;
    this.#change = whole;
    return true;
  }
}

function blockOf({ block, bytes, tier, evictable }: understudy.BlockChange.$Properties): StoredBlock {
  return { id: blockIdOf(block), bytes: bytes ?? 0, tier: tier ?? 0, evictable: evictable ?? false };
}
