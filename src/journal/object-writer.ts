/**
 * Appends to a journal on an object store: one batch, one object, in the slot behind the last one. That PUT is the commit: it succeeds only
 * where nothing stands, and what supersedes this epoch stands in exactly that slot.
 *
 * - One PUT in flight. Its outcome is found out before anything else is sent; where it cannot be, within a bound, the writer is dead.
 * - A confirm looks whether the next slot is empty. None is sent while a PUT is in flight: the next append whose PUT is sent later is one, or a
 *   look after this one. Anything in that slot fails it, an own batch of unknown outcome too, until a claim has resolved and applied it.
 * - Once a second the writer sees whether FORMAT is still its own, and whether a claimant asks for a pause.
 */
import assert from 'node:assert/strict';
import type { Timer } from '../base/clock.js';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import { type Epoch, epoch } from '../base/ids.js';
import { deferred, throwIfAborted } from '../base/wait.js';
import { batchBytes, encodeBatch } from './batch-format.js';
import type { Retention } from './checkpoints.js';
import { ConfirmTurns } from './confirm-turns.js';
import { decodeFormat } from './format-file.js';
import { IntentWatch } from './intent-watch.js';
import type { Appended, ChainPoint, JournalWriter } from './journal.js';
import { ObjectCollector } from './object-collector.js';
import { ENVELOPE_BYTES, sealEnvelope } from './object-format.js';
import { FORMAT_KEY } from './object-layout.js';
import type { ObjectJournalParts } from './object-parts.js';
import type { Place } from './place.js';

const CHECK_INTERVAL_MS = 1000;

export class ObjectWriter implements JournalWriter {
  readonly epoch: Epoch;
  readonly #parts: ObjectJournalParts;
  readonly #writerId: Uint8Array;
  readonly #intents: IntentWatch;
  readonly #confirms: ConfirmTurns;
  readonly #collector: ObjectCollector;
  readonly #dead = new AbortController();
  readonly #closed = deferred<void>();
  #place: Place;
  #scratch = Buffer.allocUnsafeSlow(64 << 10);
  #isAppending = false;
  #appended: Promise<unknown> = Promise.resolve();
  #retained: Promise<unknown> = Promise.resolve();
  #checkTimer: Timer | undefined;
  #checking: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(parts: ObjectJournalParts, claim: Place, writerId: Uint8Array) {
    this.epoch = epoch(claim.epoch);
    this.#parts = parts;
    this.#place = claim;
    this.#writerId = writerId;
    this.#intents = new IntentWatch(parts.context, claim.epoch);
    this.#confirms = new ConfirmTurns(parts.context.deps.clock, () => this.#lookBehind());
    this.#collector = new ObjectCollector(parts, this.#dead.signal);
  }

  /** Only a claim calls this, with its object standing at the end of the log. */
  static start(parts: ObjectJournalParts, claim: Place, writerId: Uint8Array): ObjectWriter {
    const writer = new ObjectWriter(parts, claim, writerId);
    writer.#scheduleCheck();
    return writer;
  }

  get end(): ChainPoint {
    return this.#place.point;
  }

  get dead(): AbortSignal {
    return this.#dead.signal;
  }

  /** Resolves once it is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  append(entries: readonly Uint8Array[], timeMs: number): Promise<Appended> {
    assert(!this.#isAppending, 'one append at a time');
    assert(entries.length > 0, 'a batch has entries');
    this.#isAppending = true;
    const appended = this.#append(entries, timeMs).finally(() => {
      this.#isAppending = false;
    });
    this.#appended = appended.catch(() => undefined);
    return appended;
  }

  async #append(entries: readonly Uint8Array[], timeMs: number): Promise<Appended> {
    throwIfAborted(this.#dead.signal);
    const { batchBytesMax } = this.#parts.context.settings;
    const bytes = batchBytes(entries);
    if (bytes > batchBytesMax) throw new UnderstudyError('resource_exhausted', `a batch is too large: bytes=${bytes} max=${batchBytesMax}`);
    if (this.#intents.isPausing) await this.#intents.pause(this.#dead.signal);
    const { deps } = this.#parts.context;
    const before = this.#place;
    const slot = before.slot + 1;
    const object = this.#room(ENVELOPE_BYTES + bytes);
    const header = { epoch: this.epoch, writerId: this.#writerId, previous: before.point, committedSn: before.point.sn, timeMs };
    const sealed = encodeBatch(object.subarray(ENVELOPE_BYTES), header, entries);
    const putId = deps.random.bytes(16);
    sealEnvelope(object, { slot, isClaim: false, putId });
    const land = this.#confirms.board();
    try {
      await deps.pause?.('sealed', this.epoch);
      await this.#create(slot, object, putId);
      await deps.pause?.('durable', this.epoch);
    } catch (error) {
      land(isError(error, 'fenced') ? error : 'unknown');
      if (isError(error, 'unavailable')) throw error;
      if (isError(error, 'fenced') || isError(error, 'corrupt')) throw this.#die(error);
      throw this.#die(asUnknown(error, slot));
    }
    const point = { sn: (before.point.sn + entries.length) as ChainPoint['sn'], hash: sealed.hash };
    this.#place = { slot, point, epoch: this.epoch, timeMs };
    this.#parts.places.note(this.#place);
    land('held');
    return { ...point, sealed: sealed.bytes };
  }

  /** @throws as `SlotLog.create`, and `fenced` where something else stands in the slot. */
  async #create(slot: number, bytes: Uint8Array, putId: Uint8Array): Promise<void> {
    const { clock } = this.#parts.context.deps;
    const sentMs = clock.monotonicMs();
    const outcome = await this.#parts.log.create({ slot, bytes, putId, signal: this.#dead.signal });
    this.#intents.noteRoundTrip(clock.monotonicMs() - sentMs);
    if (outcome !== 'created') throw this.#fencedBy(slot, outcome.stored.batch.epoch);
  }

  #room(bytes: number): Buffer {
    if (bytes > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(bytes)));
    return this.#scratch.subarray(0, bytes);
  }

  async confirm(): Promise<void> {
    if (this.#closing !== undefined) throw closedError();
    const { reason } = this.#dead.signal;
    if (isError(reason, 'fenced')) throw reason;
    await this.#confirms.wait();
  }

  /** Whether nothing stands behind the last own batch. No append is in flight when this begins. */
  async #lookBehind(): Promise<void> {
    const wasDead = this.#dead.signal.aborted;
    const slot = this.#place.slot + 1;
    const there = await this.#parts.log.read(slot);
    if (there === undefined) {
      // A batch of unknown outcome may have landed, been built upon and been collected: the slot is empty again.
      if (wasDead && (await this.#parts.boundaries.slot()) > slot) throw this.#die(this.#fencedBy(slot));
      return;
    }
    const { batch, writerId } = there.stored;
    if (Buffer.compare(writerId, this.#writerId) !== 0) throw this.#die(this.#fencedBy(slot, batch.epoch));
    // Sent after this look began, so the slot was empty then.
    if (!wasDead) return;
    // Nothing else was ever sent: what stands behind it is not ours.
    const behind = await this.#parts.log.read(slot + 1);
    if (behind !== undefined) throw this.#die(this.#fencedBy(slot + 1, behind.stored.batch.epoch));
    throw new UnderstudyError(
      'outcome_unknown',
      `a batch whose outcome was unknown stands in the journal, to be applied by a claim: slot=${slot}`,
    );
  }

  #fencedBy(slot: number, later?: number): UnderstudyError {
    return new UnderstudyError('fenced', `a later epoch exists: epoch=${this.epoch} later=${later ?? 'unknown'} slot=${slot}`);
  }

  retain(retention: Retention): Promise<void> {
    const retained = this.#retain(retention);
    this.#retained = retained.catch(() => undefined);
    return retained;
  }

  async #retain(retention: Retention): Promise<void> {
    throwIfAborted(this.#dead.signal);
    await this.confirm();
    try {
      await this.#collector.retain(retention, this.epoch, this.#place.point.sn);
    } catch (error) {
      throw asError(error, 'unavailable');
    }
  }

  #scheduleCheck(): void {
    this.#checkTimer = this.#parts.context.deps.clock.setTimer(CHECK_INTERVAL_MS, () => {
      this.#checking = this.#check();
      this.#checking.then(
        () => {
          if (!this.#dead.signal.aborted) this.#scheduleCheck();
        },
        (error: unknown) => this.#die(asError(error)),
      );
    });
  }

  /** Whether the journal that is written to is still the one that FORMAT names; and whether somebody asks for a pause. */
  async #check(): Promise<void> {
    const { deps, format } = this.#parts.context;
    const { store, log } = deps;
    try {
      await this.#intents.look();
      const page = await store.get(FORMAT_KEY, this.#dead.signal);
      const now = page === undefined ? undefined : decodeFormat(page, store.location + FORMAT_KEY);
      if (now?.clusterId === format.clusterId && now.incarnationId === format.incarnationId) return;
    } catch (error) {
      if (!this.#dead.signal.aborted) log.warn({ error, location: store.location }, 'cannot check the journal');
      return;
    }
    this.#die(new UnderstudyError('unavailable', `another journal, or none, is at this place now: location=${store.location}`));
  }

  #die(error: Error): Error {
    if (!this.#dead.signal.aborted) {
      this.#dead.abort(error);
      this.#checkTimer?.cancel();
    }
    return error;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close().finally(() => this.#closed.resolve());
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#die(closedError());
    await this.#appended;
    await this.#confirms.idle();
    await this.#checking?.catch(() => undefined);
    await this.#retained;
    this.#scratch = Buffer.alloc(0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function closedError(): UnderstudyError {
  return new UnderstudyError('cancelled', 'the writer is closed');
}

function asUnknown(error: unknown, slot: number): UnderstudyError {
  if (isError(error, 'outcome_unknown')) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new UnderstudyError('outcome_unknown', `append failed: ${message} slot=${slot}`, { cause: error });
}
