/**
 * What several memory journals share: the storage of the directory journal, in one process, with its failures.
 *
 * It tells *visible* (any reader may see it) from *durable* (it survives `powerCut`): a write becomes visible at some moment between the
 * call and its return, and durable on return. Deterministic: time and chance come from the injected clock and random only.
 *
 * A slot builds on a number of batches of an earlier epoch; copies of what followed them come first among the epoch's own.
 */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import type { Sequence } from '../base/ids.js';
import type { Random } from '../base/random.js';
import { sleep } from '../base/wait.js';
import { NOTHING_RETAINED, type Retention } from './checkpoints.js';
import { type Batch, type ChainPoint, endOf, GENESIS } from './journal.js';

export type MemoryOperationKind =
  | ('take' | 'fence' | 'read' | 'copy' | 'slot' | 'write' | 'check' | 'mark')
  /** A retention: its mark, and each deletion by it. A checkpoint: each chunk stored and read. */
  | ('retain' | 'collect' | 'store' | 'load');

export interface MemoryOperation {
  readonly kind: MemoryOperationKind;
  /** Of the claimant or writer; 0 before it has one. */
  readonly epoch: number;
  /** Name of the journal handle, as given to `MemoryJournal.open`. */
  readonly journal: string;
}

/**
 * `fail`: an error, and nothing happened. `land`: an error, and it happened. `unsynced`: an error, and it can be seen but will not
 * survive a power cut. In all three the caller cannot tell which.
 */
export type MemoryFault = 'fail' | 'land' | 'unsynced';

export interface MemoryJournalStoreSettings {
  readonly clusterId?: string;
  readonly incarnationId?: string;
  /** Default 8 MiB. */
  readonly batchBytesMax?: number;
  /** Each operation takes between these. Default 0 to 0. */
  readonly latencyMs?: Partial<Readonly<Record<MemoryOperationKind, readonly [from: number, to: number]>>>;
  /** Default 5. */
  readonly pollIntervalMs?: number;
  /** Default 5. */
  readonly markDelayMs?: number;
}

export interface MemoryJournalStoreDeps {
  readonly clock: Clock;
  readonly random: Random;
}

/** What an operation does, and when: at once, at some moment before it returns, and as it returns. */
export interface MemoryEffects<T> {
  begin?(): void;
  visible(): T;
  durable?(): void;
}

export interface MemorySlot {
  readonly baseEpoch: number;
  readonly baseCount: number;
  readonly base: ChainPoint;
  /** Copies at the front of its batches. */
  readonly copies: number;
}

export interface MemoryEpoch {
  isFenced: boolean;
  slot: MemorySlot | undefined;
  isSlotDurable: boolean;
  batches: Batch[];
  visible: number;
  durable: number;
  /** Batches that its mark covers. */
  marked: number;
  /** What its mark makes known; undefined where it has none. */
  retention: Retention | undefined;
  /** Batches at its front that are deleted; what is left in `batches` of them is for tests. */
  collected: number;
  /** The mark that is left whatever happens. */
  durableMark: { readonly marked: number; readonly retention: Retention } | undefined;
}

export interface MemoryCheckpoint {
  readonly sn: Sequence;
  readonly chunks: Uint8Array[];
  isWhole: boolean;
}

export class MemoryJournalStore {
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: Required<Omit<MemoryJournalStoreSettings, 'latencyMs'>>;
  /** Called before each operation takes effect; a promise holds it up. For tests. */
  intercept: ((operation: MemoryOperation) => MemoryFault | undefined | Promise<MemoryFault | undefined>) | undefined;
  /** While true, appends other than claims are refused with `unavailable`. */
  isOutOfSpace = false;
  readonly #latencyMs: NonNullable<MemoryJournalStoreSettings['latencyMs']>;
  readonly #epochs: MemoryEpoch[] = [];
  /** By id. */
  readonly checkpoints = new Map<string, MemoryCheckpoint>();
  #generation = 0;

  constructor(settings: MemoryJournalStoreSettings, deps: MemoryJournalStoreDeps) {
    this.clock = deps.clock;
    this.random = deps.random;
    this.#latencyMs = settings.latencyMs ?? {};
    this.settings = {
      clusterId: settings.clusterId ?? 'memory',
      incarnationId: settings.incarnationId ?? '00'.repeat(16),
      batchBytesMax: settings.batchBytesMax ?? 8 << 20,
      pollIntervalMs: settings.pollIntervalMs ?? 5,
      markDelayMs: settings.markDelayMs ?? 5,
    };
  }

  /** Grows with each power cut. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * The power fails everywhere: what was not durable is gone, marks may be, and every handle opened before is dead. What is in flight
   * never takes effect.
   */
  powerCut(): void {
    this.#generation += 1;
    const marksSurvive = this.random.float() < 0.5;
    const deletedComeBack = this.random.float() < 0.5;
    for (const epoch of this.#epochs) {
      epoch.batches = epoch.batches.slice(0, epoch.durable);
      epoch.visible = epoch.durable;
      if (!epoch.isSlotDurable) epoch.slot = undefined;
      const { marked, retention } = marksSurvive ? epoch : (epoch.durableMark ?? { marked: 0, retention: undefined });
      epoch.marked = Math.min(marked, epoch.durable);
      epoch.retention = retention;
      if (deletedComeBack) epoch.collected = 0;
    }
    for (const [id, { isWhole }] of this.checkpoints) if (!isWhole) this.checkpoints.delete(id);
  }

  /**
   * Runs one operation: `begin` at once, `visible` at some moment, `durable` at the end. It goes on even if its caller is killed.
   *
   * @throws `unavailable`: an injected fault, a power cut, or the caller was killed.
   */
  async perform<T>(
    caller: { readonly generation: number; readonly isKilled: boolean },
    operation: MemoryOperation,
    effects: MemoryEffects<T>,
  ): Promise<T> {
    this.#checkAlive(caller);
    const fault = await this.intercept?.(operation);
    this.#checkAlive(caller);
    if (fault === 'fail') throw new UnderstudyError('unavailable', `the storage failed: operation=${operation.kind}`);
    effects.begin?.();
    const [from, to] = this.#latencyMs[operation.kind] ?? [0, 0];
    const totalMs = from + (to - from) * this.random.float();
    const visibleMs = totalMs * this.random.float();
    await this.#pass(caller.generation, visibleMs);
    const value = effects.visible();
    await this.#pass(caller.generation, totalMs - visibleMs);
    if (fault !== 'unsynced') effects.durable?.();
    if (fault !== undefined) throw new UnderstudyError('unavailable', `the storage failed: operation=${operation.kind}`);
    this.#checkAlive(caller);
    return value;
  }

  async #pass(generation: number, delayMs: number): Promise<void> {
    if (delayMs > 0) await sleep(this.clock, delayMs);
    if (generation !== this.#generation) throw new UnderstudyError('unavailable', 'the power was cut');
  }

  #checkAlive(caller: { readonly generation: number; readonly isKilled: boolean }): void {
    if (caller.generation !== this.#generation) throw new UnderstudyError('unavailable', 'the power was cut');
    if (caller.isKilled) throw new UnderstudyError('unavailable', 'the process was killed');
  }

  /** @returns the next number, taken. */
  takeNumber(): number {
    const written = { batches: [], visible: 0, durable: 0, marked: 0, retention: undefined, durableMark: undefined, collected: 0 };
    this.#epochs.push({ isFenced: false, slot: undefined, isSlotDurable: false, ...written });
    return this.#epochs.length;
  }

  epoch(number: number): MemoryEpoch {
    const epoch = this.#epochs[number - 1];
    if (epoch === undefined) throw new UnderstudyError('internal', `no such epoch: epoch=${number}`);
    return epoch;
  }

  /** @returns the highest epoch that has a visible slot, below `number` where that is given; 0: none. */
  head(number = this.#epochs.length + 1): number {
    for (let at = number - 1; at >= 1; at--) if (this.epoch(at).slot !== undefined) return at;
    return 0;
  }

  /** @returns how many of the epoch's batches its own marks cover; 0 where it is not known to have committed its claim. */
  covered(number: number): number {
    const epoch = this.epoch(number);
    if (epoch.slot === undefined) return 0;
    const claimed = epoch.slot.copies + 1;
    const byHeader = epoch.visible > claimed ? epoch.visible - 1 : 0; // written only once the one before was committed
    const covered = Math.min(Math.max(epoch.marked, byHeader), epoch.visible);
    return covered >= claimed ? covered : 0;
  }

  /** @returns the highest epoch that is known to have committed; 0: none. */
  highestCommitted(): number {
    for (let number = this.#epochs.length; number >= 1; number--) if (this.covered(number) > 0) return number;
    return 0;
  }

  /** @returns what the newest mark makes known, of epochs below `number` where that is given. */
  newestRetention(number = this.#epochs.length + 1): Retention {
    for (let at = number - 1; at >= 1; at--) {
      const { retention } = this.epoch(at);
      if (retention !== undefined) return retention;
    }
    return NOTHING_RETAINED;
  }

  /** @throws `out_of_range` where what follows `from` may be deleted; `diverged`. */
  checkNotCollected(from: ChainPoint): void {
    const { boundary } = this.newestRetention();
    if (boundary === null || from.sn > boundary.point.sn) return;
    if (from.sn < boundary.point.sn)
      throw new UnderstudyError('out_of_range', `what follows has been collected: sn=${from.sn} boundary=${boundary.point.sn}`);
    if (Buffer.compare(from.hash, boundary.point.hash) !== 0) throw divergedError(from);
  }

  /** @returns what `retention` lets be deleted, each by one call; `number` is the epoch of the caller. */
  deletions(number: number, { boundary }: Retention): (() => void)[] {
    if (boundary === null) return [];
    const { sn } = boundary.point;
    let lowest = number;
    for (let { slot } = this.epoch(lowest); slot !== undefined && slot.base.sn > sn; { slot } = this.epoch(lowest)) lowest = slot.baseEpoch;
    const logs = this.#epochs.slice(0, lowest).map((epoch, index) => () => {
      const isPast = (batch: Batch): boolean => index + 1 < lowest || endOf(batch).sn <= sn;
      epoch.collected = Math.max(epoch.collected, epoch.batches.filter(isPast).length);
    });
    const past = [...this.checkpoints].filter(([, checkpoint]) => checkpoint.sn < sn);
    return [
      ...logs,
      ...past.map(
        ([id]) =>
          () =>
            void this.checkpoints.delete(id),
      ),
    ];
  }

  /** @returns the chain behind `from`, as an epoch and a number of its batches define it. @throws `diverged`; `corrupt` where some of it is deleted. */
  behind(from: ChainPoint, number: number, count: number): Batch[] {
    const parts: Batch[][] = [];
    for (let at = number, upTo = count; at > 0; ) {
      const { slot, batches, collected } = this.epoch(at);
      if (slot === undefined) break;
      const isLowest = slot.base.sn <= from.sn;
      const index = isLowest ? batches.findLastIndex((batch) => batch.firstSn <= from.sn) : -1;
      if (isLowest && index === -1 && Buffer.compare(slot.base.hash, from.hash) !== 0) throw divergedError(from);
      if (index >= 0) checkSame(batches[index], from);
      if (index + 1 < Math.min(collected, upTo)) throw new UnderstudyError('corrupt', `deleted batches are needed: epoch=${at}`);
      parts.unshift(batches.slice(index + 1, upTo));
      if (isLowest) break;
      at = slot.baseEpoch;
      upTo = slot.baseCount;
    }
    return parts.flat();
  }

  /** @returns the whole chain as an epoch and a number of its batches define it. */
  chain(number: number, count: number): Batch[] {
    const parts: Batch[][] = [];
    for (let at = number, upTo = count; at > 0; ) {
      const { slot, batches } = this.epoch(at);
      parts.unshift(batches.slice(0, upTo));
      at = slot?.baseEpoch ?? 0;
      upTo = slot?.baseCount ?? 0;
    }
    return parts.flat();
  }

  /** @returns all that is known to be committed. For tests. */
  committed(): Batch[] {
    const number = this.highestCommitted();
    return number === 0 ? [] : this.chain(number, this.covered(number));
  }

  /** @returns where the chain of an epoch stands after its first `count` batches. */
  pointAfter(number: number, count: number): ChainPoint {
    if (number === 0) return GENESIS;
    const { slot, batches } = this.epoch(number);
    const last = batches[count - 1];
    return last === undefined ? (slot?.base ?? GENESIS) : endOf(last);
  }
}

/** @throws `diverged` where `batch` does not end at `from`. */
export function checkSame(batch: Batch | undefined, from: ChainPoint): void {
  if (batch !== undefined && endOf(batch).sn === from.sn && Buffer.compare(batch.hash, from.hash) === 0) return;
  throw divergedError(from);
}

function divergedError(from: ChainPoint): UnderstudyError {
  return new UnderstudyError('diverged', `the position is not on the journal's chain: sn=${from.sn}`);
}
