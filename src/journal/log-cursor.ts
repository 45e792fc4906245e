/**
 * Reads the batches in one epoch's segments in order, following trailers, and checks each against the chain.
 *
 * It believes only what it has just read: where no batch follows, it looks again at the file before it says so, and a later call looks
 * anew. It does not know what is committed; callers do.
 */
import { UnderstudyError } from '../base/errors.js';
import { PAGE_BYTES } from '../base/files.js';
import { BATCH_BYTES_LIMIT, type ParsedBatch, parseBatch, type StoredBatch } from './batch-format.js';
import { type DirectoryContext, segmentPath } from './directory-layout.js';
import { endOf } from './journal.js';
import type { Place, Slot } from './page-format.js';
import { type OpenSegment, openSegment, SEGMENT_DATA_OFFSET } from './segment-file.js';
import { decodeTrailer } from './trailer-format.js';

/** A look at the tail reads little; each full read in a row doubles. */
const READ_BYTES_MIN = 16 << 10;
const READ_BYTES_MAX = 1 << 20;

export type CursorStep =
  | { readonly kind: 'batch'; readonly stored: StoredBatch; readonly at: Place }
  /** No sound batch stands at `place`: nothing, or what is being written, torn or damaged (`reason`). */
  | { readonly kind: 'end'; readonly reason: string };

export class LogCursor implements AsyncDisposable {
  readonly #context: DirectoryContext;
  #place: Place;
  #segment: OpenSegment | undefined;
  /** Bytes [#chunkFrom, #chunkFrom + #chunkBytes) of the segment, as once read. */
  #chunk: Buffer;
  #chunkFrom = 0;
  #chunkBytes = 0;
  #readBytes = READ_BYTES_MIN;

  /** @param place where the next batch begins. One call of `next` at a time. */
  constructor(context: DirectoryContext, place: Place) {
    this.#context = context;
    this.#place = place;
    this.#chunk = context.deps.files.buffers.take(READ_BYTES_MAX);
  }

  /** @returns a cursor at the first batch of an epoch's log, its copies included. */
  static atStart(context: DirectoryContext, slot: Slot): LogCursor {
    return new LogCursor(context, { epoch: slot.epoch, segment: 0, offset: SEGMENT_DATA_OFFSET, point: slot.base.point });
  }

  /** Where the next batch begins. */
  get place(): Place {
    return this.#place;
  }

  /** @throws `corrupt` for a sound batch that does not continue the chain; `unavailable`. */
  async next(): Promise<CursorStep> {
    for (;;) {
      this.#segment ??= await openSegment(this.#context, this.#place.epoch, this.#place.segment);
      let parsed = this.#parse();
      if (parsed.kind !== 'batch') parsed = await this.#loadOrLeave(this.#segment, parsed);
      if (parsed.kind === 'batch') return this.#step(parsed.stored);
      const trailer = decodeTrailer(this.#chunk.subarray(0, this.#chunkBytes), this.#place.offset - this.#chunkFrom, this.#where);
      if (trailer === undefined || trailer.epoch !== this.#place.epoch) {
        this.#readBytes = READ_BYTES_MIN;
        return { kind: 'end', reason: parsed.kind === 'bad' ? parsed.reason : 'nothing' };
      }
      if (trailer.end.sn !== this.#place.point.sn) throw this.damage('a trailer does not continue the chain');
      await this.moveTo({ ...this.#place, segment: trailer.successor, offset: SEGMENT_DATA_OFFSET });
    }
  }

  get #where(): string {
    return `file=${this.#segment?.file.path}`;
  }

  #parse(): ParsedBatch {
    const at = this.#place.offset - this.#chunkFrom;
    if (at < 0 || at >= this.#chunkBytes) return { kind: 'short', bytes: 16 };
    return parseBatch(this.#chunk.subarray(0, this.#chunkBytes), at, this.#where);
  }

  /** After an error the segment is opened anew by the next look: on a network file system the descriptor itself can be stale. */
  async #loadOrLeave(segment: OpenSegment, before: ParsedBatch): Promise<ParsedBatch> {
    try {
      return await this.#load(segment, before);
    } catch (error) {
      await this.moveTo(this.#place).catch(() => undefined);
      throw error;
    }
  }

  /** Reads afresh from `place` on, as much as the batch there needs. */
  async #load(segment: OpenSegment, before: ParsedBatch): Promise<ParsedBatch> {
    const from = Math.floor(this.#place.offset / PAGE_BYTES) * PAGE_BYTES;
    const left = segment.header.sizeBytes - from;
    let bytes = Math.max(this.#readBytes, before.kind === 'short' ? this.#needed(from, before.bytes) : 0);
    for (;;) {
      bytes = Math.min(bytes, left);
      if (bytes > this.#chunk.length) this.#grow(bytes);
      await segment.file.readExactly(this.#chunk.subarray(0, bytes), from);
      this.#chunkFrom = from;
      this.#chunkBytes = bytes;
      this.#readBytes = Math.min(this.#readBytes * 2, READ_BYTES_MAX);
      const parsed = this.#parse();
      if (parsed.kind !== 'short') return parsed;
      if (bytes === left || parsed.bytes > BATCH_BYTES_LIMIT) return { kind: 'bad', reason: 'past the end of the segment' };
      bytes = this.#needed(from, parsed.bytes);
    }
  }

  #needed(from: number, batchBytes: number): number {
    return Math.ceil((this.#place.offset - from + batchBytes) / PAGE_BYTES) * PAGE_BYTES;
  }

  #grow(bytes: number): void {
    const larger = 2 ** Math.ceil(Math.log2(bytes));
    this.#context.deps.files.buffers.give(this.#chunk);
    this.#chunkBytes = 0;
    this.#chunk = this.#context.deps.files.buffers.take(larger);
  }

  #step(stored: StoredBatch): CursorStep {
    const at = this.#place;
    const { batch, bytes } = stored;
    if (batch.firstSn !== at.point.sn + 1 || Buffer.compare(batch.previousHash, at.point.hash) !== 0) {
      throw this.damage(`a batch does not continue the chain: first=${batch.firstSn}`);
    }
    this.#place = { ...at, offset: at.offset + bytes.length, point: endOf(batch) };
    return { kind: 'batch', stored, at };
  }

  /** Goes on at `place`. No `next` may be in flight. */
  async moveTo(place: Place): Promise<void> {
    await this.#segment?.file.close();
    this.#segment = undefined;
    this.#chunkBytes = 0;
    this.#place = place;
  }

  /** @returns an error that names where the cursor stands. */
  damage(what: string): UnderstudyError {
    return damageAt(this.#context, this.#place, what);
  }

  /** Idempotent. No `next` may be in flight. */
  async close(): Promise<void> {
    if (this.#chunk.length > 0) this.#context.deps.files.buffers.give(this.#chunk);
    this.#chunk = Buffer.alloc(0);
    this.#chunkBytes = 0;
    await this.#segment?.file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function damageAt(context: DirectoryContext, place: Place, what: string): UnderstudyError {
  const file = segmentPath(context.settings.folder, place.epoch, place.segment);
  return new UnderstudyError('corrupt', `${what} file=${file} offset=${place.offset} sn=${place.point.sn + 1}`);
}
