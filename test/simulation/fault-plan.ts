/**
 * Carries out the schedule of a world's faults at their times. Every fault ends by itself; `mend` ends all at once.
 */
import type { Breakable, FaultContext } from './faults/fault.js';
import { FAULTS, WORKER_FAULT_NAMES } from './faults/kinds.js';
import type { ScheduledFault } from './schedule.js';
import { SeededRandom } from './seeded-random.js';
import type { VirtualTime } from './virtual-time.js';

export class FaultPlan {
  readonly counts = new Map<string, number>();
  readonly #world: Breakable;
  readonly #time: VirtualTime;
  readonly #stretch: number;
  #mended = false;

  /** @param stretch makes faults longer or shorter than they are drawn. */
  constructor(world: Breakable, time: VirtualTime, schedule: readonly ScheduledFault[], stretch = 1) {
    this.#world = world;
    this.#time = time;
    this.#stretch = stretch;
    for (const scheduled of schedule) time.setTimer(scheduled.atMs, () => this.#happen(scheduled));
  }

  /** No fault from now on; what is broken is mended. */
  mend(): void {
    this.#mended = true;
    this.#world.mend();
  }

  #happen({ fault, seed }: ScheduledFault): void {
    if (this.#mended) return;
    this.#time.note({ by: 'world', level: 'fault', message: fault });
    const isThere = this.#world.workers.length > 0 || !WORKER_FAULT_NAMES.includes(fault);
    const isDone = isThere && FAULTS[fault](this.#context(new SeededRandom(seed, fault))) !== false;
    if (isDone) this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    else this.#time.note({ by: 'world', message: 'there is no such thing here' });
  }

  #context(random: SeededRandom): FaultContext {
    const world = this.#world;
    return {
      world,
      random,
      master() {
        const leader = world.leader();
        return leader !== undefined && random.chance(0.6) ? leader : random.pick(world.masters);
      },
      later: (fromMs, toMs, fn) => {
        const delayMs = random.between(fromMs, Math.max(fromMs, toMs * this.#stretch));
        this.#time.setTimer(delayMs, () => this.#mended || fn());
      },
    };
  }
}
