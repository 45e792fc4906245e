/**
 * What the steps of housekeeping have in common: each is a file of its own beside this one, composed in housekeeping.ts.
 *
 * A step looks at the state, has a bounded number of entries appended, and says when it wants to look again. Everything that it goes by is
 * in the state, so that the next leader goes on where this one ends; its plan looks again, for clients' calls come in between.
 */
import type { Clock } from '../base/clock.js';
import { asError, type UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { AccessTimes } from './access-times.js';
import type { ClockWatch, PeerClock } from './clock-watch.js';
import type { Leadership } from './leadership.js';
import type { Replica } from './replica.js';

export interface HousekeepingDeps {
  readonly replica: Replica;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly log: Log;
  readonly clockWatch: ClockWatch;
  readonly accessTimes: AccessTimes;
  /** The clocks of the standbys. */
  readonly peers: () => readonly PeerClock[];
}

/** Does a bounded part of the work. @returns milliseconds for which there is nothing more to do. */
export type HousekeepingStep = () => Promise<number>;

/** Between two looks of one round. */
export const PAUSE_MS = 20;

/** What the leadership answered, as against what the store threw. */
export class Refused extends Error {
  readonly reason: UnderstudyError;

  constructor(reason: UnderstudyError) {
    super(reason.message);
    this.reason = reason;
  }
}

/** Resolves when the entry is committed, or `plan` finds nothing to do any longer. @throws Refused. */
export async function appendStep(leadership: Leadership, plan: Parameters<Leadership['append']>[0]): Promise<void> {
  await leadership.append(plan).catch((thrown) => {
    throw new Refused(asError(thrown));
  });
}

/**
 * Says whether what was silent for `timeoutMs()` is old: not before this leadership has lasted as long, and not while its clock cannot be
 * believed. So a clock that was wrong before it, or jumped between two leaderships, makes nothing look old.
 */
export function ageGate({ leadership, clock, clockWatch, peers }: HousekeepingDeps, timeoutMs: () => number): () => boolean {
  const begunMs = clock.monotonicMs();
  return () => clock.monotonicMs() - begunMs >= timeoutMs() && !clockWatch.isOff(leadership.skewMs(), peers());
}
