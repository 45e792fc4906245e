/** Looks at a journal on an object store as it lies there. There is no tail: what stands in a slot is committed. */
import { asError, isError, UnderstudyError } from '../base/errors.js';
import { decodeManifest } from './checkpoint-manifest.js';
import type { Retention } from './checkpoints.js';
import { FORMAT_VERSION } from './format-file.js';
import { type Batch, endOf, GENESIS } from './journal.js';
import type { JournalDamage, JournalSummary, JournalSurvey, StoredCheckpoint, SurveyStep } from './journal-survey.js';
import type { SlotObject } from './object-format.js';
import { noJournal, readFormatObject } from './object-journal.js';
import {
  checkpointPrefix,
  checkpointsPrefix,
  type ObjectJournalDeps,
  type ObjectJournalSettings,
  objectContext,
  slotKey,
} from './object-layout.js';
import { type ObjectJournalParts, objectParts } from './object-parts.js';
import { listAll } from './object-store.js';
import { insistently } from './persistence.js';
import { type Place, placeBehind } from './place.js';

/** Slots that are fetched at once. */
const WIDTH = 8;
const CHECKPOINT_FOLDER = /^(\d+)-([0-9a-f]{32})\//;

/** Looks at a log that is being collected meanwhile. */
const TRIES = 5;

interface Extent {
  readonly slot: number;
  readonly retention: Retention;
  /** The last slot that was found to hold something; the one before `slot` where none does. */
  readonly last: number;
  /** What it holds, where that can be read. */
  readonly batch: Batch | undefined;
  readonly damage: readonly JournalDamage[];
}

type Looked = { readonly object: SlotObject | undefined } | { readonly error: Error };

export class ObjectSurvey implements JournalSurvey {
  readonly #parts: ObjectJournalParts;

  private constructor(parts: ObjectJournalParts) {
    this.#parts = parts;
  }

  /** @param deps the store is this survey's from then on, to be closed with it. @throws as `ObjectJournal.open`. */
  static async open(settings: ObjectJournalSettings, deps: ObjectJournalDeps): Promise<ObjectSurvey> {
    const format = await readFormatObject(deps);
    if (format === undefined) throw noJournal(deps);
    return new ObjectSurvey(objectParts(objectContext(settings, deps, format)));
  }

  async summary(): Promise<JournalSummary> {
    const { context } = this.#parts;
    const { slot, retention, last, batch, damage } = await this.#extent();
    const begin = retention.boundary;
    const point = batch === undefined ? (begin?.point ?? GENESIS) : endOf(batch);
    return {
      backend: 'object store',
      location: context.deps.store.location,
      formatVersion: FORMAT_VERSION,
      clusterId: context.format.clusterId,
      incarnationId: context.format.incarnationId,
      forkedFrom: context.format.forkedFrom ?? null,
      epoch: batch?.epoch ?? begin?.epoch ?? 0,
      committedSn: point.sn,
      end: damage.length > 0 ? null : point,
      boundary: begin === null ? null : { epoch: begin.epoch, sn: begin.point.sn },
      checkpoints: await this.#checkpoints(new Map(retention.checkpoints.map((ref) => [`${ref.sn}-${ref.id}`, ref]))),
      log: { files: last - slot + 1, bytes: null },
      claims: 0,
      damage,
    };
  }

  async *scan(signal?: AbortSignal): AsyncGenerator<SurveyStep, void, void> {
    const { boundaries } = this.#parts;
    let place = await boundaries.place(signal);
    /** Told once it is known where the log is sound again. */
    let damage: JournalDamage | undefined;
    for (let run: readonly Looked[] = []; ; run = run.slice(1)) {
      const slot = place.slot + 1;
      if (run.length === 0) {
        run = await Promise.all(Array.from({ length: WIDTH }, (_, at) => this.#look(slot + at, signal)));
        const boundary = await boundaries.place(signal);
        if (boundary.slot >= slot) {
          [place, damage, run] = [boundary, undefined, []];
          yield { kind: 'collected', to: place.point };
          continue;
        }
      }
      const [looked] = run;
      if (looked === undefined || ('object' in looked && looked.object === undefined)) {
        const next = await this.#behindGap(slot, signal);
        if (next === undefined) break;
        run = [];
        if (next === slot) continue;
        damage ??= this.#damage(`an object of the journal is gone, and later ones stand: next=${next}`, slot, place.point.sn + 1);
        place = { ...place, slot: next - 1 };
        continue;
      }
      const step = this.#step(looked, slot, place);
      damage ??= step.damage;
      place = step.place;
      if (step.batch === undefined) continue;
      if (damage !== undefined) yield { kind: 'damage', damage: { ...damage, soundFrom: step.batch.firstSn } };
      damage = undefined;
      yield { kind: 'batch', batch: step.batch, file: this.#file(slot), offset: 0 };
    }
    if (damage !== undefined) yield { kind: 'damage', damage };
    yield { kind: 'end', isTorn: false, file: this.#file(place.slot + 1), offset: 0 };
  }

  close(): Promise<void> {
    return this.#parts.context.deps.store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #look(slot: number, signal?: AbortSignal): Promise<Looked> {
    try {
      return { object: await this.#parts.log.read(slot, signal) };
    } catch (error) {
      if (isError(error, 'corrupt') || isError(error, 'failed_precondition')) return { error };
      throw error;
    }
  }

  /** @returns the next slot at or behind the empty slot `slot` that holds something by now. */
  async #behindGap(slot: number, signal?: AbortSignal): Promise<number | undefined> {
    const behind = await this.#parts.log.firstBehind(slot, signal);
    if (behind === undefined) return undefined;
    const looked = await this.#look(slot, signal);
    return 'error' in looked || looked.object !== undefined ? slot : behind;
  }

  /** A sound batch that does not follow, but lies further on, is told with what is wrong, and gone on from. */
  #step(looked: Looked, slot: number, before: Place): { readonly damage?: JournalDamage; readonly batch?: Batch; readonly place: Place } {
    const sn = before.point.sn + 1;
    const passed: Place = { ...before, slot };
    if ('error' in looked || looked.object === undefined) {
      return { place: passed, damage: this.#damage('error' in looked ? looked.error.message : 'nothing', slot, sn) };
    }
    const { batch } = looked.object.stored;
    try {
      return { batch, place: placeBehind(before, looked.object, this.#parts.context.deps.store.location) };
    } catch (error) {
      const damage = this.#damage(asError(error, 'corrupt').message, slot, sn);
      if (batch.firstSn < sn) return { damage, place: passed };
      return { damage, batch, place: { slot, point: endOf(batch), epoch: batch.epoch, timeMs: batch.timeMs } };
    }
  }

  #damage(what: string, slot: number, sn: number): JournalDamage {
    return { what, file: this.#file(slot), offset: 0, sn };
  }

  #file(slot: number): string {
    const { deps, format } = this.#parts.context;
    return deps.store.location + slotKey(format, slot);
  }

  /** @returns from where the log is kept, and to where it goes, as far as damage lets it be seen. */
  async #extent(): Promise<Extent> {
    const { boundaries } = this.#parts;
    for (let tries = 1; ; tries++) {
      const { slot, retention } = await boundaries.newest();
      const last = await this.#lastSlot(slot);
      const end = last < slot ? undefined : await this.#look(last);
      const batch = end !== undefined && 'object' in end ? end.object?.stored.batch : undefined;
      const damage = end !== undefined && 'error' in end ? [this.#damage(end.error.message, last, 0)] : [];
      const gap = await this.#gapBehind(last);
      const begin = retention.boundary?.point ?? GENESIS;
      if (gap !== undefined) damage.push(this.#damage(gap, last + 1, (batch === undefined ? begin : endOf(batch)).sn + 1));
      // Slots that were being collected meanwhile look like the log's end.
      if ((await boundaries.slot()) === slot) return { slot, retention, last, batch, damage };
      if (tries === TRIES) throw new UnderstudyError('unavailable', `the journal is being collected too fast: slot=${slot}`);
    }
  }

  /** @returns what is wrong where later objects stand behind the empty one that follows `last`. */
  async #gapBehind(last: number): Promise<string | undefined> {
    try {
      await this.#parts.log.endsBefore(last + 1);
      return undefined;
    } catch (error) {
      if (!isError(error, 'corrupt')) throw error;
      return error.message;
    }
  }

  /** @returns the last slot that holds something, by doubling and halving; `first - 1` where none does. */
  async #lastSlot(first: number): Promise<number> {
    const isThere = async (slot: number): Promise<boolean> => {
      const looked = await this.#look(slot);
      return 'error' in looked || looked.object !== undefined;
    };
    let low = first - 1;
    let stride = 1;
    while (await isThere(low + stride)) {
      low += stride;
      stride *= 2;
    }
    for (let high = low + stride; high - low > 1; ) {
      const middle = Math.floor((low + high) / 2);
      if (await isThere(middle)) low = middle;
      else high = middle;
    }
    return low;
  }

  async #checkpoints(published: Map<string, { readonly sn: number; readonly id: string }>): Promise<StoredCheckpoint[]> {
    const { deps, format } = this.#parts.context;
    const prefix = checkpointsPrefix(format);
    const found = new Map<string, StoredCheckpoint>();
    for await (const key of listAll(deps.store, prefix)) {
      const [, digits, id = ''] = CHECKPOINT_FOLDER.exec(key.slice(prefix.length)) ?? [];
      const sn = Number(digits);
      if (digits === undefined || found.has(id)) continue;
      const manifest = `${checkpointPrefix(format, sn, id)}manifest`;
      const bytes = bytesSaid(await insistently(deps, () => deps.store.get(manifest)));
      found.set(id, { sn, id, bytes, timeMs: null, isPublished: published.delete(`${sn}-${id}`) });
    }
    for (const { sn, id } of published.values()) found.set(id, { sn, id, bytes: null, timeMs: null, isPublished: true });
    return [...found.values()].sort((a, b) => b.sn - a.sn);
  }
}

/** @returns how large a checkpoint is; null where its manifest does not say. */
function bytesSaid(manifest: Buffer | undefined): number | null {
  try {
    return manifest === undefined ? null : decodeManifest(manifest, '').bytes;
  } catch {
    return null;
  }
}
