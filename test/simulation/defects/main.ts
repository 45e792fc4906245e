/**
 * `npm run simulate:defects`: lives simulated worlds with each deliberate defect of the production code until one of them tells of it, and
 * as many worlds of the code as it is, which have to tell of nothing. `--write` writes what was found to docs/proof-defects.md.
 * `--elsewhere` runs the tests of the defects that hardly any world shows: each has to fail.
 */
import { Command, InvalidArgumentError } from 'commander';
import { DEFECTS } from './all-defects.js';
import type { Defect } from './defect.js';
import { type Finding, findDefect, NO_DEFECT } from './find-defect.js';
import { DOCUMENT, writeDocument } from './findings-document.js';
import { PatchedCopy } from './patched-copy.js';

const FRESH_SEEDS = 1_000_000_000;

interface Options {
  readonly only?: string;
  readonly seed: number;
  readonly worlds: number;
  readonly jobs: number;
  readonly control: boolean;
  readonly write: boolean;
  readonly list: boolean;
  readonly elsewhere: boolean;
}

function count(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('not a whole number from 1 on');
  return number;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function tell({ defect, worlds, seconds, found, others }: Finding): void {
  const how = found === null ? 'NOT FOUND' : `found with seed ${found.seed}`;
  say(`${defect.name}: ${how} after ${worlds} worlds, ${seconds.toFixed(1)} s${found === null ? '' : `: ${found.violation}`}`);
  for (const other of others.slice(0, 5)) say(`    also told: ${other}`);
}

async function inTurn<T, R>(items: readonly T[], jobs: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = [...items.entries()];
  const job = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: jobs }, job));
  return results;
}

/** @returns what the code as it is tells of, which has to be nothing. */
function control(root: string, options: Options, worlds: number): Promise<Finding[]> {
  const share = Math.ceil(worlds / options.jobs);
  const firsts = Array.from({ length: options.jobs }, (_, job) => options.seed + job * share);
  return inTurn(firsts, options.jobs, (firstSeed) => findDefect(NO_DEFECT, { root, firstSeed, worldsMax: share }));
}

/** @returns whether the named test of each fails, and passes without the defect. */
async function failElsewhere(root: string, defects: readonly Defect[], jobs: number): Promise<boolean> {
  await using plain = await PatchedCopy.make(root, []);
  for (const { name, elsewhere } of defects) {
    if (elsewhere === undefined || !(await plain.fails(elsewhere))) continue;
    say(`${name}: FAILS WITHOUT IT, TOO: ${elsewhere.file}: ${elsewhere.test}`);
    return false;
  }
  const fails = await inTurn(defects, jobs, async ({ name, edits, elsewhere }) => {
    if (elsewhere === undefined) return true;
    await using copy = await PatchedCopy.make(root, edits);
    const isFound = await copy.fails(elsewhere);
    say(`${name}: ${isFound ? 'fails as it should' : 'PASSES'}: ${elsewhere.file}: ${elsewhere.test}`);
    return isFound;
  });
  return fails.every((isFound) => isFound);
}

async function run(options: Options): Promise<boolean> {
  const root = process.cwd();
  const wanted = DEFECTS.filter(
    ({ name, elsewhere }) =>
      (elsewhere !== undefined) === options.elsewhere && (options.only === undefined || new RegExp(options.only).test(name)),
  );
  if (wanted.length === 0) throw new Error(`no defect is called so: only=${options.only}`);
  if (options.list) {
    for (const { name, what } of wanted) say(`${name}: ${what}`);
    return true;
  }
  if (options.elsewhere) return failElsewhere(root, wanted, options.jobs);
  say(`fresh seeds from ${options.seed}: ${wanted.length} defects, at most ${options.worlds} worlds each`);
  const done: Finding[] = [];
  let written = Promise.resolve();
  const findings = await inTurn(wanted, options.jobs, async (defect: Defect) => {
    const finding = await findDefect(defect, { root, firstSeed: options.seed, worldsMax: options.worlds });
    tell(finding);
    done.push(finding);
    if (options.write) {
      written = written.then(() => writeDocument(root, DEFECTS, done));
      await written;
    }
    return finding;
  });
  const hardest = Math.max(...findings.map(({ worlds }) => worlds));
  const sound = options.control ? await control(root, options, hardest) : [];
  for (const { found } of sound) if (found !== null) say(`WITHOUT ANY DEFECT seed ${found.seed} tells: ${found.violation}`);
  const lived = sound.reduce((sum, { worlds }) => sum + worlds, 0);
  const missed = findings.filter(({ found }) => found === null);
  const isSound = sound.every(({ found }) => found === null);
  say(
    `${findings.length - missed.length} of ${findings.length} found; ${lived} worlds without a defect ${isSound ? 'are sound' : 'are NOT sound'}`,
  );
  return missed.length === 0 && isSound;
}

const command = new Command('simulate:defects')
  .description('puts defects into the production code, one at a time, and sees simulated worlds find them')
  .option('--only <pattern>', 'the defects whose names match')
  .option('--seed <number>', 'first seed (default: a fresh one)', count, 1 + (Date.now() % FRESH_SEEDS))
  .option('--worlds <number>', 'worlds to live with one defect, at most', count, 400)
  .option('--jobs <number>', 'defects at a time', count, 1)
  .option('--no-control', 'live no worlds of the code as it is')
  .option('--list', 'only name the defects', false)
  .option('--elsewhere', 'run the tests of the defects that hardly any world shows: each has to fail', false)
  .option('--write', `write ${DOCUMENT}`, false)
  .action(async (options: Options) => {
    if (!(await run(options))) process.exitCode = 1;
  });
await command.parseAsync();
