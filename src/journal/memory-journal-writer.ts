/** Appends to one epoch of a `MemoryJournalStore`, as the directory journal's writer does to its segments. */
import assert from 'node:assert/strict';
import type { Timer } from '../base/clock.js';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import { type Epoch, epoch } from '../base/ids.js';
import { batchBytes, encodeBatch, parseBatch } from './batch-format.js';
import { boundarySn, checkRetention, type Retention } from './checkpoints.js';
import { type Appended, type AppendOptions, type ChainPoint, endOf, type JournalWriter } from './journal.js';
import type { JournalStep } from './journal-step.js';
import type { MemoryEffects, MemoryJournalStore, MemoryOperationKind } from './memory-journal-store.js';

/** The process that a writer belongs to. */
export interface MemoryProcess {
  perform<T>(kind: MemoryOperationKind, effects: MemoryEffects<T>): Promise<T>;
  step(step: JournalStep): Promise<void>;
}

export class MemoryJournalWriter implements JournalWriter {
  readonly epoch: Epoch;
  readonly #process: MemoryProcess;
  readonly #store: MemoryJournalStore;
  readonly #writerId: Uint8Array;
  readonly #dead = new AbortController();
  #end: ChainPoint;
  #count: number;
  #isAppending = false;
  #marked = 0;
  #retention: Retention;
  #isRetaining = false;
  #retained: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  #inFlight: Promise<unknown> = Promise.resolve();
  #markTimer: Timer | undefined;

  /** Only a claim calls this, with the slot durable. */
  constructor(store: MemoryJournalStore, number: number, retention: Retention, process: MemoryProcess) {
    this.epoch = epoch(number);
    this.#process = process;
    this.#store = store;
    this.#retention = retention;
    this.#writerId = store.random.bytes(16);
    this.#count = store.epoch(number).batches.length;
    this.#end = store.pointAfter(number, this.#count);
  }

  get end(): ChainPoint {
    return this.#end;
  }

  get dead(): AbortSignal {
    return this.#dead.signal;
  }

  append(entries: readonly Uint8Array[], timeMs: number, options: AppendOptions = {}): Promise<Appended> {
    assert(!this.#isAppending, 'one append at a time');
    assert(entries.length > 0, 'a batch has entries');
    this.#isAppending = true;
    const appended = this.#append(entries, timeMs, options).finally(() => {
      this.#isAppending = false;
    });
    this.#inFlight = appended.catch(() => undefined);
    return appended;
  }

  async #append(entries: readonly Uint8Array[], timeMs: number, options: AppendOptions): Promise<Appended> {
    if (this.#dead.signal.aborted) throw this.#dead.signal.reason;
    const bytes = batchBytes(entries);
    const { batchBytesMax } = this.#store.settings;
    if (bytes > batchBytesMax) throw new UnderstudyError('resource_exhausted', `a batch is too large: bytes=${bytes} max=${batchBytesMax}`);
    const mine = this.#store.epoch(this.epoch);
    const isClaim = this.#count === mine.slot?.copies;
    if (this.#store.isOutOfSpace && !isClaim && options.mayUseReserve !== true)
      throw new UnderstudyError('unavailable', 'the journal is out of space');
    const header = { epoch: this.epoch, writerId: this.#writerId, previous: this.#end, committedSn: this.#end.sn, timeMs };
    const parsed = parseBatch(encodeBatch(Buffer.alloc(bytes), header, entries).bytes, 0);
    assert(parsed.kind === 'batch');
    const { batch } = parsed.stored;
    try {
      await this.#process.perform('write', {
        begin: () => mine.batches.push(batch),
        visible: () => {
          mine.visible += 1;
        },
        durable: () => {
          mine.durable += 1;
        },
      });
      await this.#process.step('durable');
      await this.#checkFence();
    } catch (error) {
      throw this.#die(isError(error, 'fenced') ? error : new UnderstudyError('outcome_unknown', 'append failed', { cause: error }));
    }
    this.#count += 1;
    this.#end = endOf(batch);
    this.#armMark();
    return { ...this.#end, sealed: batch.sealed };
  }

  async #checkFence(): Promise<void> {
    const isFenced = await this.#process.perform('check', { visible: () => this.#store.epoch(this.epoch).isFenced });
    if (isFenced) throw new UnderstudyError('fenced', `a later epoch exists: epoch=${this.epoch}`);
  }

  async confirm(): Promise<void> {
    if (this.#isClosed) throw closed();
    try {
      await this.#checkFence();
    } catch (error) {
      throw isError(error, 'fenced') ? this.#die(error) : error;
    }
  }

  retain(retention: Retention): Promise<void> {
    assert(!this.#isRetaining, 'one retention at a time');
    this.#isRetaining = true;
    const retained = this.#retain(retention).finally(() => {
      this.#isRetaining = false;
    });
    this.#retained = retained.catch(() => undefined);
    return retained;
  }

  async #retain(retention: Retention): Promise<void> {
    if (this.#dead.signal.aborted) throw this.#dead.signal.reason;
    checkRetention(retention, this.#end.sn);
    if (boundarySn(retention) < boundarySn(this.#retention)) return;
    await this.#makeKnown(retention);
    try {
      await this.#process.step('known');
      await this.#checkFence();
      for (const visible of this.#store.deletions(this.epoch, retention)) {
        await this.#process.step('collecting');
        if (this.#dead.signal.aborted) throw this.#dead.signal.reason;
        await this.#process.perform('collect', { visible });
      }
    } catch (error) {
      throw isError(error, 'fenced') ? this.#die(error) : asError(error, 'unavailable');
    }
  }

  async #makeKnown(retention: Retention): Promise<void> {
    this.#retention = retention;
    const mine = this.#store.epoch(this.epoch);
    const marked = this.#count;
    try {
      await this.#process.perform('retain', {
        visible: () => {
          mine.marked = Math.max(mine.marked, marked);
          mine.retention = retention;
        },
        durable: () => {
          mine.durableMark = { marked, retention };
        },
      });
    } catch (error) {
      throw this.#die(asError(error, 'unavailable'));
    }
  }

  #armMark(): void {
    if (this.#markTimer !== undefined || this.#isClosed) return;
    this.#markTimer = this.#store.clock.setTimer(this.#store.settings.markDelayMs, () => {
      this.#markTimer = undefined;
      void this.#mark();
    });
  }

  async #mark(): Promise<void> {
    const count = this.#count;
    try {
      await this.#process.perform('mark', {
        visible: () => {
          const mine = this.#store.epoch(this.epoch);
          mine.marked = Math.max(mine.marked, count);
          mine.retention = this.#retention;
        },
      });
      this.#marked = count;
    } catch (error) {
      this.#die(asError(error, 'unavailable'));
    }
  }

  /** As `MemoryJournal.kill`. */
  kill(): void {
    this.#isClosed = true;
    this.#markTimer?.cancel();
    this.#die(closed());
  }

  #die<T extends Error>(error: T): T {
    if (!this.#dead.signal.aborted) this.#dead.abort(error);
    return error;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#markTimer?.cancel();
    const wasDead = this.#dead.signal.aborted;
    this.#die(closed());
    await this.#inFlight;
    await this.#retained;
    if (!wasDead && this.#marked < this.#count) await this.#mark();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function closed(): UnderstudyError {
  return new UnderstudyError('cancelled', 'the writer is closed');
}
