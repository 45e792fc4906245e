/**
 * Worlds of fresh seeds, for a while: SIMULATE_SECONDS says how long. `npm run simulate` lives more of them, and shows one that goes wrong.
 */
import { describe, expect, test } from 'vitest';
import { FAULT_NAMES, type FaultName } from './faults/kinds.js';
import { tellFailure } from './replay.js';
import { liveMany } from './run.js';
import { forgetWhatWasSeen, otherCheckpoint, otherReplay, otherStream, renumberRetries, withoutConfirm } from './sabotage.js';
import { drawSettings } from './swarm.js';
import { Tally } from './tally.js';
import { World, type WorldExtras } from './world.js';
import type { Storage } from './world-settings.js';

const BUDGET_MS = Number(process.env.SIMULATE_SECONDS ?? 30) * 1_000;
const MANY = 40;
const SAME_SEEDS = [7, 8, 9, 10];
/** Worlds without a defect are fine; one of so many with it is not. */
const WORLDS_TO_FIND = 60;

describe('simulated worlds', simulatedWorlds);
describe('a defect on purpose is found', defectsOnPurpose);

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
    await liveMany({ from, jobs: 1, goesOn }, (lived) => tally.add(lived));
    process.stdout.write(`worlds from seed ${from}:\n${tally.table()}\n`);
    const [failure] = tally.failures;
    if (failure !== undefined) expect.fail(await tellFailure(failure));
    // A run that did nothing proves nothing. What not every world has is asked of many.
    const { worlds, sums } = tally;
    expect(sums.acknowledgedUnderFaults).toBeGreaterThan(10 * worlds);
    expect(sums.told).toBeGreaterThan(10 * worlds);
    expect(sums.epochs).toBeGreaterThan(worlds);
    expect(sums.digestsCompared).toBeGreaterThan(worlds);
    if (worlds >= MANY) expect(sums.published).toBeGreaterThan(worlds / 10);
    if (worlds >= MANY) expect(sums.loaded).toBeGreaterThan(0);
    expect(tally.faults.size).toBeGreaterThan(Math.min(worlds, FAULT_NAMES.length) / 2);
  });
}

/** Lives worlds with this defect until one shows a violation that begins so. */
async function expectFound(violation: RegExp, extras: WorldExtras, only?: FaultName, storage: Storage = 'folder'): Promise<void> {
  const others: string[] = [];
  for (let seed = 1; seed <= WORLDS_TO_FIND; seed++) {
    const { violations } = await World.run(seed, { ...drawSettings(seed, only && [only]), storage }, extras);
    if (violations.some((one) => violation.test(one))) return;
    others.push(...violations);
  }
  expect.fail(`not found in ${WORLDS_TO_FIND} worlds; other violations: ${others.join('\n') || 'none'}`);
}

function defectsOnPurpose(): void {
  test('a shared folder that is read through the caches of its hosts: what was acknowledged is lost', { timeout: 120_000 }, async () => {
    await expectFound(/^I1|^I2/, { defects: { cachedReads: true } }, 'strand the leader with a client');
  });

  test('a bucket that writes over what stands in a slot: two epochs commit', { timeout: 120_000 }, async () => {
    await expectFound(/^I1|^I2/, { defects: { noCondition: true } }, undefined, 'bucket');
  });

  test('a leader that does not confirm before it answers reads: they are stale', { timeout: 120_000 }, async () => {
    // Only a leader that hears nothing of its successor goes on answering.
    await expectFound(/^history:/, { sabotage: withoutConfirm }, 'strand the leader with a client');
  });

  test('a read on any master that does not say what its client has seen: it is older', { timeout: 120_000 }, async () => {
    await expectFound(/^history:/, { callSabotage: forgetWhatWasSeen });
  });

  test('a standby that applies something else than the leader: states differ', { timeout: 120_000 }, async () => {
    await expectFound(/^I4/, { sabotage: otherReplay('m2') });
  });

  test('a leader that feeds standbys what it did not commit: they are off the chain', { timeout: 120_000 }, async () => {
    await expectFound(/^I4|^I1, I4/, { sabotage: otherStream });
  });

  test('a checkpoint of a damaged store whose digest nobody checked: who begins with it has another state', {
    timeout: 120_000,
  }, async () => {
    await expectFound(/^I4/, { sabotage: otherCheckpoint }, 'replace a master');
  });

  test('a retry under another number: it runs twice', { timeout: 120_000 }, async () => {
    await expectFound(/^history:|^watch:/, { callSabotage: renumberRetries });
  });
}
