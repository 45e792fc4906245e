/**
 * Does to a world what was drawn, step by step: begins the faults, heals them after their time, waits until the service is back, and lets it be for
 * a while. Keeps the times of it all.
 */
import { waitUntil } from '../servers/wait-until.js';
import type { Fault } from './fault.js';
import { machineClock } from './monotonic-clock.js';
import type { PlannedFault, Step } from './schedule.js';
import type { World } from './world.js';

/** Within which writes have to succeed again once nothing is broken any more; for a machine that does other things as well. */
export const SERVICE_LIMIT_MS = 60_000;

interface DoneFault {
  readonly fault: Fault;
  readonly beganAt: number;
  readonly healedAt: number;
  /** Why the fault itself did not work, and is no proof of anything; absent where it did. */
  readonly trouble?: string;
}

export interface DoneStep {
  readonly faults: readonly DoneFault[];
  readonly beganAt: number;
  /** The next one begins here at the earliest. */
  readonly endedAt: number;
}

export interface NemesisDeps {
  readonly world: World;
  /** Whether a write that was begun no earlier than `since` has succeeded. */
  servedSince(since: number): boolean;
  done(step: DoneStep): void;
  readonly log: (line: string) => void;
}

/** @throws where the service does not come back. */
export async function runNemesis(steps: Iterator<Step, never>, forMs: number, deps: NemesisDeps): Promise<void> {
  const endAt = machineClock.monotonicMs() + forMs;
  while (machineClock.monotonicMs() < endAt) {
    const step = steps.next().value;
    const beganAt = machineClock.monotonicMs();
    const faults = await Promise.all(step.faults.map((planned) => suffer(planned, deps)));
    const healedAt = machineClock.monotonicMs();
    await waitUntil('writes succeed again once nothing is broken any more', () => deps.servedSince(healedAt), SERVICE_LIMIT_MS).catch(
      (cause) => {
        throw new Error(`no service after ${faults.map(({ fault }) => fault.name).join(' and ')}: ${cause.message}`, { cause });
      },
    );
    await pause(step.quietMs);
    deps.done({ faults, beganAt, endedAt: machineClock.monotonicMs() });
  }
}

async function suffer({ fault, afterMs, lastsMs, random }: PlannedFault, { world, log }: NemesisDeps): Promise<DoneFault> {
  await pause(afterMs);
  const beganAt = machineClock.monotonicMs();
  log(`${fault.name}, for ${lastsMs} ms`);
  let trouble: string | undefined;
  try {
    const heal = await fault.begin(world, random);
    await pause(lastsMs);
    await heal();
  } catch (error) {
    trouble = String(error);
    log(`${fault.name} did not work: ${trouble}`);
  }
  return { fault, beganAt, healedAt: machineClock.monotonicMs(), ...(trouble === undefined ? {} : { trouble }) };
}

function pause(forMs: number): Promise<void> {
  return new Promise((resolve) => machineClock.setTimer(forMs, resolve));
}
