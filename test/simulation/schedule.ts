/**
 * The schedule of a world's faults: drawn before the world begins, plain data. Each fault has a seed of its own, so that any of them can be
 * left out, and the others stay what and when they were.
 */
import type { FaultName } from './faults/kinds.js';
import type { SeededRandom } from './seeded-random.js';

export interface ScheduledFault {
  /** Virtual milliseconds since the world began. */
  readonly atMs: number;
  readonly fault: FaultName;
  /** Of the fault's own stream of chance. */
  readonly seed: number;
}

export interface ScheduleSettings {
  readonly kinds: readonly FaultName[];
  readonly perSecond: number;
  readonly lifeMs: number;
}

/** Trouble comes in twos: so often a fault follows soon after another, which is where the rare interleavings are. */
const SOON = 0.35;
const SOON_MS = [0.05, 400] as const;
const SEEDS = 2 ** 32;

/** @returns both, in the order of their times. */
export function merged(one: readonly ScheduledFault[], other: readonly ScheduledFault[]): readonly ScheduledFault[] {
  return other.length === 0 ? one : [...one, ...other].sort((a, b) => a.atMs - b.atMs);
}

/** @returns faults in the order of their times. */
export function drawSchedule(random: SeededRandom, { kinds, perSecond, lifeMs }: ScheduleSettings): ScheduledFault[] {
  const faults: ScheduledFault[] = [];
  if (kinds.length === 0) return faults;
  for (let atMs = 0; ; ) {
    const isSoon = faults.length > 0 && random.chance(SOON);
    atMs += isSoon ? random.between(...SOON_MS) : (-Math.log(1 - random.float()) * 1_000) / perSecond;
    if (atMs >= lifeMs) return faults;
    faults.push({ atMs: Math.round(atMs * 1_000) / 1_000, fault: random.pick(kinds), seed: random.below(SEEDS) });
  }
}
