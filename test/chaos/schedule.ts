/**
 * What happens to the cluster, drawn from a seed: fault after fault, each with how long it lasts and a chance of its own, sometimes two at once, and
 * a quiet time behind each. Every kind comes once before any comes again, so that a short run has many and a long one all.
 */
import { SeededRandom } from '../simulation/seeded-random.js';
import type { Fault } from './fault.js';

const TWO_AT_ONCE_CHANCE = 0.25;
const SECOND_AFTER_MS = [10, 2_000] as const;
const QUIET_MS = [100, 2_000] as const;

export interface PlannedFault {
  readonly fault: Fault;
  /** Behind the step's beginning. */
  readonly afterMs: number;
  readonly lastsMs: number;
  /** For what is chosen when it begins. */
  readonly random: SeededRandom;
}

export interface Step {
  readonly faults: readonly PlannedFault[];
  /** Behind the last of them, once the service is back. */
  readonly quietMs: number;
}

/** Endless. */
export function* drawSteps(seed: number, faults: readonly Fault[]): Generator<Step, never> {
  const random = new SeededRandom(seed, 'schedule');
  const deck = shuffledForEver(faults, random.fork('deck'));
  for (let number = 0; ; number++) {
    const own = random.fork(`step-${number}`);
    const count = own.chance(TWO_AT_ONCE_CHANCE) ? 2 : 1;
    const planned = Array.from({ length: count }, (_, index): PlannedFault => {
      const fault = deck.next().value;
      const [least, most] = fault.lastsMs;
      const afterMs = index === 0 ? 0 : Math.round(own.between(...SECOND_AFTER_MS));
      return { fault, afterMs, lastsMs: Math.round(least + own.float() * (most - least)), random: own.fork(`fault-${index}`) };
    });
    const [first, second] = planned;
    // Two of one kind would undo each other's work.
    if (first?.fault === second?.fault) planned.length = 1;
    yield { faults: planned, quietMs: Math.round(own.between(...QUIET_MS)) };
  }
}

function* shuffledForEver<T>(all: readonly T[], random: SeededRandom): Generator<T, never> {
  for (;;) {
    const left = [...all];
    while (left.length > 0) yield* left.splice(random.below(left.length), 1);
  }
}
