/**
 * Claims the journal on a shared file system: becomes the one writer. Each step is durable before the next:
 *
 * 1. prove that a write succeeds; take the next number, by an exclusive create in claims/
 * 2. fence every earlier epoch, down to and including the highest that is known to have committed (a number merely taken is no such proof)
 * 3. find the head: the highest earlier epoch that has a slot
 * 4. read its log to the last sound batch: the base is what its marks cover, the suffix is what follows. Where damage was passed over, the base
 *    is what the claimant has applied, and the head's slot is written once more: its holder may have hung before it was durable
 * 5. make our segment, with the suffix copied into it byte for byte: what could be read need not have been durable
 * 6. write our slot, naming the base
 * 7. append a claim batch in the ordinary way: its success is the claim's
 *
 * The suffix is delivered only after that: until then another claimant may decide otherwise about it. Before the first step, and again
 * before the segment and the slot, FORMAT and LEDGER at the path have to be those of the journal that was opened: it may have been formatted.
 */
import path from 'node:path';
import { asError, UnderstudyError } from '../base/errors.js';
import { errnoOf, PAGE_BYTES } from '../base/files.js';
import { throwIfAborted } from '../base/wait.js';
import type { StoredBatch } from './batch-format.js';
import { claimPath, type DirectoryContext, EPOCHS_MAX, formatPath, logFolder, PROBE_NAME } from './directory-layout.js';
import { checkNotCollected, newestRetention } from './directory-retention.js';
import { DirectoryWriter } from './directory-writer.js';
import { checkOnChain, cursorBehind, highestCommitted, legsBehind, slotOf } from './epoch-chain.js';
import { type FormatFile, readFormat } from './format-file.js';
import { findHead, type Head, type HeadLog, readHeadLog } from './head-log.js';
import { type Batch, type ChainPoint, type ClaimRequest, endOf, GENESIS } from './journal.js';
import { Ledger } from './ledger.js';
import type { LogCursor } from './log-cursor.js';
import type { Place, Slot } from './page-format.js';
import { createSegment, SEGMENT_DATA_OFFSET } from './segment-file.js';
import { retryStale } from './stale-read.js';
import { TRAILER_BYTES } from './trailer-format.js';

const PROBE_BYTES = 64 << 10;
const NOWHERE: Place = { epoch: 0, segment: 0, offset: 0, point: GENESIS };

/** The same contract as `Journal.claim`. */
export async function claimDirectory(context: DirectoryContext, format: FormatFile, request: ClaimRequest): Promise<DirectoryWriter> {
  const ledger = await Ledger.open(context, { write: true });
  let writer: DirectoryWriter | undefined;
  try {
    const claim = new Claim(context, ledger, request, format);
    writer = await claim.run();
    return writer;
  } catch (error) {
    if (writer === undefined) await ledger.close();
    throw asError(error, 'unavailable', 'cannot claim the journal');
  }
}

class Claim {
  readonly #context: DirectoryContext;
  readonly #ledger: Ledger;
  readonly #request: ClaimRequest;
  readonly #format: FormatFile;
  #lastTimeMs = 0;
  /** 0 before one is taken. */
  #number = 0;

  constructor(context: DirectoryContext, ledger: Ledger, request: ClaimRequest, format: FormatFile) {
    this.#context = context;
    this.#ledger = ledger;
    this.#request = request;
    this.#format = format;
  }

  async run(): Promise<DirectoryWriter> {
    await this.#checkJournal();
    await this.#proveWrite();
    await this.#step('proved', 0);
    const committed = (await retryStale(this.#context, () => highestCommitted(this.#context, this.#ledger)))?.slot.epoch ?? 0;
    await retryStale(this.#context, () => checkNotCollected(this.#ledger, this.#request.from, committed)); // before it fences anybody
    const number = await this.#takeNumber(committed);
    this.#number = number;
    await this.#step('taken', number);
    for (let earlier = number - 1; earlier >= Math.max(committed, 1); earlier--) await this.#ledger.writeFence(earlier);
    await this.#step('fenced', number);
    const { head, log } = await this.#look(async () => {
      const found = await findHead(this.#context, this.#ledger, number, committed);
      return { head: found, log: found === undefined ? emptyLog() : await readHeadLog(await this.#pastCache(), found, this.#request.from) };
    });
    await this.#step('read', number);
    const adopted = this.#behind(log);
    if (head !== undefined) await this.#deliverTo(head, log.base);
    await this.#checkJournal();
    if (log.isPassed) await this.#ledger.repeatSlot(log.base.epoch);
    const { slot, segment } = await this.#makeSegment(number, log);
    await this.#step('copied', number);
    await this.#checkJournal();
    await this.#ledger.writeSlot(slot);
    await this.#step('slotted', number);
    const retention = await this.#look(() => newestRetention(this.#ledger, number - 1));
    const start = { slot, segmentPath: segment.path, segmentBytes: segment.sizeBytes, format: this.#format, retention };
    const writer = await this.#look(() => DirectoryWriter.start(this.#context, this.#ledger, start));
    try {
      await this.#finish(writer, log, adopted);
      return writer;
    } catch (error) {
      await writer.close();
      throw error;
    }
  }

  /** A leader whose write failed may have left in a local cache what the disk never had: the tail is read from the disk, where that can be. */
  async #pastCache(): Promise<DirectoryContext> {
    const context = this.#context;
    return { ...context, direct: context.direct || (await context.deps.files.takesDirect(formatPath(context.settings.folder))) };
  }

  async #finish(writer: DirectoryWriter, log: HeadLog, adopted: readonly Batch[]): Promise<void> {
    const notBeforeMs = log.suffix.at(-1)?.batch.timeMs ?? this.#lastTimeMs;
    const entry = this.#request.entry(writer.epoch, notBeforeMs);
    const previous = writer.end;
    const timeMs = Math.max(entry.timeMs, notBeforeMs);
    const end = await writer.append([entry.bytes], timeMs);
    const sealed = Uint8Array.from(end.sealed);
    for (const batch of adopted) await this.#deliver(batch);
    await this.#deliver({
      epoch: writer.epoch,
      firstSn: end.sn,
      entries: [entry.bytes],
      previousHash: previous.hash,
      hash: end.hash,
      timeMs,
      sealed,
    });
  }

  async #deliver(batch: Batch): Promise<void> {
    throwIfAborted(this.#request.signal);
    this.#lastTimeMs = batch.timeMs;
    await this.#request.deliver(batch);
  }

  async #step(step: Parameters<NonNullable<DirectoryContext['deps']['pause']>>[0], number: number): Promise<void> {
    await this.#context.deps.pause?.(step, number);
    throwIfAborted(this.#request.signal);
  }

  /**
   * Looks, again and again where that may help. What is not there may have been collected: a later leader deletes what this claimant reads,
   * and what it has written, so its own fence comes first.
   */
  #look<T>(look: () => Promise<T>): Promise<T> {
    return retryStale(this.#context, look, async () => {
      await this.#checkFence();
      await checkNotCollected(this.#ledger, this.#request.from);
    });
  }

  /** @throws `fenced`. */
  async #checkFence(): Promise<void> {
    if (await this.#ledger.isFenced(this.#number)) throw new UnderstudyError('fenced', `a later epoch exists: epoch=${this.#number}`);
  }

  /** @throws `failed_precondition` where the journal at the path is another one by now. */
  async #checkJournal(): Promise<void> {
    const { deps, settings, direct } = this.#context;
    const { format, isSameLedger } = await retryStale(this.#context, async () => ({
      format: await readFormat(deps.files, formatPath(settings.folder), direct),
      isSameLedger: await this.#ledger.file.isStillAtPath(),
    }));
    if (isSameLedger && format.clusterId === this.#format.clusterId && format.incarnationId === this.#format.incarnationId) return;
    throw new UnderstudyError('failed_precondition', `another journal is at this path now: folder=${settings.folder}`);
  }

  /** A store that takes no writes must not fence a leader. Also removes what killed claimants left of this. */
  async #proveWrite(): Promise<void> {
    const { files } = this.#context.deps;
    const log = logFolder(this.#context.settings.folder);
    const name = `.probe-${Buffer.from(this.#context.deps.random.bytes(8)).toString('hex')}`;
    try {
      await files.createFileDurable(path.join(log, name), Buffer.alloc(PROBE_BYTES, 1));
    } finally {
      const probes = (await files.listFolder(log).catch(() => [])).filter((other) => PROBE_NAME.test(other));
      for (const probe of new Set([name, ...probes])) await files.removeFile(path.join(log, probe)).catch(() => undefined);
    }
  }

  async #takeNumber(committed: number): Promise<number> {
    const boundary = await this.#ledger.fenceBoundary(committed);
    for (let number = Math.max(boundary, committed + 1); number < EPOCHS_MAX; number++) {
      try {
        await this.#context.deps.files.createFileDurable(claimPath(this.#context.settings.folder, number));
      } catch (error) {
        if (errnoOf(error) === 'EEXIST') continue;
        throw error;
      }
      if ((await this.#ledger.read(number)).slot !== undefined) continue; // somebody's, though its name under claims/ was lost
      if (number > EPOCHS_MAX / 2)
        this.#context.deps.log.warn({ epoch: number, max: EPOCHS_MAX }, 'more than half of all epochs are used up');
      return number;
    }
    throw new UnderstudyError('resource_exhausted', `no epoch is left: folder=${this.#context.settings.folder} max=${EPOCHS_MAX}`);
  }

  /** @returns what of the suffix is new to the claimant. @throws `diverged`; `corrupt` where it is ahead of all there is. */
  #behind(log: HeadLog): Batch[] {
    const { from } = this.#request;
    const suffix = log.suffix.map((stored) => stored.batch);
    const points: ChainPoint[] = [log.base.point, ...suffix.map(endOf)];
    if (from.sn > log.end.point.sn) {
      const file = this.#ledger.file.path;
      throw new UnderstudyError('corrupt', `the claimant is ahead of the journal: file=${file} sn=${from.sn} end=${log.end.point.sn}`);
    }
    if (from.sn < log.base.point.sn) return suffix;
    const index = points.findIndex((point) => point.sn >= from.sn);
    checkOnChain({ ...log.end, point: points[index] ?? log.end.point }, from);
    return suffix.slice(index);
  }

  /** Delivers what is committed behind the claimant's position: up to the base. */
  async #deliverTo(head: Head, base: Place): Promise<void> {
    let from = this.#request.from;
    if (from.sn >= base.point.sn) return;
    const context = this.#context;
    const legs = await this.#look(async () => {
      const slot = head.epoch === base.epoch ? head.slot : await slotOf(context, this.#ledger, base.epoch);
      return legsBehind(context, this.#ledger, { slot, limit: base }, from);
    });
    for (const { slot, limit = base } of legs) {
      await using cursor = await this.#look(() => cursorBehind(context, { slot, committedSn: limit.point.sn, marked: limit }, from));
      while (cursor.place.point.sn < limit.point.sn) {
        const stored = await this.#look(() => committedBatch(cursor, limit));
        if (cursor.place.point.sn <= from.sn) continue;
        await this.#deliver(stored.batch);
        from = cursor.place.point;
      }
      checkOnChain(cursor.place, limit.point);
    }
  }

  async #makeSegment(number: number, log: HeadLog): Promise<{ slot: Slot; segment: { path: string; sizeBytes: number } }> {
    const { settings } = this.#context;
    const copies: StoredBatch[] = [...log.suffix];
    const copyBytes = copies.reduce((sum, stored) => sum + stored.bytes.length, 0);
    const offset = SEGMENT_DATA_OFFSET + copyBytes;
    const sizeBytes = Math.max(settings.segmentBytes, offset + settings.batchBytesMax + TRAILER_BYTES + PAGE_BYTES);
    const contents = copies.map((stored) => stored.bytes);
    const segment = await createSegment(this.#context, { epoch: number, segment: 0, sizeBytes }, { contents });
    const copiesEnd: Place = { epoch: number, segment: 0, offset, point: log.end.point };
    return { slot: { epoch: number, base: log.base, copiesEnd }, segment };
  }
}

async function committedBatch(cursor: LogCursor, limit: Place): Promise<StoredBatch> {
  const step = await cursor.next();
  if (step.kind === 'batch') return step.stored;
  throw cursor.damage(`damaged below what is committed: ${step.reason}: committed=${limit.point.sn}`);
}

function emptyLog(): HeadLog {
  return { base: NOWHERE, suffix: [], end: NOWHERE, isPassed: false };
}
