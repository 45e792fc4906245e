/**
 * Lives one world again, with its timeline; and what is said of a world that went wrong.
 */
import { readFileSync } from 'node:fs';
import type { Options } from './options.js';
import { drawSettings } from './swarm.js';
import type { Failure } from './tally.js';
import { isRoutine, timelineLine } from './timeline.js';
import { World, type WorldOutcome } from './world.js';
import type { WorldSettings } from './world-settings.js';

const LAST_LINES = 30;
const LINE_CHARACTERS_MAX = 400;

/** @returns the exit code. */
export async function replay(seed: number, options: Options): Promise<number> {
  const settings = { ...drawSettings(seed), ...givenSettings(options.settings) };
  const only = options.grep === undefined ? undefined : new RegExp(options.grep);
  console.log(`seed ${seed}: ${JSON.stringify({ ...settings, faults: `${settings.faults.length} of them` })}`);
  const outcome = await World.run(seed, settings, {
    heard(note, atMs) {
      if (isRoutine(note) && !options.timeline) return;
      const line = timelineLine(note, atMs);
      if (only?.test(line) ?? true) console.log(line);
    },
  });
  console.log(outcomeText(outcome));
  return outcome.violations.length === 0 ? 0 : 1;
}

/** @returns what an engineer needs of a world that went wrong: seed, invariant, the last events, and how to see more. */
export async function tellFailure({ seed, violations }: Failure): Promise<string> {
  const lines: string[] = [];
  await World.run(seed, drawSettings(seed), {
    heard: (note, atMs) => {
      lines.push(timelineLine(note, atMs).slice(0, LINE_CHARACTERS_MAX));
      if (lines.length > LAST_LINES) lines.shift();
    },
  });
  const replays = [`npm run simulate -- --seed ${seed}`, `npm run simulate -- --seed ${seed} --shrink`];
  return [`seed ${seed} went wrong:`, ...violations, 'its last events:', ...lines, 'again:', ...replays, ''].join('\n');
}

function givenSettings(given: string | undefined): Partial<WorldSettings> {
  if (given === undefined) return {};
  return JSON.parse(given.startsWith('@') ? readFileSync(given.slice(1), 'utf8') : given) as Partial<WorldSettings>;
}

function outcomeText({ violations, ...rest }: WorldOutcome): string {
  const wrong = violations.length === 0 ? 'no violation' : `VIOLATIONS:\n${violations.join('\n')}`;
  return `${JSON.stringify(rest)}\n${wrong}`;
}
