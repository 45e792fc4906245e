/**
 * Keeps an epoch's mark page near its last commit, off the acknowledging path.
 *
 * While appends follow one another closely, the header of each says how far the one before committed, and the page is written only now
 * and then; within `markDelayMs` of the last of them it is written. A missing mark costs standbys time, never data: whoever claims takes
 * what no mark covers as part of the log. A mark that cannot be written ends the writer, as any failed write does.
 */
import type { Timer } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import type { Retention } from './checkpoints.js';
import type { DirectoryContext } from './directory-layout.js';
import type { Ledger } from './ledger.js';
import type { Mark, Place } from './page-format.js';

/** Under steady load a page is written this often, for those that come new. */
const MARK_INTERVAL_MS = 250;

export class MarkWriter {
  readonly #context: DirectoryContext;
  readonly #ledger: Ledger;
  /** Stands in every mark. */
  #retention: Retention;
  #counter = 0;
  #latest: Place | undefined;
  #marked: Place | undefined;
  #timer: Timer | undefined;
  #lastCommitMs = 0;
  #lastMarkMs = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> | undefined;
  #isStopped = false;
  #hasFailed = false;
  readonly #failed: (error: unknown) => void;

  /** @param failed called once when a mark could not be written; none is begun after that. */
  constructor(context: DirectoryContext, ledger: Ledger, retention: Retention, failed: (error: unknown) => void) {
    this.#failed = failed;
    this.#context = context;
    this.#ledger = ledger;
    this.#retention = retention;
  }

  get retention(): Retention {
    return this.#retention;
  }

  /** The epoch has committed up to `place`. */
  committed(place: Place): void {
    this.#latest = place;
    this.#lastCommitMs = this.#context.deps.clock.monotonicMs();
    this.#arm();
  }

  /** Repeats `retention` from now on. Resolves once a mark with it is durable. Only after the first commit; one call at a time. */
  async retain(retention: Retention): Promise<void> {
    this.#retention = retention;
    while (this.#writing !== undefined) await this.#writing;
    if (this.#isStopped) throw new UnderstudyError('unavailable', 'the epoch writes no more marks');
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#write(this.#context.deps.clock.monotonicMs());
    await this.#writing;
    if (this.#hasFailed) throw new UnderstudyError('unavailable', 'cannot make a retention known: the mark failed');
  }

  #arm(): void {
    if (this.#isStopped || this.#timer !== undefined || this.#writing !== undefined) return;
    const delayMs = this.#marked === undefined ? 0 : this.#context.settings.markDelayMs / 2;
    this.#timer = this.#context.deps.clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      const nowMs = this.#context.deps.clock.monotonicMs();
      const isIdle = nowMs - this.#lastCommitMs >= this.#context.settings.markDelayMs / 2;
      if (isIdle || nowMs - this.#lastMarkMs >= MARK_INTERVAL_MS) this.#write(nowMs);
      else this.#arm();
    });
  }

  #write(nowMs: number): void {
    const place = this.#latest;
    if (place === undefined) return;
    this.#lastMarkMs = nowMs;
    this.#counter += 1;
    const mark: Mark = { epoch: place.epoch, counter: this.#counter, committed: place, retention: this.#retention };
    this.#writing = this.#ledger.writeMark(mark).then(
      () => {
        this.#marked = place;
      },
      (error: unknown) => {
        this.stop();
        this.#hasFailed = true;
        this.#failed(error);
      },
    );
    void this.#writing.then(() => {
      this.#writing = undefined;
      if (this.#latest !== place) this.#arm();
    });
  }

  /** No further mark is begun. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Waits for the mark in flight, then writes the last commit's unless it was stopped before. */
  async close(): Promise<void> {
    const isStopped = this.#isStopped;
    this.stop();
    await this.#writing;
    if (isStopped || this.#hasFailed || this.#latest === this.#marked) return;
    this.#write(this.#context.deps.clock.monotonicMs());
    await this.#writing;
  }
}
