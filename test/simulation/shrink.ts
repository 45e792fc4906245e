/**
 * Looks for a smaller world in which the same invariant still fails: fewer faults, clients, workers and masters, a shorter life, plain
 * settings. What is tried next is decided by what failed so far alone.
 *
 * A change to a world shifts every later event, and a failure that needs two of them in one order may be gone though its cause is there. So
 * each smaller world is tried under a few seeds; with whichever it fails, it is the world from then on.
 */
import type { WorldOutcome } from './world.js';
import { type MasterTuning, PLAIN, type WorldSettings } from './world-settings.js';

export interface SeededWorld {
  readonly seed: number;
  readonly settings: WorldSettings;
}

export interface ShrinkDeps {
  live(world: SeededWorld): Promise<WorldOutcome>;
  /** Whether there is time for another world. */
  goesOn(): boolean;
  /** Hears of each smaller world. */
  smaller?(world: SeededWorld, lived: number): void;
}

/** Seeds under which a smaller world is tried. */
const SEEDS_TRIED = 4;
const LIFE_MS_MIN = 20;

/** @returns what failed: the words before the first colon, as `I1, I6`. */
export function invariantOf(violation: string): string {
  return violation.slice(0, Math.max(0, violation.indexOf(':')));
}

export class Shrinker {
  readonly #deps: ShrinkDeps;
  readonly #invariant: string;
  readonly #firstSeed: number;
  #world: SeededWorld;
  #lived = 0;

  /** @param invariant what fails in `world`. */
  constructor(world: SeededWorld, invariant: string, deps: ShrinkDeps) {
    this.#world = world;
    this.#firstSeed = world.seed;
    this.#invariant = invariant;
    this.#deps = deps;
  }

  /** @returns the smallest world that was found: `world` itself where none is smaller. */
  async run(): Promise<SeededWorld> {
    for (let before: SeededWorld | undefined; before !== this.#world && this.#deps.goesOn(); ) {
      before = this.#world;
      await this.#shortenLife();
      await this.#dropFaults();
      for (const count of COUNTS) while (await this.#try(withOneLess(this.#world.settings, count)));
      for (const plainer of plainSettings(this.#world.settings)) await this.#try({ ...this.#world.settings, ...plainer });
      for (const plainer of plainTunings(this.#world.settings.master)) {
        const { settings } = this.#world;
        await this.#try({ ...settings, master: { ...settings.master, ...plainer } });
      }
    }
    return this.#world;
  }

  /** By halves, then by less and less. */
  async #shortenLife(): Promise<void> {
    for (const share of [0.5, 0.75, 0.9]) {
      while (this.#world.settings.lifeMs > LIFE_MS_MIN && (await this.#try(shortened(this.#world.settings, share))));
    }
  }

  /** Halves, quarters and so on of the faults, then single ones (ddmin). */
  async #dropFaults(): Promise<void> {
    for (let parts = 1; this.#deps.goesOn(); ) {
      const { faults } = this.#world.settings;
      if (faults.length === 0) return;
      const size = Math.ceil(faults.length / parts);
      let dropped = false;
      for (let at = 0; at < faults.length && !dropped; at += size) {
        const fewer = faults.filter((_, index) => index < at || index >= at + size);
        dropped = await this.#try({ ...this.#world.settings, faults: fewer });
      }
      if (dropped) parts = Math.max(1, parts - 1);
      else if (size === 1) return;
      else parts = Math.min(faults.length, parts * 2);
    }
  }

  /** @returns whether the invariant fails in a world of these settings, which then is the world to go on with. */
  async #try(settings: WorldSettings | undefined): Promise<boolean> {
    if (settings === undefined || JSON.stringify(settings) === JSON.stringify(this.#world.settings)) return false;
    const { seed } = this.#world;
    const others = Array.from({ length: SEEDS_TRIED }, (_, at) => this.#firstSeed + at).filter((other) => other !== seed);
    for (const tried of [seed, ...others].slice(0, SEEDS_TRIED)) {
      if (!this.#deps.goesOn()) return false;
      this.#lived++;
      const { violations } = await this.#deps.live({ seed: tried, settings });
      if (!violations.some((violation) => invariantOf(violation) === this.#invariant)) continue;
      this.#world = { seed: tried, settings };
      this.#deps.smaller?.(this.#world, this.#lived);
      return true;
    }
    return false;
  }
}

const COUNTS = ['observers', 'blockWorkers', 'clients', 'workersPerClient', 'masters'] as const;

function withOneLess(settings: WorldSettings, count: (typeof COUNTS)[number]): WorldSettings | undefined {
  const least = count === 'observers' || count === 'blockWorkers' ? 0 : 1;
  return settings[count] > least ? { ...settings, [count]: settings[count] - 1 } : undefined;
}

function shortened(settings: WorldSettings, share: number): WorldSettings {
  const lifeMs = Math.floor(settings.lifeMs * share);
  return { ...settings, lifeMs, faults: settings.faults.filter(({ atMs }) => atMs < lifeMs) };
}

/** How a world is made plainer, one setting at a time: what has a pass of its own is not among them. */
function plainSettings(settings: WorldSettings): Partial<WorldSettings>[] {
  const { lifeMs, masters, observers, clients, workersPerClient, blockWorkers, faults, master, ...plain } = PLAIN;
  const all = { ...plain, master };
  const keys = Object.keys(all) as (keyof typeof all)[];
  return keys.filter((key) => JSON.stringify(settings[key]) !== JSON.stringify(all[key])).map((key) => ({ [key]: all[key] }));
}

function plainTunings(master: MasterTuning): Partial<MasterTuning>[] {
  const keys = Object.keys(PLAIN.master) as (keyof MasterTuning)[];
  return keys.filter((key) => master[key] !== PLAIN.master[key]).map((key) => ({ [key]: PLAIN.master[key] }));
}
