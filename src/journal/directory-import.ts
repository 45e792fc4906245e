/**
 * Fills a directory journal that has no FORMAT yet, so that nobody sees it, with what another journal holds. It then looks as if the leader
 * of the last epoch had just ended in order: each epoch's batches in segments of its own, linked by slots and trailers, all epochs but
 * the last fenced, and a mark at the end that covers everything. Batches are the same bytes, so the chain is the same.
 *
 * Everything is durable when it returns.
 */
import { UnderstudyError } from '../base/errors.js';
import { type OpenFile, PAGE_BYTES } from '../base/files.js';
import { DirectoryCheckpoints } from './directory-checkpoints.js';
import type { DirectoryContext } from './directory-layout.js';
import { type Batch, type ChainPoint, endOf } from './journal.js';
import type { JournalContents } from './journal-contents.js';
import { Ledger } from './ledger.js';
import type { Place } from './page-format.js';
import { createSegment, SEGMENT_DATA_OFFSET } from './segment-file.js';
import { encodeTrailer, TRAILER_BYTES } from './trailer-format.js';

/** Batches are gathered up to this size, then written. */
const WRITE_BYTES = 1 << 20;

/** @throws what `contents` throws; `corrupt`: its batches do not follow each other; `resource_exhausted`: a batch is larger than the setting allows. */
export async function importDirectory(context: DirectoryContext, contents: JournalContents): Promise<void> {
  await using ledger = await Ledger.open(context, { write: true });
  const { point } = contents.begin;
  await using log = new LogImport(context, ledger, { epoch: 0, segment: 0, offset: 0, point });
  for await (const batch of contents.batches()) await log.append(batch);
  const committed = await log.finish();
  const retention = await contents.retention();
  const checkpoints = new DirectoryCheckpoints(context, new AbortController().signal);
  for (const ref of retention.checkpoints) await checkpoints.store(ref, contents.checkpoint(ref));
  if (committed.epoch === 0) return;
  await ledger.writeFences(1, committed.epoch);
  await ledger.writeMark({ epoch: committed.epoch, counter: 1, committed, retention });
}

/** @throws `corrupt` where `batch` does not follow what ends at `point`. */
export function checkFollows(batch: Batch, point: ChainPoint): void {
  if (batch.firstSn === point.sn + 1 && Buffer.compare(batch.previousHash, point.hash) === 0) return;
  throw new UnderstudyError('corrupt', `a batch does not follow the one before it: sn=${batch.firstSn} before=${point.sn}`);
}

class LogImport implements AsyncDisposable {
  readonly #context: DirectoryContext;
  readonly #ledger: Ledger;
  #file: OpenFile | undefined;
  /** Where the next batch goes. Epoch 0: before the first. */
  #place: Place;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(context: DirectoryContext, ledger: Ledger, place: Place) {
    this.#context = context;
    this.#ledger = ledger;
    this.#place = place;
  }

  async append(batch: Batch): Promise<void> {
    const { segmentBytes, batchBytesMax } = this.#context.settings;
    const bytes = batch.sealed.length;
    checkFollows(batch, this.#place.point);
    if (bytes > batchBytesMax) {
      const what = 'a batch is larger than this journal may have: raise understudy.master.journal.batch.size.max';
      throw new UnderstudyError('resource_exhausted', `${what}: sn=${batch.firstSn} bytes=${bytes} max=${batchBytesMax}`);
    }
    if (batch.epoch < this.#place.epoch)
      throw new UnderstudyError('corrupt', `an epoch goes back: sn=${batch.firstSn} epoch=${batch.epoch}`);
    if (batch.epoch > this.#place.epoch) await this.#beginEpoch(batch.epoch);
    else if (this.#place.offset + bytes + TRAILER_BYTES > segmentBytes) await this.#rotate();
    this.#pending.push(batch.sealed);
    this.#pendingBytes += bytes;
    this.#place = { ...this.#place, offset: this.#place.offset + bytes, point: endOf(batch) };
    if (this.#pendingBytes >= WRITE_BYTES) await this.#write();
  }

  /** @returns where the log ends. */
  async finish(): Promise<Place> {
    await this.#closeSegment();
    return this.#place;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
  }

  async #beginEpoch(epoch: number): Promise<void> {
    await this.#closeSegment();
    const base = this.#place;
    const begin: Place = { epoch, segment: 0, offset: SEGMENT_DATA_OFFSET, point: base.point };
    await this.#openSegment(begin);
    await this.#ledger.writeSlot({ epoch, base, copiesEnd: begin });
  }

  async #rotate(): Promise<void> {
    const { epoch, segment, point } = this.#place;
    const trailer = encodeTrailer({ epoch, successor: segment + 1, end: point });
    this.#pending.push(trailer);
    this.#pendingBytes += trailer.length;
    this.#place = { ...this.#place, offset: this.#place.offset + trailer.length };
    await this.#closeSegment();
    await this.#openSegment({ epoch, segment: segment + 1, offset: SEGMENT_DATA_OFFSET, point });
  }

  async #openSegment(place: Place): Promise<void> {
    const { segmentBytes } = this.#context.settings;
    const { path } = await createSegment(this.#context, {
      epoch: place.epoch,
      segment: place.segment,
      sizeBytes: segmentBytes + PAGE_BYTES,
    });
    this.#file = await this.#context.deps.files.open(path, { write: true });
    this.#place = place;
  }

  async #write(): Promise<void> {
    const bytes = Buffer.concat(this.#pending);
    await this.#file?.writeAll(bytes, this.#place.offset - bytes.length);
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  async #closeSegment(): Promise<void> {
    if (this.#file === undefined) return;
    await this.#write();
    await this.#file.sync();
    await this.#file.close();
    this.#file = undefined;
  }
}
