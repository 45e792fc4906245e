/**
 * The file LEDGER: four pages per epoch (slot, two marks, fence), at a fixed place. Made once at its full size; sparse.
 *
 * - A page is written whole, durable on return. A torn one fails its checksum, so it counts as never written.
 * - Anything but a full-length, all-zero read of a fence page means fenced.
 * - Every epoch below the highest committed one is fenced (its holder did that first), so the boundary between fenced and not can be
 *   searched by halves, without listing a folder.
 */

import { UnderstudyError } from '../base/errors.js';
import { type OpenFile, PAGE_BYTES } from '../base/files.js';
import { sleep } from '../base/wait.js';
import { type DirectoryContext, EPOCHS_MAX, ledgerPath } from './directory-layout.js';
import { decodeMark, decodeSlot, encodeMark, encodeSlot, FENCE_PAGE, type Mark, type Slot } from './page-format.js';
import { isZero } from './stored-bytes.js';

const EPOCH_BYTES = 4 * PAGE_BYTES;
export const LEDGER_BYTES = EPOCHS_MAX * EPOCH_BYTES;
const SLOT_PAGE = 0;
const MARK_PAGES = [1, 2] as const;
const FENCE_AT = 3;
/** A page that another machine writes just now can look torn. */
const TORN_READS_MAX = 5;
const TORN_READ_PAUSE_MS = 2;

/** What the four pages of an epoch say. */
export interface EpochPages {
  readonly epoch: number;
  /** Undefined where the page is empty or torn. */
  readonly slot: Slot | undefined;
  /** The higher sound one. */
  readonly mark: Mark | undefined;
  readonly fenced: boolean;
}

export class Ledger implements AsyncDisposable {
  readonly file: OpenFile;
  readonly #writing: OpenFile | undefined;
  readonly #context: DirectoryContext;
  readonly #fencePage: Buffer;
  #isClosed = false;

  private constructor(context: DirectoryContext, file: OpenFile, writing: OpenFile | undefined) {
    this.#context = context;
    this.file = file;
    this.#writing = writing;
    this.#fencePage = file.buffers.take(PAGE_BYTES);
  }

  /** With `write`, a descriptor of its own for writing: after an I/O error, open another ledger. */
  static async open(context: DirectoryContext, options: { write?: boolean } = {}): Promise<Ledger> {
    const at = ledgerPath(context.settings.folder);
    const file = await context.deps.files.open(at, { direct: context.direct });
    if (options.write !== true) return new Ledger(context, file, undefined);
    try {
      return new Ledger(context, file, await context.deps.files.open(at, { write: true, direct: context.direct }));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** @throws `corrupt` where both marks are damaged; `unavailable`. */
  async read(epoch: number): Promise<EpochPages> {
    checkEpoch(epoch);
    const pages = this.file.buffers.take(EPOCH_BYTES);
    const where = `file=${this.file.path} epoch=${epoch}`;
    try {
      for (let tries = 1; ; tries++) {
        await this.file.readExactly(pages, epoch * EPOCH_BYTES);
        const page = (index: number): Buffer => pages.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
        const marks = MARK_PAGES.map((index) => decodeMark(page(index), where)).filter((mark) => mark?.epoch === epoch);
        const slot = decodeSlot(page(SLOT_PAGE), where);
        const fenced = !isZero(page(FENCE_AT));
        if (marks.length > 0 || MARK_PAGES.some((index) => isZero(page(index)))) {
          const mark = marks.reduce((a, b) => ((b?.counter ?? 0) > (a?.counter ?? 0) ? b : a), undefined);
          return { epoch, slot: slot?.epoch === epoch ? slot : undefined, mark, fenced };
        }
        if (tries === TORN_READS_MAX) {
          const offset = epoch * EPOCH_BYTES + PAGE_BYTES;
          throw new UnderstudyError(
            'corrupt',
            `both marks of an epoch are damaged: file=${this.file.path} offset=${offset} epoch=${epoch}`,
          );
        }
        await sleep(this.#context.deps.clock, TORN_READ_PAUSE_MS);
      }
    } finally {
      this.file.buffers.give(pages);
    }
  }

  /** @returns the slot, whatever the other pages hold: for tools. Undefined where it is empty or damaged. */
  async readSlot(epoch: number): Promise<Slot | undefined> {
    checkEpoch(epoch);
    const page = this.file.buffers.take(PAGE_BYTES);
    try {
      await this.file.readExactly(page, slotOffset(epoch));
      const slot = decodeSlot(page);
      return slot?.epoch === epoch ? slot : undefined;
    } finally {
      this.file.buffers.give(page);
    }
  }

  async isFenced(epoch: number): Promise<boolean> {
    checkEpoch(epoch);
    const page = this.file.buffers.take(PAGE_BYTES);
    try {
      await this.file.readExactly(page, fenceOffset(epoch));
      return !isZero(page);
    } finally {
      this.file.buffers.give(page);
    }
  }

  /** As `isFenced`, in microseconds where the file system is local. */
  isFencedSync(epoch: number): boolean {
    this.file.readExactlySync(this.#fencePage, fenceOffset(epoch));
    return !isZero(this.#fencePage);
  }

  /**
   * @param known an epoch that is known to have committed; 0: none.
   * @returns an epoch from `known` on that is not fenced while the one before it is: no lower than the highest committed one.
   */
  async fenceBoundary(known = 0): Promise<number> {
    let fenced = Math.max(known - 1, 0);
    let open = fenced + 1;
    for (let stride = 1; await this.isFenced(open); stride *= 2) {
      fenced = open;
      open = Math.min(fenced + stride, EPOCHS_MAX - 1);
      if (open === fenced)
        throw new UnderstudyError('resource_exhausted', `the ledger is full: file=${this.file.path} epochs=${EPOCHS_MAX}`);
    }
    while (open - fenced > 1) {
      const middle = Math.floor((fenced + open) / 2);
      if (await this.isFenced(middle)) fenced = middle;
      else open = middle;
    }
    return open;
  }

  writeFence(epoch: number): Promise<void> {
    return this.#write(FENCE_PAGE, epoch, FENCE_AT);
  }

  /** Fences the epochs [from, to), with one sync: for a journal that nobody sees yet. */
  async writeFences(from: number, to: number): Promise<void> {
    for (let epoch = from; epoch < to; epoch++) await this.#put(FENCE_PAGE, epoch, FENCE_AT);
    await this.#writing?.dataSync();
  }

  writeSlot(slot: Slot): Promise<void> {
    return this.#write(encodeSlot(slot), slot.epoch, SLOT_PAGE);
  }

  /**
   * Writes the slot of another's epoch once more, with the very bytes that stand there: durable on return, whether its holder's sync came to
   * an end or not.
   *
   * @throws `unavailable` where it is gone meanwhile.
   */
  async repeatSlot(epoch: number): Promise<void> {
    checkEpoch(epoch);
    const page = this.file.buffers.take(PAGE_BYTES);
    try {
      await this.file.readExactly(page, slotOffset(epoch));
      if (decodeSlot(page)?.epoch !== epoch)
        throw new UnderstudyError('unavailable', `a slot was lost: file=${this.file.path} epoch=${epoch}`);
      await this.#write(page, epoch, SLOT_PAGE);
    } finally {
      this.file.buffers.give(page);
    }
  }

  /** Writes the mark over the older of the two, so that a torn write leaves the other. */
  writeMark(mark: Mark): Promise<void> {
    return this.#write(encodeMark(mark), mark.epoch, MARK_PAGES[mark.counter % 2 === 0 ? 0 : 1]);
  }

  async #write(page: Buffer, epoch: number, index: number): Promise<void> {
    await this.#put(page, epoch, index);
    await this.#writing?.dataSync();
  }

  /** Not durable on return. */
  async #put(page: Buffer, epoch: number, index: number): Promise<void> {
    checkEpoch(epoch);
    const file = this.#writing;
    if (file === undefined) throw new UnderstudyError('internal', 'the ledger was opened for reading');
    const aligned = this.file.buffers.take(PAGE_BYTES);
    try {
      page.copy(aligned);
      await file.writeAll(aligned, epoch * EPOCH_BYTES + index * PAGE_BYTES);
    } finally {
      this.file.buffers.give(aligned);
    }
  }

  /** @returns where the pages of an epoch begin. */
  offset(epoch: number): number {
    return epoch * EPOCH_BYTES;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.file.buffers.give(this.#fencePage);
    await Promise.all([this.file.close(), this.#writing?.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export function slotOffset(epoch: number): number {
  return epoch * EPOCH_BYTES + SLOT_PAGE * PAGE_BYTES;
}

function fenceOffset(epoch: number): number {
  return epoch * EPOCH_BYTES + FENCE_AT * PAGE_BYTES;
}

function checkEpoch(epoch: number): void {
  if (!(epoch >= 1 && epoch < EPOCHS_MAX)) {
    throw new UnderstudyError('resource_exhausted', `no such epoch in the ledger: epoch=${epoch} below=${EPOCHS_MAX}`);
  }
}
