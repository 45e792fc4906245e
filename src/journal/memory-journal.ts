/**
 * The journal in memory: the directory journal's claims, fences, adoption and marks, step by step, over a `MemoryJournalStore`.
 *
 * A handle is what one process has. `kill` ends it at its next step, as SIGKILL would: what it had begun may still take effect.
 */
import assert from 'node:assert/strict';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import { sleep, throwIfAborted } from '../base/wait.js';
import type { Checkpoints, Retention } from './checkpoints.js';
import { type Batch, type ChainPoint, type ClaimRequest, endOf, type Journal, type JournalWriter, type ReadRequest } from './journal.js';
import type { JournalStep, StepHook } from './journal-step.js';
import { MemoryCheckpoints, type MemoryPerform } from './memory-checkpoints.js';
import {
  checkSame,
  type MemoryEffects,
  type MemoryJournalStore,
  type MemoryOperationKind,
  type MemorySlot,
} from './memory-journal-store.js';
import { MemoryJournalWriter } from './memory-journal-writer.js';

const LOOK_TRIES = 6;

/** What a claimant finds once it has fenced all before. */
interface MemoryHead {
  readonly slot: MemorySlot;
  readonly suffix: Batch[];
  /** What of the suffix, and of what is committed before it, the claimant lacks. */
  readonly adopted: Batch[];
  readonly committed: Batch[];
  readonly retention: Retention;
}

export interface MemoryJournalOptions {
  /** For `intercept` to tell handles apart. */
  readonly name?: string;
  readonly pause?: StepHook;
}

export class MemoryJournal implements Journal {
  readonly clusterId: string;
  readonly incarnationId: string;
  readonly batchBytesMax: number;
  readonly checkpoints: Checkpoints;
  readonly generation: number;
  readonly #store: MemoryJournalStore;
  readonly #name: string;
  readonly #pause: StepHook | undefined;
  readonly #closing = new AbortController();
  readonly #writers = new Set<MemoryJournalWriter>();
  #isKilled = false;
  #claim: Promise<unknown> | undefined;

  private constructor(store: MemoryJournalStore, options: MemoryJournalOptions) {
    this.#store = store;
    this.generation = store.generation;
    this.#name = options.name ?? '';
    this.#pause = options.pause;
    this.clusterId = store.settings.clusterId;
    this.incarnationId = store.settings.incarnationId;
    this.batchBytesMax = store.settings.batchBytesMax;
    const perform: MemoryPerform = (kind, effects) => this.perform(kind, 0, effects);
    this.checkpoints = new MemoryCheckpoints(store, perform, this.#closing.signal);
  }

  /** A handle as one process has it. */
  static open(store: MemoryJournalStore, options: MemoryJournalOptions = {}): MemoryJournal {
    return new MemoryJournal(store, options);
  }

  get isKilled(): boolean {
    return this.#isKilled;
  }

  /** Nothing that this handle has not begun happens any more; readers end. */
  kill(): void {
    this.#isKilled = true;
    this.#closing.abort(closed());
    for (const writer of this.#writers) writer.kill();
  }

  perform<T>(kind: MemoryOperationKind, number: number, effects: MemoryEffects<T>): Promise<T> {
    return this.#store.perform(this, { kind, epoch: number, journal: this.#name }, effects);
  }

  async step(step: JournalStep, number: number): Promise<void> {
    await this.#pause?.(step, number);
    if (this.#isKilled) throw new UnderstudyError('unavailable', 'the process was killed');
  }

  async claim(request: ClaimRequest): Promise<JournalWriter> {
    if (this.#closing.signal.aborted) throw closed();
    if (this.#claim !== undefined) throw new UnderstudyError('failed_precondition', 'one claim at a time');
    const signals = [this.#closing.signal, ...(request.signal === undefined ? [] : [request.signal])];
    const claim = this.#claimNow({ ...request, signal: AbortSignal.any(signals) });
    this.#claim = claim.catch(() => undefined);
    try {
      return await claim;
    } finally {
      this.#claim = undefined;
    }
  }

  async #claimNow(request: ClaimRequest): Promise<MemoryJournalWriter> {
    const store = this.#store;
    const next = async (step: JournalStep, at: number): Promise<void> => {
      await this.step(step, at);
      throwIfAborted(request.signal);
    };
    await next('proved', 0);
    const committed = store.highestCommitted();
    await this.perform('read', 0, { visible: () => store.checkNotCollected(request.from) });
    const number = await this.perform('take', 0, { visible: () => store.takeNumber() });
    await next('taken', number);
    for (let earlier = number - 1; earlier >= Math.max(committed, 1); earlier--) {
      await this.perform('fence', number, {
        visible: () => {
          store.epoch(earlier).isFenced = true;
        },
      });
    }
    await next('fenced', number);
    const log = await this.perform('read', number, { visible: () => this.#lookAtHead(number, request.from) });
    await next('read', number);
    for (const batch of log.committed) await deliver(request, batch);
    await this.perform('copy', number, {
      visible: () => undefined,
      durable: () => {
        const mine = store.epoch(number);
        mine.batches = [...log.suffix];
        mine.visible = log.suffix.length;
        mine.durable = log.suffix.length;
      },
    });
    await next('copied', number);
    await this.perform('slot', number, {
      visible: () => {
        store.epoch(number).slot = log.slot;
      },
      durable: () => {
        store.epoch(number).isSlotDurable = true;
      },
    });
    await next('slotted', number);
    const writer = new MemoryJournalWriter(store, number, log.retention, {
      perform: (kind, effects) => this.perform(kind, number, effects),
      step: (step) => this.step(step, number),
    });
    this.#writers.add(writer);
    try {
      const notBeforeMs = log.suffix.at(-1)?.timeMs ?? log.committed.at(-1)?.timeMs ?? 0;
      const entry = request.entry(writer.epoch, notBeforeMs);
      await writer.append([entry.bytes], Math.max(entry.timeMs, notBeforeMs));
      const claimed = store.epoch(number).batches[log.suffix.length];
      assert(claimed !== undefined);
      for (const batch of [...log.adopted, claimed]) await deliver(request, batch);
      return writer;
    } catch (error) {
      await writer.close();
      throw asError(error);
    }
  }

  /** What is not there may have been collected by a later leader: the own fence tells. */
  #lookAtHead(number: number, from: ChainPoint): MemoryHead {
    try {
      return this.#readHead(number, from);
    } catch (error) {
      if (!this.#store.epoch(number).isFenced || !(isError(error, 'corrupt') || isError(error, 'out_of_range'))) throw error;
      throw new UnderstudyError('fenced', `a later epoch exists: epoch=${number}`, { cause: error });
    }
  }

  #readHead(number: number, from: ChainPoint): MemoryHead {
    const store = this.#store;
    store.checkNotCollected(from);
    const head = store.head(number);
    const { slot, batches, visible, collected } =
      head === 0 ? { slot: undefined, batches: [], visible: 0, collected: 0 } : store.epoch(head);
    const covered = head === 0 ? 0 : store.covered(head);
    if (collected > covered) throw new UnderstudyError('corrupt', `deleted batches are needed: epoch=${head}`);
    const suffix = batches.slice(covered, visible);
    const [baseEpoch, baseCount] = covered > 0 ? [head, covered] : [slot?.baseEpoch ?? 0, slot?.baseCount ?? 0];
    const base = store.pointAfter(baseEpoch, baseCount);
    const last = suffix.at(-1);
    if (from.sn > (last === undefined ? base : endOf(last)).sn) throw aheadError(from);
    const index = suffix.findLastIndex((batch) => batch.firstSn <= from.sn);
    if (index >= 0) checkSame(suffix[index], from);
    return {
      slot: { baseEpoch, baseCount, base, copies: suffix.length },
      suffix,
      adopted: suffix.slice(index + 1),
      committed: index >= 0 ? [] : store.behind(from, baseEpoch, baseCount),
      retention: store.newestRetention(number),
    };
  }

  async *read(request: ReadRequest): AsyncGenerator<Batch, void, void> {
    if (this.#closing.signal.aborted) throw closed();
    const signal = AbortSignal.any([request.signal, this.#closing.signal]);
    let from = request.from;
    while (!signal.aborted) {
      const batches = await this.#look(from);
      for (const batch of batches ?? []) {
        if (signal.aborted) return;
        from = endOf(batch);
        yield batch;
      }
      if (signal.aborted) return;
      if ((batches ?? []).length === 0) request.onIdle?.();
      try {
        await sleep(this.#store.clock, this.#store.settings.pollIntervalMs, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  async #look(from: ChainPoint): Promise<Batch[] | undefined> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.perform('read', 0, { visible: () => this.#committedBehind(from) });
      } catch (error) {
        if (!isError(error, 'unavailable') || this.#isKilled || tries === LOOK_TRIES) throw error;
        await sleep(this.#store.clock, this.#store.settings.pollIntervalMs * 2 ** tries);
      }
    }
  }

  /** @returns undefined where `from` lies beyond what is known to be committed, yet not beyond all there is. */
  #committedBehind(from: ChainPoint): Batch[] | undefined {
    const store = this.#store;
    store.checkNotCollected(from);
    const number = store.highestCommitted();
    const count = number === 0 ? 0 : store.covered(number);
    if (from.sn <= store.pointAfter(number, count).sn) return store.behind(from, number, count);
    const head = store.head();
    if (from.sn > store.pointAfter(head, head === 0 ? 0 : store.epoch(head).visible).sn) throw aheadError(from);
    return undefined;
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(closed());
    await this.#claim;
    await Promise.all([...this.#writers].map((writer) => writer.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function deliver(request: ClaimRequest, batch: Batch): Promise<void> {
  throwIfAborted(request.signal);
  await request.deliver(batch);
}

function aheadError(from: ChainPoint): UnderstudyError {
  return new UnderstudyError('corrupt', `the position lies beyond the end of the journal: sn=${from.sn}`);
}

function closed(): UnderstudyError {
  return new UnderstudyError('cancelled', 'the journal is closed');
}
