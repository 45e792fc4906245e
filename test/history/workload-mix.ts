/** What the workers of a run are like: drawn anew for each run, so that one run does a lot of what another one never does. */
import type { SeededRandom } from '../simulation/seeded-random.js';

/** What a worker may do next. */
export const ACTIONS = [
  'create',
  'makeDirectory',
  'rename',
  'renameTree',
  'remove',
  'removeTree',
  'setMode',
  'setXattr',
  'batch',
  'writeBlocks',
  'createOwn',
  'changeOwn',
  'look',
  'lookAtOwn',
  'list',
  'countTree',
] as const;

export type Action = (typeof ACTIONS)[number];

export interface WorkloadMix {
  /** How often each action is taken, in proportion; 0: never. */
  readonly weights: Readonly<Record<Action, number>>;
  /** Names that are fought over in each directory. */
  readonly names: number;
  /** Directories in which that happens. */
  readonly directories: number;
  /** Operations before the workers move to another place, where nothing of the old one matters. */
  readonly arenaOperations: number;
  /** Between two operations of a worker. */
  readonly thinkMs: readonly [from: number, to: number];
  /** Share of calls that are given little time. */
  readonly hasty: number;
  /** What the directory with a quota holds. */
  readonly quotaNames: number;
}

const USUAL: Readonly<Record<Action, number>> = {
  create: 14,
  makeDirectory: 6,
  rename: 9,
  renameTree: 3,
  remove: 7,
  removeTree: 2,
  setMode: 5,
  setXattr: 4,
  batch: 6,
  writeBlocks: 3,
  createOwn: 9,
  changeOwn: 8,
  look: 16,
  lookAtOwn: 8,
  list: 6,
  countTree: 2,
};

export interface MixBounds {
  readonly arenaOperations: readonly [from: number, to: number];
  readonly thinkMs: readonly [from: number, to: number];
}

export function drawMix(random: SeededRandom, bounds: MixBounds): WorkloadMix {
  const weights = Object.fromEntries(ACTIONS.map((action) => [action, USUAL[action] * (random.chance(0.15) ? 0 : random.between(0.3, 3))]));
  return {
    weights: { ...(weights as Record<Action, number>), look: USUAL.look, create: USUAL.create },
    names: 2 + random.below(5),
    directories: 2 + random.below(2),
    arenaOperations: Math.round(random.between(...bounds.arenaOperations)),
    thinkMs: bounds.thinkMs,
    hasty: random.chance(0.3) ? 0 : random.between(0.01, 0.7),
    quotaNames: 3 + random.below(10),
  };
}
