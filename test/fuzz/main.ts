/**
 * `npm run fuzz`: fuzzes the decoders, one after the other, for as long as it is told. What reaches new code, and what breaks something, joins the
 * corpus; ends with 1 where something broke.
 *
 *     npm run fuzz -- --minutes 10
 *     npm run fuzz -- --only batch --seed 7
 *     npm run fuzz -- --write-seeds          writes the valid inputs of all targets
 */
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { keep, writeSeeds } from './corpus.js';
import { Coverage } from './coverage.js';
import { Fuzzer } from './fuzzer.js';
import { TARGETS } from './targets.js';
import { Watchdog } from './watchdog.js';

/** Of each target, before the next one has its turn. */
const TURN_MS = 2_000;

const options = new Command('fuzz')
  .option('--only <text>', 'targets whose name contains this', '')
  .option('--minutes <number>', 'how long', number, 1)
  .option('--seed <number>', 'of all chance', number, randomInt(2 ** 32))
  .option('--write-seeds', 'write the valid inputs of the targets into the corpus, and end')
  .parse()
  .opts<{ only: string; minutes: number; seed: number; writeSeeds?: boolean }>();

const targets = TARGETS.filter(({ name }) => name.includes(options.only));
if (targets.length === 0) throw new Error(`no target is called so: only=${options.only}`);
if (options.writeSeeds) for (const target of targets) writeSeeds(target.name, target.seeds());
else process.exitCode = (await fuzz()) === 0 ? 0 : 1;

function number(text: string): number {
  const value = Number(text);
  if (!(value >= 0)) throw new InvalidArgumentError('a number is needed');
  return value;
}

async function fuzz(): Promise<number> {
  console.log(`seed ${options.seed}, targets: ${targets.map(({ name }) => name).join(', ')}`);
  await using watchdog = new Watchdog(path.join(tmpdir(), `understudy-hang-${process.pid}`));
  await using coverage = await Coverage.start((url) => url.includes('/dist-proof/src/'));
  const fuzzers = targets.map((target) => new Fuzzer(target, options.seed, watchdog));
  const ends = performance.now() + options.minutes * 60_000;
  const broken = new Set<Fuzzer>();
  const replayed = new Set<Fuzzer>();
  while (performance.now() < ends && broken.size < fuzzers.length) {
    for (const fuzzer of fuzzers) {
      if (broken.has(fuzzer) || performance.now() >= ends) continue;
      const found = (replayed.has(fuzzer) ? undefined : await fuzzer.replay()) ?? (await turn(fuzzer, coverage));
      replayed.add(fuzzer);
      if (found === undefined) continue;
      const { input, what } = await fuzzer.shrink(found);
      console.log(`\nFOUND: target=${found.target} bytes=${input.length} input=${keep(found.target, 'broke', input)}\n${what}\n`);
      broken.add(fuzzer);
    }
  }
  for (const { target, tried, accepted, poolSize } of fuzzers) {
    console.log(`${target.name.padEnd(24)} tried ${String(tried).padStart(9)}  accepted ${String(accepted).padStart(9)}  pool ${poolSize}`);
  }
  console.log(`covered: ${coverage.characters} characters of source; broken: ${broken.size}`);
  return broken.size;
}

async function turn(fuzzer: Fuzzer, coverage: Coverage) {
  coverage.add(await coverage.look());
  for (const ends = performance.now() + TURN_MS; performance.now() < ends; ) {
    const found = await fuzzer.runGuided(coverage, (input) => void keep(fuzzer.target.name, 'new', input));
    if (found !== undefined) return found;
  }
  return undefined;
}
