/**
 * Reads the log of a directory journal from end to end for tools: as a follower does, but goes on behind damage.
 *
 * What a follower refuses is told as damage with its place. Then the next sound batch that can follow is looked for, in the same segment,
 * then in the epoch's later ones, then in the epochs above. As another machine may be writing, damage has to be seen several times running.
 */
import { asError, isError, type UnderstudyError } from '../base/errors.js';
import { sequence } from '../base/ids.js';
import { sleep } from '../base/wait.js';
import { type DirectoryContext, logFolder, SEGMENT_NAME, segmentPath } from './directory-layout.js';
import { cursorBehind, isSame, type Leg } from './epoch-chain.js';
import { batchPast } from './head-log.js';
import { type ChainPoint, endOf } from './journal.js';
import type { SurveyStep } from './journal-survey.js';
import { type CursorStep, LogCursor } from './log-cursor.js';
import type { Place } from './page-format.js';
import { findBatch, SEGMENT_DATA_OFFSET, tryOpenSegment } from './segment-file.js';

const LOOKS = 6;

export interface ScanRequest {
  /** Lowest first. */
  readonly legs: readonly Leg[];
  readonly from: ChainPoint;
  /** The highest epoch has committed this much. */
  readonly committedSn: number;
  /** Its mark page says that the chain goes through here. */
  readonly marked: Place | undefined;
  /** @returns where what is kept begins by now. */
  oldest(): Promise<ChainPoint>;
  readonly signal?: AbortSignal;
}

/** Collection has come to what was to be read. */
export class Overtaken extends Error {}

/** @throws Overtaken. */
export async function* scanDirectory(context: DirectoryContext, request: ScanRequest): AsyncGenerator<SurveyStep, void, void> {
  const scan = new DirectoryScan(context, request);
  let last: Place | undefined;
  let isTorn = false;
  for (const leg of request.legs) {
    for await (const step of scan.leg(leg)) yield step;
    last = scan.place;
    isTorn = scan.isTorn;
  }
  const file = last === undefined ? logFolder(context.settings.folder) : fileOf(context, last);
  yield { kind: 'end', isTorn, file, offset: last?.offset ?? 0 };
}

class DirectoryScan {
  readonly #context: DirectoryContext;
  readonly #request: ScanRequest;
  /** Where the last leg ended. */
  place: Place | undefined;
  isTorn = false;
  #point: ChainPoint;

  constructor(context: DirectoryContext, request: ScanRequest) {
    this.#context = context;
    this.#request = request;
    this.#point = request.from;
  }

  async *leg(leg: Leg): AsyncGenerator<SurveyStep, void, void> {
    const toSn = leg.limit?.point.sn;
    const { cursor, trouble } = await this.#begin(leg);
    await using _closing = cursor;
    if (trouble !== undefined) yield* this.#passOver(leg, cursor, trouble);
    while (toSn === undefined || cursor.place.point.sn < toSn) {
      this.#request.signal?.throwIfAborted();
      const at = cursor.place;
      const step = await this.#look(leg, cursor);
      if (step.kind === 'damage') {
        if (!(yield* this.#passOver(leg, cursor, step.error))) break;
      } else if (step.kind === 'batch') {
        if (endOf(step.stored.batch).sn <= this.#point.sn) continue; // a copy
        this.#point = endOf(step.stored.batch);
        yield { kind: 'batch', batch: step.stored.batch, file: fileOf(this.#context, at), offset: at.offset };
        yield* this.#checkMark(at);
      } else {
        this.isTorn = step.reason !== 'nothing';
        break;
      }
    }
    this.place = cursor.place;
    yield* this.#checkLimit(leg, cursor.place);
  }

  /** Behind `from` in the lowest leg; at the start of the others. */
  async #begin(leg: Leg): Promise<{ cursor: LogCursor; trouble?: UnderstudyError }> {
    const { from, committedSn: toSn, marked } = this.#request;
    if (leg !== this.#request.legs[0] || leg.slot.base.point.sn >= from.sn) return { cursor: LogCursor.atStart(this.#context, leg.slot) };
    const { slot, limit } = leg;
    const log = limit === undefined ? { slot, committedSn: toSn, marked } : { slot, committedSn: limit.point.sn, marked: limit };
    try {
      return { cursor: await this.#patiently(() => cursorBehind(this.#context, log, from)) };
    } catch (error) {
      if (!isError(error, 'corrupt') && !isError(error, 'diverged')) throw error;
      const place: Place = { epoch: leg.slot.epoch, segment: 0, offset: SEGMENT_DATA_OFFSET, point: from };
      return { cursor: new LogCursor(this.#context, place), trouble: asError(error) };
    }
  }

  /** @returns the next batch, an end that is one, or what is wrong here. */
  async #look(leg: Leg, cursor: LogCursor): Promise<CursorStep | { kind: 'damage'; error: UnderstudyError }> {
    try {
      return await this.#patiently(async () => {
        const step = await cursor.next();
        if (step.kind === 'batch') return step;
        const { sn } = cursor.place.point;
        const committedSn = leg.limit?.point.sn ?? this.#request.committedSn;
        if (sn < committedSn) throw cursor.damage(`damaged below what is committed: ${step.reason}: committed=${committedSn}`);
        const later = await batchPast(this.#context, leg.slot, cursor.place);
        if (later !== undefined) throw cursor.damage(`a damaged batch before sound ones: ${step.reason}: next=${later}`);
        if (sn < leg.slot.copiesEnd.point.sn) throw cursor.damage('copies end short of what the slot says');
        return step;
      });
    } catch (error) {
      if (isError(error, 'corrupt') || isError(error, 'failed_precondition')) return { kind: 'damage', error };
      throw error;
    }
  }

  async #patiently<T>(look: () => Promise<T>): Promise<T> {
    for (let looks = 1; ; looks++) {
      try {
        return await look();
      } catch (error) {
        const mayPass = isError(error, 'corrupt') || isError(error, 'unavailable');
        if (!mayPass || looks === LOOKS) throw error;
        await sleep(this.#context.deps.clock, this.#context.settings.pollIntervalMs * 2 ** looks, this.#request.signal);
      }
    }
  }

  /** Tells the damage, and moves the cursor to the next sound batch of this leg. @returns whether there is one. */
  async *#passOver(leg: Leg, cursor: LogCursor, error: UnderstudyError): AsyncGenerator<SurveyStep, boolean, void> {
    const from = cursor.place;
    if ((await this.#request.oldest()).sn > from.point.sn) throw new Overtaken();
    const next = await this.#nextSound(leg, from);
    const soundFrom = next === undefined ? leg.limit?.point.sn : next.point.sn;
    const damage = {
      what: error.message,
      file: fileOf(this.#context, from),
      offset: from.offset,
      sn: from.point.sn + 1,
      ...(soundFrom === undefined ? {} : { soundFrom: soundFrom + 1 }),
    };
    yield { kind: 'damage', damage };
    if (next === undefined) return false;
    await cursor.moveTo(next);
    return true;
  }

  async #nextSound(leg: Leg, from: Place): Promise<Place | undefined> {
    const { epoch } = leg.slot;
    const toSn = leg.limit?.point.sn ?? Number.POSITIVE_INFINITY;
    for (const segment of await this.#segmentsFrom(epoch, from.segment)) {
      const opened = await tryOpenSegment(this.#context, epoch, segment).catch(() => undefined);
      if (opened === undefined) continue;
      try {
        const start = segment === from.segment ? from.offset : SEGMENT_DATA_OFFSET;
        const found = await findBatch(opened, [start, opened.header.sizeBytes], ({ batch }) => {
          return batch.firstSn > from.point.sn && endOf(batch).sn <= toSn && batch.epoch <= epoch;
        });
        if (found === undefined) continue;
        const { firstSn, previousHash } = found.stored.batch;
        return { epoch, segment, offset: found.offset, point: { sn: sequence(firstSn - 1), hash: previousHash } };
      } finally {
        await opened.file.close();
      }
    }
    return undefined;
  }

  /** A trailer that would name the next segment may be what is damaged, so the folder is asked. */
  async #segmentsFrom(epoch: number, first: number): Promise<number[]> {
    const names = await this.#context.deps.files.listFolder(logFolder(this.#context.settings.folder));
    return names
      .map((name) => SEGMENT_NAME.exec(name))
      .filter((parts) => Number(parts?.[1]) === epoch && Number(parts?.[2]) >= first)
      .map((parts) => Number(parts?.[2]))
      .sort((a, b) => a - b);
  }

  async *#checkMark(at: Place): AsyncGenerator<SurveyStep, void, void> {
    const marked = this.#request.marked?.point;
    if (marked === undefined || this.#point.sn !== marked.sn || isSame(this.#point, marked)) return;
    const what = 'the mark of the highest epoch names another batch than the one that stands here';
    yield { kind: 'damage', damage: { what, file: fileOf(this.#context, at), offset: at.offset, sn: marked.sn } };
  }

  /** The epoch above names where it builds on this one, by hash. */
  async *#checkLimit(leg: Leg, place: Place): AsyncGenerator<SurveyStep, void, void> {
    const { limit } = leg;
    if (limit === undefined || place.point.sn < limit.point.sn || isSame(place.point, limit.point)) return;
    const what = `the next epoch builds on another batch than the one that stands here: next=${limit.point.sn} here=${place.point.sn}`;
    yield { kind: 'damage', damage: { what, file: fileOf(this.#context, limit), offset: limit.offset, sn: limit.point.sn } };
  }
}

function fileOf(context: DirectoryContext, place: Place): string {
  return segmentPath(context.settings.folder, place.epoch, place.segment);
}
