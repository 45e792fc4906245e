/**
 * What a leader does on its own account, in small journaled steps (housekeeping-step.ts): reaps detached trees, forgets clients that were
 * silent for long, closes files whose writers are gone, ends what has outlived its time, keeps access times.
 *
 * Each kind of step has one entry in flight at a time, behind the clients' calls in the same queue. A leader that ends leaves the rest to
 * the next one: all of it follows from the state.
 */
import type { ErrorCode } from '../base/errors.js';
import { sleep } from '../base/wait.js';
import type { AccessTimesSettings } from './access-times.js';
import { type ExpireInodesSettings, expireInodes } from './expire-inodes.js';
import { type ForgetClientsSettings, forgetClients } from './forget-clients.js';
import { type HousekeepingDeps, type HousekeepingStep, Refused } from './housekeeping-step.js';
import { reapTrees } from './reap-trees.js';
import { type RecoverLeasesSettings, recoverLeases } from './recover-leases.js';
import { touchFiles } from './touch-files.js';

export interface HousekeepingSettings extends ForgetClientsSettings, RecoverLeasesSettings, ExpireInodesSettings, AccessTimesSettings {}

const CLOCK_LOOK_MS = 250;
const RETRY_MS = 1_000;

/** What passes by itself, or with this leadership. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['not_leader', 'unavailable', 'outcome_unknown', 'resource_exhausted', 'cancelled']);

/** Runs until `signal` is aborted. Never throws. */
export async function keepHouse(settings: HousekeepingSettings, deps: HousekeepingDeps, signal: AbortSignal): Promise<void> {
  const changing = [reapTrees(deps), recoverLeases(settings, deps), expireInodes(settings, deps), touchFiles(settings, deps)];
  const steps = [...changing.map((step) => whileThawed(step, deps)), forgetClients(settings, deps), lookAtClock(deps)];
  await Promise.all(steps.map((step) => repeat(step, deps, signal)));
}

async function repeat(step: HousekeepingStep, { replica, clock, log }: HousekeepingDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let restMs = RETRY_MS;
    try {
      restMs = await step();
    } catch (thrown) {
      const error = thrown instanceof Refused ? thrown.reason : replica.checked(thrown);
      if (!signal.aborted && !PASSING.has(error.code)) log.warn({ error }, 'a step of housekeeping failed; it is tried again');
    }
    await sleep(clock, restMs, signal).catch(() => {});
  }
}

/** What changes the namespace rests while it is frozen. */
function whileThawed(step: HousekeepingStep, { replica }: HousekeepingDeps): HousekeepingStep {
  return async () => (replica.state.frozenBy() === null ? step() : RETRY_MS);
}

function lookAtClock({ clockWatch, leadership, peers }: HousekeepingDeps): HousekeepingStep {
  return async () => {
    clockWatch.isOff(leadership.skewMs(), peers());
    return CLOCK_LOOK_MS;
  };
}
