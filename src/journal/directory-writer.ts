/**
 * Appends to the log of one epoch on a shared file system. The order of every append is the protocol: write the batch, make it durable,
 * *then* read the own fence page. Whoever supersedes this epoch writes the fence, then reads the log: one of the two sees the other.
 *
 * - One append at a time: batch n+1 is written only when n is durable, so a bad batch before a sound one is damage, never a tear.
 * - Any failed write or sync ends the writer for good (I8); what it left is for a claimant to decide. `confirm` goes on. Only that the next
 *   segment found no room, before anything of it was synced, is tried again.
 * - The mark page follows the last commit by a few milliseconds, off the acknowledging path.
 */
import assert from 'node:assert/strict';
import type { Timer } from '../base/clock.js';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import { isGone, type OpenFile } from '../base/files.js';
import { type Epoch, epoch } from '../base/ids.js';
import { type Histogram, noMetrics, SECONDS } from '../base/metrics.js';
import { abortError, deferred, throwIfAborted } from '../base/wait.js';
import { batchBytes, encodeBatch } from './batch-format.js';
import { boundarySn, checkRetention, type Retention } from './checkpoints.js';
import { type DirectoryContext, formatPath } from './directory-layout.js';
import { collect } from './directory-retention.js';
import { type FormatFile, readFormat } from './format-file.js';
import type { Appended, AppendOptions, ChainPoint, JournalWriter } from './journal.js';
import type { Ledger } from './ledger.js';
import { MarkWriter } from './mark-writer.js';
import type { Place, Slot } from './page-format.js';
import { createSegment, type MadeSegment, SEGMENT_DATA_OFFSET } from './segment-file.js';
import { encodeTrailer, TRAILER_BYTES } from './trailer-format.js';

const CHECK_INTERVAL_MS = 1000;
/** On a local disk it is a few microseconds. */
const FENCE_SECONDS = [0.000005, 0.00001, 0.000025, 0.00005, ...SECONDS];
/** Checks in a row that find no file under a path: another machine's cache may lag. */
const MISSING_MAX = 3;

export interface DirectoryWriterStart {
  readonly slot: Slot;
  readonly segmentPath: string;
  readonly segmentBytes: number;
  readonly format: FormatFile;
  /** The newest that an earlier epoch made known: it is repeated. */
  readonly retention: Retention;
}

export class DirectoryWriter implements JournalWriter {
  readonly epoch: Epoch;
  readonly #context: DirectoryContext;
  readonly #ledger: Ledger;
  readonly #format: FormatFile;
  readonly #writerId: Uint8Array;
  readonly #slot: Slot;
  readonly #marks: MarkWriter;
  readonly #dead = new AbortController();
  readonly #closed = deferred<void>();
  readonly #syncSeconds: Histogram;
  readonly #fenceSeconds: Histogram;
  #segment: OpenFile;
  #segmentBytes: number;
  #place: Place;
  #scratch = Buffer.allocUnsafeSlow(64 << 10);
  #isAppending = false;
  #appended: Promise<unknown> = Promise.resolve();
  #isRetaining = false;
  #retained: Promise<unknown> = Promise.resolve();
  #confirming: Promise<void> | undefined;
  #gathered: Promise<void> | undefined;
  #nextSegment: { readonly index: number; readonly made: Promise<MadeSegment>; failed: boolean } | undefined;
  #isNextWanted = false;
  /** The closing of segments that were left behind. */
  #leaving: Promise<unknown> = Promise.resolve();
  #freeBytes = Number.POSITIVE_INFINITY;
  #checkTimer: Timer | undefined;
  #checking: Promise<void> | undefined;
  #missing = 0;
  #closing: Promise<void> | undefined;

  private constructor(context: DirectoryContext, ledger: Ledger, start: DirectoryWriterStart, segment: OpenFile) {
    this.epoch = epoch(start.slot.epoch);
    this.#context = context;
    this.#ledger = ledger;
    this.#format = start.format;
    this.#writerId = context.deps.random.bytes(16);
    const { metrics = noMetrics } = context.deps;
    this.#syncSeconds = metrics.histogram('understudy_journal_sync_seconds', 'Time to write a batch and make it durable.', SECONDS);
    this.#fenceSeconds = metrics.histogram(
      'understudy_journal_fence_check_seconds',
      'Time to look whether a later leader has fenced this one.',
      FENCE_SECONDS,
    );
    this.#slot = start.slot;
    this.#segment = segment;
    this.#segmentBytes = start.segmentBytes;
    this.#place = start.slot.copiesEnd;
    this.#marks = new MarkWriter(context, ledger, start.retention, (error) => {
      this.#die(asError(error, 'unavailable'));
    });
  }

  /** Only a claim calls this, with the slot durable. Takes `ledger` over, closing it with the writer. */
  static async start(context: DirectoryContext, ledger: Ledger, start: DirectoryWriterStart): Promise<DirectoryWriter> {
    const free = await context.deps.files.freeBytes(context.settings.folder);
    const segment = await context.deps.files.open(start.segmentPath, { write: true, durableWrites: !context.direct });
    const writer = new DirectoryWriter(context, ledger, start, segment);
    writer.#noteSpace(free);
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

  append(entries: readonly Uint8Array[], timeMs: number, options: AppendOptions = {}): Promise<Appended> {
    assert(!this.#isAppending, 'one append at a time');
    assert(entries.length > 0, 'a batch has entries');
    this.#isAppending = true;
    const appended = this.#append(entries, timeMs, options).finally(() => {
      this.#isAppending = false;
    });
    this.#appended = appended.catch(() => undefined);
    return appended;
  }

  async #append(entries: readonly Uint8Array[], timeMs: number, options: AppendOptions): Promise<Appended> {
    throwIfAborted(this.#dead.signal);
    const { batchBytesMax, freeBytesReserve, folder } = this.#context.settings;
    const bytes = batchBytes(entries);
    if (bytes > batchBytesMax) throw new UnderstudyError('resource_exhausted', `a batch is too large: bytes=${bytes} max=${batchBytesMax}`);
    const isClaim = this.#place.point.sn === this.#slot.copiesEnd.point.sn;
    if (this.#freeBytes < freeBytesReserve && !isClaim && options.mayUseReserve !== true) {
      throw new UnderstudyError(
        'unavailable',
        `the journal is out of space: folder=${folder} free=${this.#freeBytes} reserve=${freeBytesReserve}`,
      );
    }
    if (this.#place.offset + bytes + TRAILER_BYTES > this.#segmentBytes) await this.#rotate();
    throwIfAborted(this.#dead.signal);
    if (bytes > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(Math.min(2 ** Math.ceil(Math.log2(bytes)), batchBytesMax));
    const header = { epoch: this.epoch, writerId: this.#writerId, previous: this.#place.point, committedSn: this.#place.point.sn, timeMs };
    const encoded = encodeBatch(this.#scratch, header, entries);
    try {
      await this.#writeDurably(encoded.bytes, this.#place.offset);
      await this.#context.deps.pause?.('durable', this.epoch);
      await this.#checkFence();
      const { aborted, reason } = this.#dead.signal;
      if (aborted && !isError(reason, 'cancelled')) throw reason; // what this wrote to may not be the journal any more
    } catch (error) {
      throw this.#die(isError(error, 'fenced') ? error : this.#unknown(error));
    }
    const point: ChainPoint = { sn: (this.#place.point.sn + entries.length) as ChainPoint['sn'], hash: encoded.hash };
    this.#place = { ...this.#place, offset: this.#place.offset + bytes, point };
    this.#marks.committed(this.#place);
    if (this.#place.offset > this.#segmentBytes / 4) this.#prepareNext().catch(() => undefined);
    return { ...point, sealed: encoded.bytes };
  }

  #unknown(cause: unknown): UnderstudyError {
    const { segment, offset, point } = this.#place;
    const message = cause instanceof Error ? cause.message : String(cause);
    return new UnderstudyError(
      'outcome_unknown',
      `append failed: ${message} segment=${this.epoch}-${segment} offset=${offset} sn=${point.sn + 1}`,
      { cause },
    );
  }

  /** One hop to the thread pool where a write may be durable by itself (measured quicker); elsewhere an explicit sync. */
  async #writeDurably(bytes: Uint8Array, offset: number): Promise<void> {
    const { clock } = this.#context.deps;
    const beganMs = clock.monotonicMs();
    await this.#segment.writeAll(bytes, offset);
    if (this.#context.direct) await this.#segment.dataSync();
    this.#syncSeconds.observe((clock.monotonicMs() - beganMs) / 1_000);
  }

  async #checkFence(): Promise<void> {
    const { clock } = this.#context.deps;
    const beganMs = clock.monotonicMs();
    const isFenced = this.#context.direct ? await this.#ledger.isFenced(this.epoch) : this.#ledger.isFencedSync(this.epoch);
    this.#fenceSeconds.observe((clock.monotonicMs() - beganMs) / 1_000);
    if (isFenced) throw new UnderstudyError('fenced', `a later epoch exists: epoch=${this.epoch}`);
  }

  async confirm(): Promise<void> {
    if (this.#closing !== undefined) throw new UnderstudyError('cancelled', 'the writer is closed');
    try {
      if (!this.#context.direct) await this.#checkFence();
      else await this.#confirmTogether();
    } catch (error) {
      throw isError(error, 'fenced') ? this.#die(error) : asError(error, 'unavailable');
    }
  }

  /** One look flies; requests that come meanwhile share the next one, which begins later than all of them. */
  #confirmTogether(): Promise<void> {
    if (this.#confirming === undefined) return this.#confirmNow();
    this.#gathered ??= this.#confirming
      .catch(() => undefined)
      .then(() => {
        this.#gathered = undefined;
        return this.#confirmNow();
      });
    return this.#gathered;
  }

  #confirmNow(): Promise<void> {
    const look = this.#checkFence().finally(() => {
      if (this.#confirming === look) this.#confirming = undefined;
    });
    this.#confirming = look;
    return look;
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

  /**
   * The fence is looked at once the mark is durable: who fences this epoch after that finds the mark and repeats it, so nothing is deleted
   * that the marks of a later epoch still name.
   */
  async #retain(retention: Retention): Promise<void> {
    throwIfAborted(this.#dead.signal);
    checkRetention(retention, this.end.sn);
    if (boundarySn(retention) < boundarySn(this.#marks.retention)) return;
    try {
      await this.#marks.retain(retention);
      await this.#context.deps.pause?.('known', this.epoch);
      await this.#checkFence();
      const before = async (): Promise<void> => {
        await this.#context.deps.pause?.('collecting', this.epoch);
        throwIfAborted(this.#dead.signal);
      };
      await collect(this.#context, this.#ledger, { tip: { slot: this.#slot, end: this.#place }, retention, before });
    } catch (error) {
      throw isError(error, 'fenced') ? this.#die(error) : asError(error, 'unavailable');
    }
  }

  /** @throws `unavailable` where there is no room for the next segment, `outcome_unknown` (and dies) where it or the trailer cannot be made durable. */
  async #rotate(): Promise<void> {
    const { segment, offset, point } = this.#place;
    this.#isNextWanted = true;
    if (this.#nextSegment?.failed === true) this.#nextSegment = undefined;
    const next = await this.#prepareNext().finally(() => {
      this.#isNextWanted = false;
    });
    const file = await this.#context.deps.files.open(next.path, { write: true, durableWrites: !this.#context.direct });
    if (this.#dead.signal.aborted) {
      await file.close();
      throw abortError(this.#dead.signal);
    }
    try {
      await this.#writeDurably(encodeTrailer({ epoch: this.epoch, successor: segment + 1, end: point }), offset);
    } catch (error) {
      await file.close();
      throw this.#die(this.#unknown(error));
    }
    const before = this.#segment;
    this.#segment = file;
    this.#segmentBytes = next.sizeBytes;
    this.#place = { epoch: this.epoch, segment: segment + 1, offset: SEGMENT_DATA_OFFSET, point };
    const left = [this.#leaving, this.#checking]; // a check may be looking at it
    this.#leaving = Promise.allSettled(left).then(() => before.close());
    this.#leaving.catch((error: unknown) => this.#die(this.#unknown(error)));
  }

  /** Begins making the next segment, once. @throws as `createSegment`; unless it only found no room, the writer has died. */
  #prepareNext(): Promise<MadeSegment> {
    const index = this.#place.segment + 1;
    if (this.#nextSegment?.index === index) return this.#nextSegment.made;
    const fillWhile = (): boolean => this.#context.settings.segmentPrefill && !this.#isNextWanted && !this.#dead.signal.aborted;
    const made = createSegment(this.#context, { epoch: this.epoch, segment: index }, { fillWhile });
    const next = { index, made, failed: false };
    this.#nextSegment = next;
    made.catch((error: unknown) => {
      next.failed = true;
      if (!isError(error, 'unavailable')) this.#die(asError(error));
      else this.#context.deps.log.warn({ error, epoch: this.epoch, segment: index }, 'cannot make the next journal segment yet');
    });
    return made;
  }

  #scheduleCheck(): void {
    this.#checkTimer = this.#context.deps.clock.setTimer(CHECK_INTERVAL_MS, () => {
      this.#checking = this.#check();
      this.#checking.then(
        () => {
          if (!this.#dead.signal.aborted) this.#scheduleCheck();
        },
        (error: unknown) => this.#die(asError(error)),
      );
    });
  }

  /** Whether the journal at the path is still the one that is written to, and how much room there is. */
  async #check(): Promise<void> {
    const { folder } = this.#context.settings;
    try {
      this.#noteSpace(await this.#context.deps.files.freeBytes(folder));
      const isSame = (await this.#ledger.file.isStillAtPath()) && (await this.#isSegmentAtPath());
      const format = await readFormat(this.#context.deps.files, formatPath(folder), this.#context.direct);
      this.#missing = 0;
      if (isSame && format.clusterId === this.#format.clusterId && format.incarnationId === this.#format.incarnationId) return;
    } catch (error) {
      if (!isGone(error)) {
        this.#context.deps.log.warn({ error, folder }, 'cannot check the journal folder');
        return;
      }
      this.#missing += 1;
      if (this.#missing < MISSING_MAX) return;
    }
    this.#die(new UnderstudyError('unavailable', `another journal, or none, is at this path now: folder=${folder}`));
  }

  #noteSpace(free: number): void {
    const { folder, freeBytesReserve: reserve } = this.#context.settings;
    const wasShort = this.#freeBytes < reserve;
    this.#freeBytes = free;
    if (wasShort === free < reserve) return;
    if (wasShort) this.#context.deps.log.info({ folder, free, reserve }, 'the journal has room again');
    else this.#context.deps.log.warn({ folder, free, reserve }, 'the journal is out of space: changes are refused until there is room');
  }

  async #isSegmentAtPath(): Promise<boolean> {
    const segment = this.#segment;
    try {
      return (await segment.isStillAtPath()) || this.#segment !== segment;
    } catch (error) {
      if (this.#segment !== segment) return true; // closed meanwhile, by a rotation
      throw error;
    }
  }

  #die(error: Error): Error {
    if (!this.#dead.signal.aborted) {
      this.#dead.abort(error);
      this.#checkTimer?.cancel();
      if (isError(error, 'fenced')) this.#marks.stop();
    }
    return error;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close().finally(() => this.#closed.resolve());
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#die(new UnderstudyError('cancelled', 'the writer is closed'));
    await this.#appended;
    await this.#retained;
    // A gathered look begins when the one before it ends; none is gathered any more.
    for (let look = this.#gathered ?? this.#confirming; look !== undefined; look = this.#gathered ?? this.#confirming) {
      await look.catch(() => undefined);
    }
    await this.#nextSegment?.made.catch(() => undefined);
    await this.#checking?.catch(() => undefined);
    await this.#leaving.catch(() => undefined);
    await this.#marks.close();
    await this.#segment.close();
    await this.#ledger.close();
    this.#scratch = Buffer.alloc(0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
