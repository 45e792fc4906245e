/**
 * Looks at a directory journal as it lies there. It takes the way of a follower, down the slots from the highest epoch that is known to
 * have committed; where the ledger is damaged, from the highest epoch that has a slot.
 */
import path from 'node:path';
import { asError, isError } from '../base/errors.js';
import { errnoOf, type Files } from '../base/files.js';
import { openDirectoryContext } from './directory-context.js';
import {
  CHECKPOINT_NAME,
  checkpointFolder,
  checkpointName,
  claimsFolder,
  type DirectoryContext,
  type DirectoryJournalDeps,
  type DirectoryJournalSettings,
  EPOCHS_MAX,
  logFolder,
  SEGMENT_NAME,
} from './directory-layout.js';
import { Overtaken, scanDirectory } from './directory-scan.js';
import { highestCommitted, type Leg, slotOf } from './epoch-chain.js';
import { FORMAT_VERSION, type FormatFile } from './format-file.js';
import { checkVoid, readHeadLog } from './head-log.js';
import { type ChainPoint, GENESIS } from './journal.js';
import type { JournalDamage, JournalSummary, JournalSurvey, StoredCheckpoint, SurveyStep } from './journal-survey.js';
import { Ledger } from './ledger.js';
import type { Mark, Place, Slot } from './page-format.js';
import { retryStale } from './stale-read.js';

/** The way through the log, as far as the ledger shows it. */
interface Route {
  readonly legs: readonly Leg[];
  readonly from: ChainPoint;
  readonly epoch: number;
  readonly committedSn: number;
  readonly marked: Place | undefined;
  readonly mark: Mark | undefined;
  /** Where later epochs stood, the ledger does not say any more. */
  readonly isEndHidden: boolean;
  readonly damage: readonly JournalDamage[];
}

export class DirectorySurvey implements JournalSurvey {
  readonly #context: DirectoryContext;
  readonly #format: FormatFile;
  readonly #ledger: Ledger;

  private constructor(context: DirectoryContext, format: FormatFile, ledger: Ledger) {
    this.#context = context;
    this.#format = format;
    this.#ledger = ledger;
  }

  /** @throws `failed_precondition`: there is no journal; `corrupt`: its FORMAT is damaged; `unavailable`. */
  static async open(settings: DirectoryJournalSettings, deps: DirectoryJournalDeps): Promise<DirectorySurvey> {
    const { context, format } = await openDirectoryContext(settings, deps);
    return new DirectorySurvey(context, format, await Ledger.open(context));
  }

  async summary(): Promise<JournalSummary> {
    const { folder } = this.#context.settings;
    const { epoch, committedSn, mark, legs, isEndHidden, damage } = await this.#route();
    const found = [...damage];
    const top = legs.at(-1);
    const log = await filesIn(this.#context.deps.files, logFolder(folder), SEGMENT_NAME);
    const boundary = mark?.retention.boundary;
    return {
      backend: 'directory',
      location: folder,
      formatVersion: FORMAT_VERSION,
      clusterId: this.#format.clusterId,
      incarnationId: this.#format.incarnationId,
      forkedFrom: this.#format.forkedFrom ?? null,
      epoch,
      committedSn,
      end: isEndHidden ? null : top === undefined ? GENESIS : await this.#endOf(top.slot, mark, found),
      boundary: boundary ? { epoch: boundary.epoch, sn: boundary.point.sn } : null,
      checkpoints: await this.#checkpoints(mark),
      log: { files: log.length, bytes: log.reduce((sum, { storedBytes }) => sum + storedBytes, 0) },
      claims: (await filesIn(this.#context.deps.files, claimsFolder(folder), /^\d+$/)).length,
      damage: found,
    };
  }

  async *scan(signal?: AbortSignal): AsyncGenerator<SurveyStep, void, void> {
    const oldest = async (): Promise<ChainPoint> => (await this.#route()).from;
    for (;;) {
      const route = await this.#route();
      for (const damage of route.damage) yield { kind: 'damage', damage };
      try {
        yield* scanDirectory(this.#context, { ...route, oldest, ...(signal === undefined ? {} : { signal }) });
        return;
      } catch (error) {
        if (!(error instanceof Overtaken)) throw error;
        yield { kind: 'collected', to: await oldest() };
      }
    }
  }

  close(): Promise<void> {
    return this.#ledger.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #route(): Promise<Route> {
    const damage: JournalDamage[] = [];
    const top = await this.#orDamage(damage, () => highestCommitted(this.#context, this.#ledger));
    const isEndHidden = damage.length === 0 && (await this.#orDamage(damage, () => this.#checkAbove(top?.slot.epoch ?? 0))) === undefined;
    const slot = top?.slot ?? (await this.#anySlot());
    if (slot === undefined)
      return { legs: [], from: GENESIS, epoch: 0, committedSn: 0, marked: undefined, mark: undefined, isEndHidden, damage };
    const mark = await this.#newestMark(slot.epoch);
    const from = mark?.retention.boundary?.point ?? GENESIS;
    const legs: Leg[] = [{ slot, limit: undefined }];
    for (let lowest = slot; lowest.base.point.sn > from.sn; ) {
      const { base, epoch } = lowest;
      const below = await this.#orDamage(damage, () => slotOf(this.#context, this.#ledger, base.epoch));
      if (below === undefined || below.epoch >= epoch) break;
      legs.unshift({ slot: below, limit: base });
      lowest = below;
    }
    const { committedSn = 0, marked } = top ?? {};
    return { legs, from, epoch: top?.slot.epoch ?? 0, committedSn, marked, mark, isEndHidden, damage };
  }

  /** @returns undefined where it is damaged, which is then told. */
  async #orDamage<T>(damage: JournalDamage[], look: () => Promise<T>): Promise<T | undefined> {
    try {
      return await retryStale(this.#context, look);
    } catch (error) {
      if (!isError(error, 'corrupt') && !isError(error, 'failed_precondition')) throw error;
      const what = asError(error).message;
      damage.push({ what, file: this.#ledger.file.path, offset: Number(/ offset=(\d+)/.exec(what)?.[1] ?? 0), sn: 0 });
      return undefined;
    }
  }

  /** @throws `corrupt` where an epoch above `floor` wrote batches, and the ledger has nothing of it. */
  async #checkAbove(floor: number): Promise<'sound'> {
    for (const epoch of await this.#epochsWithLog()) {
      if (epoch <= floor) break;
      const pages = await this.#ledger.read(epoch);
      if (pages.slot === undefined) await checkVoid(this.#context, this.#ledger, pages);
    }
    return 'sound';
  }

  /** @returns the highest slot that can be read: nothing else tells where the log is. */
  async #anySlot(): Promise<Slot | undefined> {
    for (const epoch of await this.#epochsWithLog()) {
      const slot = await this.#ledger.readSlot(epoch);
      if (slot !== undefined) return slot;
    }
    return undefined;
  }

  /** @returns the epochs of which the first segment stands, highest first. */
  async #epochsWithLog(): Promise<number[]> {
    const names = await this.#context.deps.files.listFolder(logFolder(this.#context.settings.folder));
    const epochs = names.map((name) => Number(/^(\d+)-0\.seg$/.exec(name)?.[1] ?? 0));
    return epochs.filter((epoch) => epoch > 0 && epoch < EPOCHS_MAX).sort((a, b) => b - a);
  }

  /** Damaged marks are passed over: that they are has been told. */
  async #newestMark(from: number): Promise<Mark | undefined> {
    for (let epoch = from; epoch >= 1; epoch--) {
      try {
        const { mark } = await this.#ledger.read(epoch);
        if (mark !== undefined) return mark;
      } catch (error) {
        if (!isError(error, 'corrupt')) throw error;
      }
    }
    return undefined;
  }

  async #endOf(slot: Slot, mark: Mark | undefined, damage: JournalDamage[]): Promise<ChainPoint | null> {
    const head = { epoch: slot.epoch, slot, mark: mark?.epoch === slot.epoch ? mark : undefined };
    const log = await this.#orDamage(damage, () => readHeadLog(this.#context, head, GENESIS));
    return log?.end.point ?? null;
  }

  async #checkpoints(mark: Mark | undefined): Promise<StoredCheckpoint[]> {
    const published = new Map(mark?.retention.checkpoints.map((ref) => [checkpointName(ref), ref]));
    const found: StoredCheckpoint[] = [];
    for (const { name, bytes, modifiedMs } of await filesIn(
      this.#context.deps.files,
      checkpointFolder(this.#context.settings.folder),
      CHECKPOINT_NAME,
    )) {
      const [, sn = '', id = ''] = CHECKPOINT_NAME.exec(name) ?? [];
      found.push({ sn: Number(sn), id, bytes, timeMs: Math.floor(modifiedMs), isPublished: published.delete(name) });
    }
    for (const { sn, id } of published.values()) found.push({ sn, id, bytes: null, timeMs: null, isPublished: true });
    return found.sort((a, b) => b.sn - a.sn);
  }
}

/** Sizes of the files whose names match; one that is removed meanwhile is left out. */
async function filesIn(
  files: Files,
  folder: string,
  names: RegExp,
): Promise<{ name: string; bytes: number; storedBytes: number; modifiedMs: number }[]> {
  const found = [];
  for (const name of await files.listFolder(folder)) {
    if (!names.test(name)) continue;
    try {
      found.push({ name, ...(await files.fileSize(path.join(folder, name))) });
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
  return found;
}
