/**
 * A kind of fault: what it does to the world, and how it is undone. Faults overlap, so each undoes only what it did, and finds the world as others
 * left it.
 */
import type { SeededRandom } from '../simulation/seeded-random.js';
import type { World } from './world.js';

/** Resolves when the fault is over, as far as it can be told; may be called once. */
type Heal = () => void | Promise<void>;

export interface Fault {
  /** What reports call it. */
  readonly name: string;
  /** At least and at most. */
  readonly lastsMs: readonly [number, number];
  /** How long writes may stop for it by design, on a machine that does nothing else; absent where they stop for as long as it lasts. */
  readonly promisedMs?: number;
  /** What it is aimed at, where that is not the namespace: the gaps in the service of files are told of those. */
  readonly hits?: 'files';
  /** Why this world cannot have it; undefined where it can. */
  readonly lacks?: (world: World) => string | undefined;
  /** Where something meant to fail does (a hand-over under other faults), that is no failure of the fault. */
  begin(world: World, random: SeededRandom): Promise<Heal>;
}
