/**
 * Worlds of fresh seeds, for a while: SIMULATE_SECONDS says how long. `npm run simulate` lives more of them, and shows one that goes wrong.
 */
import { describe, expect, test } from 'vitest';
import { FAULT_NAMES } from './faults/kinds.js';
import { tellFailure } from './replay.js';
import { liveMany } from './run.js';
import { drawSettings } from './swarm.js';
import { Tally } from './tally.js';
import { World } from './world.js';

const BUDGET_MS = Number(process.env.SIMULATE_SECONDS ?? 30) * 1_000;
const MANY = 40;
/** Few worlds let a part of their log go and have another claim after that. */
const VERY_MANY = 500;
/** A floor that only a mistake goes below: of processor time, with what loading and compiling take. */
const EVENTS_PER_SECOND_MIN = 5_000;
const SAME_SEEDS = [7, 8, 9, 10];

describe('simulated worlds', simulatedWorlds);

function simulatedWorlds(): void {
  test('a world: lived twice, is the same to the last event', { timeout: 120_000 }, async () => {
    const traces = new Set<string>();
    for (const seed of SAME_SEEDS) {
      const once = await World.run(seed);
      expect(await World.run(seed, drawSettings(seed), { heard: () => {} })).toEqual(once);
      traces.add(once.trace);
    }
    expect(traces.size).toBe(SAME_SEEDS.length);
  });

  test(`fresh seeds for ${BUDGET_MS / 1_000} s: the invariants hold`, { timeout: BUDGET_MS + 120_000 }, async () => {
    const from = Date.now() % 1_000_000_000;
    const tally = new Tally();
    const goesOn = () => tally.seconds * 1_000 < BUDGET_MS && tally.failures.length === 0;
    await liveMany({ from, jobs: 0, goesOn }, (lived) => tally.add(lived));
    process.stdout.write(`worlds from seed ${from}:\n${tally.table()}\n`);
    const [failure] = tally.failures;
    if (failure !== undefined) expect.fail(await tellFailure(failure));
    // A run that did nothing proves nothing. What not every world has is asked of many.
    const { worlds, sums } = tally;
    expect(sums.acknowledgedUnderFaults).toBeGreaterThan(10 * worlds);
    expect(sums.told).toBeGreaterThan(10 * worlds);
    expect(sums.epochs).toBeGreaterThan(worlds);
    expect(sums.digestsCompared).toBeGreaterThan(worlds);
    expect(sums.durableChecked).toBeGreaterThan(10 * worlds);
    expect(sums.marksChecked).toBeGreaterThan(worlds);
    expect(sums.readsChecked).toBeGreaterThan(10 * worlds);
    expect(sums.rowsCompared).toBeGreaterThan(worlds);
    expect(sums.boundsChecked).toBeGreaterThan(100 * worlds);
    expect(tally.eventsPerSecond).toBeGreaterThan(EVENTS_PER_SECOND_MIN);
    if (worlds >= VERY_MANY) expect(sums.retentionsChecked).toBeGreaterThan(0);
    if (worlds >= MANY) expect(sums.published).toBeGreaterThan(worlds / 10);
    if (worlds >= MANY) expect(sums.loaded).toBeGreaterThan(0);
    if (worlds >= MANY) expect(Math.min(sums.bytesWritten, sums.bytesRead, sums.filesAtEnd, sums.bytesStored)).toBeGreaterThan(worlds / 4);
    expect(tally.faults.size).toBeGreaterThan(Math.min(worlds, FAULT_NAMES.length) / 2);
  });
}
