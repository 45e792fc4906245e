/**
 * Random commands on the program and on the reference model. What fails is made as short as it gets and written into scenarios/, where it stays
 * (scenarios.test.ts). LONG=1, or scripts/test --long, runs a million commands.
 */
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ERRNO_CODES } from '../../src/metadata/refusals.js';
import { Both, Disagreement } from './both.js';
import { Dice } from './dice.js';
import { lineOf, openingLines } from './wishes.js';

const COMMANDS = process.env.LONG === undefined ? 100_000 : 1_000_000;
const LINES_PER_RUN = 300;
/** Of a run so many lines at least are commands, and answered. */
const COMMANDS_PER_RUN = 180;

it(`${COMMANDS} random commands: answered as the reference model does, and what they leave is the same`, {
  timeout: 7_200_000,
}, async () => {
  const outcomes = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      for (const [outcome, count] of await run(seed)) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count);
    }),
    { numRuns: Math.ceil(COMMANDS / COMMANDS_PER_RUN), endOnFailure: true },
  );
  tell(outcomes);
  expect(sum(outcomes, () => true)).toBeGreaterThan(COMMANDS);
  expect(sum(outcomes, (outcome) => outcome.endsWith(' ok')) / sum(outcomes, () => true)).toBeGreaterThan(0.4);
  for (const errno of Object.keys(ERRNO_CODES))
    expect(`${errno} ${sum(outcomes, (outcome) => outcome.endsWith(` ${errno}`))}`).not.toMatch(/ 0$/);
});

async function run(seed: number): Promise<ReadonlyMap<string, number>> {
  const dice = new Dice(seed);
  const both = await Both.begin(1 + dice.below(100));
  try {
    for (const line of openingLines(dice)) await both.line(line);
    for (let i = 0; i < LINES_PER_RUN; i++) await both.line(lineOf(dice, both));
    await both.end();
    return both.outcomes;
  } catch (error) {
    if (!(error instanceof Disagreement)) throw new Error(`broke off in:\n${both.lines.join('\n')}`, { cause: error });
    const { lines, what } = await shrunk(both.lines, error.what);
    writeFileSync(new URL(`scenarios/found-${seed >>> 0}.txt`, import.meta.url), `${lines.join('\n')}\n`);
    throw new Error(`${what}\nin, as scenarios/found-${seed >>> 0}.txt:\n${lines.join('\n')}`);
  } finally {
    await both.leader.close();
  }
}

/** Leaves out lines, many at once and then fewer, as long as there is a disagreement. */
async function shrunk(lines: readonly string[], what: string): Promise<{ lines: readonly string[]; what: string }> {
  const disagreement = async (some: readonly string[]): Promise<string | null> => {
    try {
      await Both.run(some);
      return null;
    } catch (error) {
      return error instanceof Disagreement ? error.what : null;
    }
  };
  let best = { lines, what };
  for (let size = lines.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.lines.length; ) {
      const some = best.lines.toSpliced(at, size);
      const found = await disagreement(some);
      if (found === null) at += size;
      else best = { lines: some, what: found };
    }
  }
  return best;
}

function sum(outcomes: ReadonlyMap<string, number>, of: (outcome: string) => boolean): number {
  return [...outcomes].reduce((all, [outcome, count]) => all + (of(outcome) ? count : 0), 0);
}

/** A line for each operation: how often it was called, and what came of it. */
function tell(outcomes: ReadonlyMap<string, number>): void {
  const operations = new Set([...outcomes.keys()].map((outcome) => outcome.split(' ')[0] ?? ''));
  const lines = [...operations].sort().map((operation) => {
    const its = [...outcomes].filter(([outcome]) => outcome.startsWith(`${operation} `)).sort(([, a], [, b]) => b - a);
    return `${operation} ${its.map(([outcome, count]) => `${outcome.split(' ')[1]} ${count}`).join(', ')}`;
  });
  console.log(lines.join('\n'));
}
