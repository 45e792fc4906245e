/**
 * When a call is sent again, and after which pause.
 *
 * What is sent again is a question of codes alone. Whether an earlier attempt may have happened is another one, and decides the attempt
 * number and the words of the final error: `mayHaveHappened` answers it, and answers yes wherever it cannot know.
 */
import type { Clock } from '../base/clock.js';
import type { ErrorCode, UnderstudyError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import type { ClientSettings } from './client-settings.js';

const RETRIED: ReadonlySet<ErrorCode> = new Set([
  'not_leader',
  'unavailable',
  'fenced',
  'outcome_unknown',
  // The master's end of the deadline, or our closing of the connection. The caller's own end of the call is looked at before.
  'deadline_exceeded',
  'cancelled',
]);
/** Retried only if the master asks for it by saying when: otherwise a retry would meet the same bound, or hide a conflict. */
const RETRIED_WHEN_TOLD: ReadonlySet<ErrorCode> = new Set(['resource_exhausted', 'aborted']);

/** @returns whether a call that failed so may be sent again. The same for every kind: mutations carry their identity. */
export function isRetried(failure: UnderstudyError): boolean {
  return RETRIED.has(failure.code) || (RETRIED_WHEN_TOLD.has(failure.code) && failure.retryAfterMs !== undefined);
}

const REFUSALS: ReadonlySet<ErrorCode> = new Set(['not_found', 'already_exists', 'failed_precondition', 'permission_denied']);

/** @returns whether this is the namespace's answer to a mutation, whichever attempt met it: its outcome is recorded (src/master/leadership.ts). */
export function isOutcome({ code, errno }: UnderstudyError): boolean {
  return errno !== undefined || REFUSALS.has(code);
}

/** @returns whether a mutation that failed so may have taken effect, or may yet. @param lost whether its connection is gone. */
export function mayHaveHappened(failure: UnderstudyError, lost: boolean): boolean {
  switch (failure.code) {
    case 'not_leader':
    case 'resource_exhausted':
    case 'aborted':
      return false;
    case 'unavailable':
      return lost;
    default:
      return true;
  }
}

/** The pauses of one run of failures: quick at first, then exponential, jittered; never longer than `retryMaxMs`. */
export class Backoff {
  readonly #settings: ClientSettings;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #startedMs: number;
  #nextMs: number;

  constructor(settings: ClientSettings, clock: Clock, random: Random) {
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
    this.#startedMs = clock.monotonicMs();
    this.#nextMs = settings.quickRetryBaseMs;
  }

  /** @returns how long to wait before the next attempt: half to all of the current step, at least `atLeastMs`. */
  pauseMs(atLeastMs = 0): number {
    const { retryBaseMs, retryMaxMs, quickRetryForMs } = this.#settings;
    const stepMs = this.#nextMs;
    const quick = this.#clock.monotonicMs() - this.#startedMs < quickRetryForMs;
    this.#nextMs = Math.min(stepMs * 2, quick ? retryBaseMs : retryMaxMs);
    return Math.max(atLeastMs, stepMs * (0.5 + this.#random.float() / 2));
  }
}
