/**
 * The attempts of one call, once its first one has failed: whether another one follows, when, and what its caller is told if none does.
 *
 * The attempt number rises with every attempt that may have happened, and with no other: number 1 means that nothing can have happened
 * before, which is what lets a mutation of a forgotten session be sent again under a new one.
 */
import { UnderstudyError } from '../base/errors.js';
import { sleep } from '../base/wait.js';
import type { CallBudget } from './call-budget.js';
import type { ClientSettings } from './client-settings.js';
import type { MasterConnection } from './connections.js';
import type { LeaderLinkDeps } from './leader-link.js';
import { Backoff, isOutcome, isRetried, mayHaveHappened } from './retry-policy.js';
import type { Route } from './route.js';

/** A mutation was refused with `session_expired` at its first attempt: it may be sent under a new session. */
export class NeverRan extends Error {
  override readonly cause: UnderstudyError;

  constructor(cause: UnderstudyError) {
    super('refused before it could run', { cause });
    this.cause = cause;
  }
}

export class CallAttempts {
  /** Number of the attempt that comes next. */
  number = 1;
  readonly #settings: ClientSettings;
  readonly #deps: Pick<LeaderLinkDeps, 'clock' | 'random'>;
  readonly #budget: CallBudget;
  readonly #mutation: boolean;
  #backoff: Backoff | undefined;

  constructor(settings: ClientSettings, deps: Pick<LeaderLinkDeps, 'clock' | 'random'>, budget: CallBudget, mutation: boolean) {
    this.#settings = settings;
    this.#deps = deps;
    this.#budget = budget;
    this.#mutation = mutation;
  }

  /** There was progress: the pauses begin anew. */
  reset(): void {
    this.#backoff = undefined;
  }

  /** Resolves when the next attempt may be made. @throws what the caller is to be told, when there is none; `NeverRan`. */
  async failed(route: Route, connection: MasterConnection, failure: UnderstudyError): Promise<void> {
    if (!this.#budget.givenUp && !this.#isRetried(failure)) {
      route.answered();
      throw this.#refusal(failure);
    }
    if (mayHaveHappened(failure, connection.lost)) this.number += 1;
    route.failed(connection, failure);
    if (this.#budget.givenUp || this.#budget.remainingMs <= 0) throw this.final(failure);
    // A route that leads elsewhere from now on sets the pace of its search itself.
    if (route.current === connection) await this.#pause(failure);
  }

  /** @returns what the caller is told when there is no further attempt, the last one, or the search for a master, having met `last`. */
  final(last: UnderstudyError): UnderstudyError {
    const unknown = this.#isInDoubt;
    const met = `attempts=${this.number - 1} last=${last.code}`;
    if (this.#budget.givenUp) {
      return new UnderstudyError('cancelled', unknown ? `given up under way; it may have happened ${met}` : 'given up', { cause: last });
    }
    if (!this.#isRetried(last)) return last;
    if (unknown) return new UnderstudyError('deadline_exceeded', `not answered in time; it may have happened ${met}`, { cause: last });
    const code = last.code === 'deadline_exceeded' ? 'deadline_exceeded' : 'unavailable';
    return new UnderstudyError(code, `given up after ${Math.round(this.#budget.totalMs)} ms: ${last.message}`, { cause: last });
  }

  /** An earlier attempt may have happened. */
  get #isInDoubt(): boolean {
    return this.#mutation && this.number > 1;
  }

  /** That there is no room for this attempt says nothing of an earlier one: only another one tells what became of that. */
  #isRetried(failure: UnderstudyError): boolean {
    return isRetried(failure) || (this.#isInDoubt && failure.code === 'resource_exhausted' && !isOutcome(failure));
  }

  #refusal(failure: UnderstudyError): Error {
    if (failure.code !== 'session_expired' || !this.#mutation) {
      if (!this.#isInDoubt || isOutcome(failure)) return failure;
      return new UnderstudyError('outcome_unknown', `an earlier attempt may have happened; a later one failed: ${failure.message}`, {
        cause: failure,
      });
    }
    if (this.number === 1) return new NeverRan(failure);
    return new UnderstudyError('session_expired', `its outcome can no longer be told; it may have happened: ${failure.message}`, {
      cause: failure,
    });
  }

  async #pause(failure: UnderstudyError): Promise<void> {
    this.#backoff ??= new Backoff(this.#settings, this.#deps.clock, this.#deps.random);
    const pauseMs = this.#backoff.pauseMs(failure.retryAfterMs);
    if (pauseMs >= this.#budget.remainingMs) throw this.final(failure);
    try {
      await sleep(this.#deps.clock, pauseMs, this.#budget.waitSignal);
    } catch {
      throw this.final(failure);
    }
  }
}
