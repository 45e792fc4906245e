/**
 * Lives one world again, with its timeline; looks for a smaller one that fails alike; and says what an engineer needs of one that went wrong.
 */
import { readFileSync } from 'node:fs';
import type { Options } from './options.js';
import { differenceOf } from './run.js';
import { invariantOf, type SeededWorld, Shrinker } from './shrink.js';
import { drawSettings } from './swarm.js';
import { isRoutine, timelineLine } from './timeline.js';
import { World, type WorldOutcome } from './world.js';
import type { WorldSettings } from './world-settings.js';

const LAST_LINES = 30;
const LINE_CHARACTERS_MAX = 400;

/** @returns the exit code. */
export async function replay(seed: number, options: Options): Promise<number> {
  const world = { seed, settings: settingsOf(seed, options.settings) };
  if (options.shrink) return shrink(world, options);
  const { violations } = await show(world, options);
  return violations.length === 0 ? 0 : 1;
}

/** @returns the exit code. */
async function shrink(world: SeededWorld, options: Options): Promise<number> {
  const { violations } = await World.run(world.seed, world.settings);
  const [violation] = violations;
  if (violation === undefined) {
    console.log(`nothing fails in the world of seed ${world.seed}`);
    return 0;
  }
  const invariant = invariantOf(violation);
  console.log(`${invariant} fails in ${sizeOf(world)}`);
  const until = performance.now() + options.shrinkSeconds * 1_000;
  const shrinker = new Shrinker(world, invariant, {
    live: ({ seed, settings }) => World.run(seed, settings),
    goesOn: () => performance.now() < until,
    smaller: (one, lived) => console.log(`after ${lived} worlds: ${sizeOf(one)}`),
  });
  const smallest = await shrinker.run();
  await show(smallest, options);
  console.log(`the smallest world that was found: ${sizeOf(smallest)}\n${commandOf(smallest)}`);
  return 1;
}

/** @returns what an engineer needs of a world that went wrong: seed, invariant, the last events, and how to see more. */
export async function tellFailure(outcome: WorldOutcome): Promise<string> {
  const { seed, violations } = outcome;
  const lines: string[] = [];
  const again = await World.run(seed, drawSettings(seed), {
    heard: (note, atMs) => {
      lines.push(timelineLine(note, atMs).slice(0, LINE_CHARACTERS_MAX));
      if (lines.length > LAST_LINES) lines.shift();
    },
  });
  const difference = differenceOf(outcome, again) ?? 'lived again, it is the same';
  const commands = [`npm run simulate -- --seed ${seed}`, `npm run simulate -- --seed ${seed} --shrink`];
  return [`seed ${seed} went wrong:`, ...violations, difference, 'its last events:', ...lines, 'again, and smaller:', ...commands, ''].join(
    '\n',
  );
}

/** Prints a world's timeline and what came of it. */
async function show({ seed, settings }: SeededWorld, options: Options): Promise<WorldOutcome> {
  const only = options.grep === undefined ? undefined : new RegExp(options.grep);
  console.log(`seed ${seed}: ${JSON.stringify({ ...settings, faults: settings.faults.length })}`);
  const outcome = await World.run(seed, settings, {
    heard(note, atMs) {
      if (isRoutine(note) && !options.timeline) return;
      const line = timelineLine(note, atMs);
      if (only?.test(line) ?? true) console.log(line);
    },
  });
  const { violations, ...rest } = outcome;
  console.log(JSON.stringify(rest));
  console.log(violations.length === 0 ? 'no violation' : ['VIOLATIONS:', ...violations].join('\n'));
  return outcome;
}

/** @returns what the seed draws, with what is given in place of its parts. */
function settingsOf(seed: number, given: string | undefined): WorldSettings {
  const drawn = drawSettings(seed);
  if (given === undefined) return drawn;
  const text = given.startsWith('@') ? readFileSync(given.slice(1), 'utf8') : given;
  const parts = JSON.parse(text) as Partial<WorldSettings>;
  return { ...drawn, ...parts, master: { ...drawn.master, ...parts.master } };
}

function sizeOf({ seed, settings }: SeededWorld): string {
  const { lifeMs, faults, masters, observers, clients, workersPerClient } = settings;
  const watching = observers === 0 ? '' : `, observers=${observers}`;
  return `seed=${seed} lifeMs=${lifeMs} faults=${faults.length} masters=${masters}${watching} clients=${clients} workers=${clients * workersPerClient}`;
}

/** @returns a command line that lives this world. */
function commandOf({ seed, settings }: SeededWorld): string {
  const drawn = drawSettings(seed);
  const parts = { ...differing(settings, drawn), master: differing(settings.master, drawn.master) };
  return `npm run simulate -- --seed ${seed} --settings '${JSON.stringify(parts).replaceAll("'", "'\\''")}'`;
}

function differing<T extends object>(one: T, other: T): Partial<T> {
  const keys = (Object.keys(one) as (keyof T)[]).filter((key) => JSON.stringify(one[key]) !== JSON.stringify(other[key]));
  return Object.fromEntries(keys.map((key) => [key, one[key]])) as Partial<T>;
}
