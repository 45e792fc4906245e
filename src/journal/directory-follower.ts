/**
 * Reads the committed batches of a directory journal, and goes on as more commit.
 *
 * It follows the highest epoch that is known to have committed and walks its slots down to what it has yielded already: by sequence
 * number and hash, never by an offset remembered from another epoch. Within the epoch at the tail, only what a mark covers is yielded.
 * Damage has to be seen several times running before it counts: another machine may be writing what is read.
 */
import { isError, UnderstudyError } from '../base/errors.js';
import { sleep } from '../base/wait.js';
import type { StoredBatch } from './batch-format.js';
import { type DirectoryContext, formatPath } from './directory-layout.js';
import { checkNotCollected } from './directory-retention.js';
import { type CommittedEpoch, checkOnChain, cursorBehind, highestCommitted, isOwn, type Leg, legsBehind } from './epoch-chain.js';
import { readFormat } from './format-file.js';
import { findHead, readHeadLog } from './head-log.js';
import { type Batch, type ChainPoint, endOf, type ReadRequest } from './journal.js';
import { Ledger } from './ledger.js';
import type { LogCursor } from './log-cursor.js';
import type { Place } from './page-format.js';
import { StaleLooks } from './stale-read.js';

const PATH_CHECK_INTERVAL_MS = 1000;

/** The same contract as `Journal.read`; ends without an error when `signal` is aborted. */
export async function* followDirectory(context: DirectoryContext, request: ReadRequest): AsyncGenerator<Batch, void, void> {
  const position = { point: request.from };
  const looks = new StaleLooks(context);
  while (!request.signal.aborted) {
    try {
      for await (const batch of new Follower(context, request, position, looks).run()) {
        looks.completed();
        yield batch;
      }
    } catch (error) {
      if (request.signal.aborted) return;
      await pause(context, request.signal, looks.pauseAfter(error));
    }
  }
}

class Follower {
  readonly #context: DirectoryContext;
  readonly #request: ReadRequest;
  /** The last batch yielded. */
  readonly #position: { point: ChainPoint };
  readonly #looks: StaleLooks;
  #pathCheckedMs = Number.NEGATIVE_INFINITY;

  constructor(context: DirectoryContext, request: ReadRequest, position: { point: ChainPoint }, looks: StaleLooks) {
    this.#context = context;
    this.#request = request;
    this.#position = position;
    this.#looks = looks;
  }

  async *run(): AsyncGenerator<Batch, void, void> {
    await using ledger = await Ledger.open(this.#context);
    await checkNotCollected(ledger, this.#position.point); // also where a look failed: what it looked for may be gone for good
    let top: CommittedEpoch | undefined;
    while (!this.#request.signal.aborted) {
      await this.#checkPath(ledger);
      top = (await highestCommitted(this.#context, ledger, top?.slot.epoch ?? 0)) ?? top;
      if (top === undefined) {
        await this.#nothingCommitted(ledger);
        continue;
      }
      const legs = await legsBehind(this.#context, ledger, { slot: top.slot, limit: undefined }, this.#position.point);
      for (const leg of legs) {
        const { limit } = leg;
        if (limit !== undefined) yield* this.#readTo(leg, limit);
        else yield* this.#tail(ledger, top);
        if (this.#request.signal.aborted) return;
      }
    }
  }

  /** @throws `failed_precondition` where the journal at the path is another one by now. */
  async #checkPath(ledger: Ledger): Promise<void> {
    const nowMs = this.#context.deps.clock.monotonicMs();
    if (nowMs - this.#pathCheckedMs < PATH_CHECK_INTERVAL_MS) return;
    this.#pathCheckedMs = nowMs;
    const { deps, settings, direct, incarnation } = this.#context;
    const { incarnationId } = await readFormat(deps.files, formatPath(settings.folder), direct);
    if ((await ledger.file.isStillAtPath()) && incarnationId === Buffer.from(incarnation).toString('hex')) return;
    throw new UnderstudyError('failed_precondition', `another journal is at this path now: folder=${this.#context.settings.folder}`);
  }

  async #nothingCommitted(ledger: Ledger): Promise<void> {
    if (this.#position.point.sn > 0) await this.#checkNotAhead(ledger);
    this.#request.onIdle?.();
    await this.#lookedUp();
  }

  async #lookedUp(): Promise<void> {
    this.#looks.completed();
    await pause(this.#context, this.#request.signal);
  }

  /** Yields what stands between the position and `limit`, all of which is committed. */
  async *#readTo({ slot }: Leg, limit: Place): AsyncGenerator<Batch, void, void> {
    await using cursor = await cursorBehind(this.#context, { slot, committedSn: limit.point.sn, marked: limit }, this.#position.point);
    while (cursor.place.point.sn < limit.point.sn) {
      const step = await cursor.next();
      if (this.#request.signal.aborted) return;
      if (step.kind === 'end') throw cursor.damage(`damaged below what is committed: ${step.reason}: committed=${limit.point.sn}`);
      if (cursor.place.point.sn > this.#position.point.sn) yield this.#taken(step.stored);
    }
    checkOnChain(cursor.place, limit.point);
  }

  /** Yields what the epoch at the tail commits, until a later epoch has committed or the signal is aborted. */
  async *#tail(ledger: Ledger, top: CommittedEpoch): AsyncGenerator<Batch, void, void> {
    let { committedSn } = top;
    await using cursor = await this.#tailCursor(ledger, top);
    if (cursor === undefined) return;
    const read: StoredBatch[] = []; // not yet known to be committed: one or two, as a writer has one flush in flight
    for (;;) {
      await this.#checkPath(ledger);
      const pages = await ledger.read(top.slot.epoch);
      if (this.#request.signal.aborted) return;
      committedSn = Math.max(committedSn, pages.mark?.committed.point.sn ?? 0);
      for (let step = await cursor.next(); ; step = await cursor.next()) {
        if (step.kind === 'batch') {
          committedSn = Math.max(committedSn, markIn(step.stored, top));
          read.push(step.stored);
        }
        for (let next = read[0]; next !== undefined && endOf(next.batch).sn <= committedSn; next = read[0]) {
          if (this.#request.signal.aborted) return;
          read.shift();
          yield this.#taken(next);
        }
        if (step.kind === 'end') break;
      }
      if (cursor.place.point.sn < committedSn) throw cursor.damage(`damaged below what is committed: committed=${committedSn}`);
      if (pages.fenced && (await highestCommitted(this.#context, ledger, top.slot.epoch)) !== undefined) return;
      if (this.#request.signal.aborted) return;
      this.#request.onIdle?.();
      await this.#lookedUp();
    }
  }

  /** @returns undefined, after a pause, where the position lies beyond what this epoch can tell of yet. @throws `corrupt` where beyond all there is. */
  async #tailCursor(ledger: Ledger, top: CommittedEpoch): Promise<LogCursor | undefined> {
    const { point } = this.#position;
    try {
      const cursor = await cursorBehind(this.#context, top, point);
      if (cursor.place.point.sn >= point.sn) return cursor;
      await cursor.close();
    } catch (error) {
      if (!isError(error, 'diverged') || point.sn <= top.committedSn) throw error;
    }
    await this.#checkNotAhead(ledger);
    this.#request.onIdle?.();
    await this.#lookedUp();
    return undefined;
  }

  /** @throws `corrupt` where the position lies beyond the last sound batch of the newest log, whatever its marks say. */
  async #checkNotAhead(ledger: Ledger): Promise<void> {
    const { point } = this.#position;
    const before = await findHead(this.#context, ledger, (await ledger.fenceBoundary()) + 1, 0);
    const end = before === undefined ? 0 : (await readHeadLog(this.#context, before, point)).end.point.sn;
    if (end >= point.sn) return;
    const after = await findHead(this.#context, ledger, (await ledger.fenceBoundary()) + 1, 0);
    if (after?.epoch !== before?.epoch) return;
    throw new UnderstudyError(
      'corrupt',
      `the position lies beyond the end of the journal: file=${ledger.file.path} sn=${point.sn} end=${end}`,
    );
  }

  #taken(stored: StoredBatch): Batch {
    this.#position.point = endOf(stored.batch);
    return stored.batch;
  }
}

/** @returns how far the header of a batch says that the epoch committed; copies and the claim say nothing about it. */
function markIn(stored: StoredBatch, top: CommittedEpoch): number {
  return isOwn(stored, top.slot) ? stored.committedSn : 0;
}

async function pause(context: DirectoryContext, signal: AbortSignal, delayMs = context.settings.pollIntervalMs): Promise<void> {
  try {
    await sleep(context.deps.clock, delayMs, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
