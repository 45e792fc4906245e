/**
 * Worlds of fresh seeds, for a while. A world that goes wrong prints its seed; the same world again, with all that its masters say:
 * `SEED=<seed> npm run simulate` (the same code; any change to it makes other worlds of the same seeds).
 */
import { describe, expect, test } from 'vitest';
import type { FaultName } from './faults/kinds.js';
import { forgetWhatWasSeen, otherCheckpoint, otherReplay, otherStream, renumberRetries, withoutConfirm } from './sabotage.js';
import { drawSettings } from './swarm.js';
import { timelineLine } from './timeline.js';
import { World, type WorldExtras, type WorldOutcome } from './world.js';
import type { Storage } from './world-settings.js';

const BUDGET_MS = Number(process.env.SIMULATE_SECONDS ?? 30) * 1_000;
/** Worlds without a defect are fine; one of so many with it is not. */
const WORLDS_TO_FIND = 60;

const chosen = process.env.SEED === undefined ? undefined : Number(process.env.SEED);

function tell(outcome: WorldOutcome): string {
  const { violations, ...rest } = outcome;
  return [`SEED=${outcome.seed} went wrong:`, ...violations, JSON.stringify(rest)].join('\n');
}

if (chosen !== undefined) {
  test(`the world of seed ${chosen}: keeps the invariants`, { timeout: 600_000 }, async () => {
    const outcome = await World.run(chosen, drawSettings(chosen), {
      heard: (note, atMs) => process.stdout.write(`${timelineLine(note, atMs)}\n`),
    });
    expect(outcome.violations, tell(outcome)).toEqual([]);
  });
} else {
  describe('simulated worlds', simulatedWorlds);
  describe('a defect on purpose is found', defectsOnPurpose);
}

function simulatedWorlds(): void {
  test('a world: lived twice, is the same to the last event', { timeout: 120_000 }, async () => {
    const [once, again] = [await World.run(7), await World.run(7)];
    expect(again).toEqual(once);
    expect(once.trace).not.toBe((await World.run(8)).trace);
    expect(once.acknowledged).toBeGreaterThan(20);
  });

  test(`fresh seeds for ${BUDGET_MS / 1_000} s: the invariants hold`, { timeout: BUDGET_MS + 120_000 }, async () => {
    const base = Date.now() % 1_000_000_000;
    const sum = {
      told: 0,
      worlds: 0,
      events: 0,
      acknowledged: 0,
      unknown: 0,
      looks: 0,
      epochs: 0,
      digestsCompared: 0,
      published: 0,
      loaded: 0,
    };
    const faults: Record<string, number> = {};
    for (const until = performance.now() + BUDGET_MS; performance.now() < until; sum.worlds++) {
      const outcome = await World.run(base + sum.worlds);
      expect(outcome.violations, tell(outcome)).toEqual([]);
      for (const key of ['events', 'told', 'acknowledged', 'unknown', 'looks', 'epochs', 'digestsCompared', 'published', 'loaded'] as const)
        sum[key] += outcome[key];
      for (const [name, count] of Object.entries(outcome.faults)) faults[name] = (faults[name] ?? 0) + count;
    }
    process.stdout.write(`simulated from SEED=${base}: ${JSON.stringify({ ...sum, faults })}\n`);
    // A run that did nothing proves nothing.
    expect(sum.acknowledged).toBeGreaterThan(20 * sum.worlds);
    expect(sum.told).toBeGreaterThan(20 * sum.worlds);
    expect(sum.epochs).toBeGreaterThan(sum.worlds);
    expect(sum.digestsCompared).toBeGreaterThan(sum.worlds);
    expect(sum.published).toBeGreaterThan(sum.worlds);
    expect(sum.loaded).toBeGreaterThan(sum.worlds / 10);
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
  test('an append that does not look at its fence: two epochs commit', { timeout: 120_000 }, async () => {
    await expectFound(/^I1|^I2/, { defects: { noFenceCheck: true } });
  });

  test('an append that is acknowledged before it is durable: what was acknowledged is lost', { timeout: 120_000 }, async () => {
    await expectFound(/^I1|^I2/, { defects: { noSync: true } });
  });

  test('a claim that does not adopt what it finds: what was acknowledged is lost', { timeout: 120_000 }, async () => {
    await expectFound(/^I1|^I2/, { defects: { noAdoption: true } });
  });

  test('a bucket that writes over what stands in a slot: two epochs commit', { timeout: 120_000 }, async () => {
    await expectFound(/^I1|^I2/, { defects: { noCondition: true } }, undefined, 'bucket');
  });

  test('a leader that does not confirm before it answers reads: they are stale', { timeout: 120_000 }, async () => {
    // Only a leader that hears nothing of its successor goes on answering.
    await expectFound(/^I1, I6|^I5/, { sabotage: withoutConfirm }, 'strand the leader with a client');
  });

  test('a read on any master that does not say what its client has seen: it is older', { timeout: 120_000 }, async () => {
    await expectFound(/^I1, I6/, { callSabotage: forgetWhatWasSeen });
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
    await expectFound(/^I5/, { callSabotage: renumberRetries });
  });
}
