/**
 * Holds answers that commit nothing until they may leave (I6): everything they saw is committed, and a `confirm` that began after their
 * request arrived has found no later epoch.
 *
 * What one tick brings shares one confirm. At most one confirm flies and one gathers.
 */
import type { Clock } from '../base/clock.js';
import { asError, UnderstudyError } from '../base/errors.js';
import { type Deferred, deferred } from '../base/wait.js';
import type { JournalWriter } from '../journal/journal.js';

/** Called once: null when the answer may leave, else why it may not. */
export type Release = (refused: UnderstudyError | null) => void;

/** Answers that may gather while a confirm flies; those that it holds up are no more than these. */
const WAITING_MAX = 65_536;

interface Waiting {
  /** Sequence of the last entry that the answer saw. */
  readonly sn: number;
  readonly release: Release;
}

export class ReadGate {
  readonly #clock: Clock;
  readonly #writer: Pick<JournalWriter, 'confirm'>;
  #committedSn: number;
  #gathering: Waiting[] = [];
  #confirmed: Waiting[] = [];
  #flying: Waiting[] | null = null;
  #closed: UnderstudyError | null = null;
  /** Set while no confirm may begin; resolved when none flies. */
  #held: Deferred<void> | null = null;

  constructor(clock: Clock, writer: Pick<JournalWriter, 'confirm'>, committedSn: number) {
    this.#clock = clock;
    this.#writer = writer;
    this.#committedSn = committedSn;
  }

  /** `release` is called once the answer, which saw the state as of `sn`, may leave. Never during this call. */
  wait(sn: number, release: Release): void {
    if (this.#gathering.length >= WAITING_MAX) {
      const why = new UnderstudyError('unavailable', `too many answers wait for the journal to confirm: waiting=${WAITING_MAX}`);
      return this.#clock.defer(() => release(why));
    }
    this.#gathering.push({ sn, release });
    if (this.#gathering.length === 1 && this.#flying === null) this.#clock.defer(() => this.#confirm());
  }

  /** Lets no further confirm begin until `resume`: who comes waits. Resolves when none flies any longer. */
  hold(): Promise<void> {
    this.#held ??= deferred();
    if (this.#flying === null) this.#held.resolve();
    return this.#held.promise;
  }

  resume(): void {
    this.#held = null;
    if (this.#gathering.length > 0 && this.#flying === null) this.#clock.defer(() => this.#confirm());
  }

  committed(sn: number): void {
    this.#committedSn = sn;
    if (this.#confirmed.length > 0) this.#releaseCommitted(this.#confirmed.splice(0));
  }

  /** Refuses those that saw what was taken back: everything behind `sn`. */
  rollBack(sn: number, why: UnderstudyError): void {
    const keep = (waiting: Waiting) => waiting.sn <= sn || void waiting.release(why);
    this.#confirmed = this.#confirmed.filter(keep);
    this.#gathering = this.#gathering.filter(keep);
    this.#flying = this.#flying?.filter(keep) ?? null;
  }

  /** Refuses everybody, now and later. */
  close(why: UnderstudyError): void {
    this.#closed = why;
    for (const { release } of [...this.#confirmed.splice(0), ...(this.#flying?.splice(0) ?? []), ...this.#gathering.splice(0)])
      release(why);
  }

  #confirm(): void {
    if (this.#closed !== null) return this.close(this.#closed);
    if (this.#gathering.length === 0 || this.#flying !== null || this.#held !== null) return;
    this.#flying = this.#gathering;
    this.#gathering = [];
    this.#writer.confirm().then(
      () => this.#landed(null),
      (error) => this.#landed(refusal(asError(error))),
    );
  }

  #landed(error: UnderstudyError | null): void {
    const landed = this.#flying ?? [];
    this.#flying = null;
    if (error === null) this.#releaseCommitted(landed);
    else for (const { release } of landed) release(error);
    this.#held?.resolve();
    if (this.#gathering.length > 0) this.#clock.defer(() => this.#confirm());
  }

  #releaseCommitted(waiting: readonly Waiting[]): void {
    for (const one of waiting) {
      if (one.sn <= this.#committedSn) one.release(null);
      else this.#confirmed.push(one);
    }
  }
}

/** An own batch that landed unknown to its writer leaves open what the next claim makes of it, but nothing that an answer here was asked for. */
function refusal(error: UnderstudyError): UnderstudyError {
  return error.code === 'outcome_unknown' ? new UnderstudyError('unavailable', error.message, { cause: error }) : error;
}
