/**
 * `npm run simulate`: lives worlds of fresh seeds and checks them, or one world again, with all that happens in it.
 */
import { writeFileSync } from 'node:fs';
import { type Options, parseOptions } from './options.js';
import { replay, tellFailure } from './replay.js';
import { liveMany } from './run.js';
import { Tally } from './tally.js';

const PROGRESS_MS = 10_000;
const SECONDS_DEFAULT = 30;

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  return options.seed === undefined ? many(options) : replay(options.seed, options);
}

/** @returns the exit code. */
async function many(options: Options): Promise<number> {
  const from = options.from ?? Date.now() % 1_000_000_000;
  const seconds = options.minutes === undefined ? (options.seconds ?? SECONDS_DEFAULT) : options.minutes * 60;
  const { seeds } = options;
  console.log(`worlds from seed ${from}: ${seeds === undefined ? `${seconds} s` : `${seeds} of them`}, jobs=${options.jobs}`);
  const tally = new Tally();
  let interrupted = false;
  process.once('SIGINT', () => {
    interrupted = true;
  });
  const goesOn = (begun: number) => {
    if (interrupted || (tally.failures.length > 0 && !options.keepGoing)) return false;
    return seeds === undefined ? tally.seconds < seconds : begun < seeds;
  };
  let toldAt = performance.now();
  await liveMany({ from, jobs: options.jobs, goesOn }, (lived) => {
    tally.add(lived);
    const { seed, violations } = lived.outcome;
    if (violations.length > 0) console.log(`seed ${seed} goes wrong: ${violations[0]}`);
    if (performance.now() - toldAt < PROGRESS_MS) return;
    toldAt = performance.now();
    console.log(tally.progress());
  });
  for (const failure of tally.failures) console.log(await tellFailure(failure));
  console.log(tally.table());
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ from, ...tally.report() }, null, 2)}\n`);
  return tally.failures.length === 0 ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 2;
  },
);
