/** The shrinker, on worlds that fail as the test says. */
import { expect, test } from 'vitest';
import type { ScheduledFault } from './schedule.js';
import { type SeededWorld, Shrinker } from './shrink.js';
import { drawSettings } from './swarm.js';
import type { WorldOutcome } from './world.js';
import { PLAIN } from './world-settings.js';

function fault(atMs: number): ScheduledFault {
  return { atMs, fault: 'kill a master', seed: atMs };
}

const START: SeededWorld = {
  seed: 7,
  settings: {
    ...drawSettings(7),
    lifeMs: 8_000,
    masters: 4,
    observers: 1,
    clients: 3,
    faults: Array.from({ length: 60 }, (_, at) => fault(100 * at)),
  },
};

/** @param fails whether I1 fails in a world; another invariant fails in all. */
function shrinkerOf(fails: (world: SeededWorld) => boolean, worldsMax = 10_000): { shrinker: Shrinker; lived: () => number } {
  let lived = 0;
  const live = async (world: SeededWorld) => {
    lived++;
    return { violations: ['I9: always', ...(fails(world) ? ['I1: lost'] : [])] } as unknown as WorldOutcome;
  };
  return { shrinker: new Shrinker(START, 'I1', { live, goesOn: () => lived < worldsMax }), lived: () => lived };
}

test('a world that fails because of two faults and two masters: they are left, and all else is plain', async () => {
  const { shrinker, lived } = shrinkerOf(({ settings: { faults, masters, pollIntervalMs } }) => {
    const has = (atMs: number) => faults.some((one) => one.atMs === atMs);
    return has(1_200) && has(3_900) && masters >= 2 && pollIntervalMs === START.settings.pollIntervalMs;
  });
  const { settings } = await shrinker.run();
  const { lifeMs } = settings;
  const { pollIntervalMs } = START.settings;
  expect(settings).toEqual({ ...PLAIN, lifeMs, pollIntervalMs, workersPerClient: 1, faults: [fault(1_200), fault(3_900)] });
  expect(lifeMs).toBeLessThan(4_500);
  expect(lived()).toBeLessThan(600);
});

test('a world that fails under some seeds: a smaller one is looked for under others', async () => {
  const { shrinker } = shrinkerOf(({ seed, settings: { faults } }) => faults.length === 60 || (seed === 9 && faults.length > 0));
  const { seed, settings } = await shrinker.run();
  expect(seed).toBe(9);
  expect(settings.faults).toHaveLength(1);
});

test('no time left: the world is as small as it got', async () => {
  const { shrinker, lived } = shrinkerOf(() => true, 3);
  const { settings } = await shrinker.run();
  expect(lived()).toBe(3);
  expect(settings.lifeMs).toBe(1_000);
});
