/**
 * `npm run chaos -- --minutes N --seed S --journal dir|gluster|s3`: real masters and workers, a real ensemble, a real store, and a nemesis whose plan is a
 * function of the seed. Ends with 1 where anything was lost, doubled, unequal, refused by the checker, or did not come back; with 2 where
 * the checker has given up a part of the history.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { runChaos } from './chaos-run.js';
import { JOURNALS, type JournalKind } from './journal-store.js';
import { machineClock } from './monotonic-clock.js';
import { formatOutcome, verdictOf } from './report.js';

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly journal: JournalKind;
  readonly json?: string;
  readonly keep: boolean;
  readonly only?: readonly string[];
}

const MINUTE_MS = 60_000;
const SEEDS = 2 ** 31;
const EXIT_CODES = { ok: 0, VIOLATION: 1, 'NOT DECIDED': 2 } as const;

async function run({ minutes, seed, journal, json, keep, only }: Options): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), `understudy-chaos-run-${journal}-`));
  const startedAt = machineClock.monotonicMs();
  const log = (line: string) => {
    const at = `${((machineClock.monotonicMs() - startedAt) / 1_000).toFixed(1).padStart(7)} s`;
    console.error(`${at}  ${line}`);
    // Beside the masters' logs, in their time.
    appendFileSync(path.join(folder, 'nemesis.log'), `${new Date().toISOString()} ${line}\n`);
  };
  console.log(`chaos: --minutes ${minutes} --seed ${seed} --journal ${journal}`);
  const limits = only === undefined ? '' : ` --only ${only.map((name) => `"${name}"`).join(' ')}`;
  let exitCode = 1;
  let isToKeep = true;
  try {
    const outcome = await runChaos({ journal, seed, forMs: minutes * MINUTE_MS, folder, log, ...(only === undefined ? {} : { only }) });
    exitCode = EXIT_CODES[verdictOf(outcome)];
    isToKeep = keep || exitCode !== 0 || outcome.troubles.length > 0;
    console.log(formatOutcome(outcome));
    if (json !== undefined) writeFileSync(json, `${JSON.stringify({ minutes, seed, journal, ...outcome }, null, 2)}\n`);
  } finally {
    if (isToKeep) console.log(`histories and logs: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
    if (isToKeep) console.log(`again: npm run chaos -- --minutes ${minutes} --seed ${seed} --journal ${journal}${limits}`);
    process.exitCode = exitCode;
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('it has to be a number above 0');
  return value;
}

// All that was made outside this process is undone when it ends: see undone-at-exit.ts.
process.once('SIGINT', () => process.exit(130));
process.once('SIGHUP', () => process.exit(129));

await new Command('chaos')
  .description('real masters and workers under faults; clients whose history is checked, and every byte that they read')
  .option('--minutes <number>', 'how long the faults go on', positive, 1)
  .option('--seed <number>', 'of the faults; drawn where it is absent', positive, Math.floor(Math.random() * SEEDS))
  .addOption(new Option('--journal <kind>', 'where the journal is').choices(JOURNALS).default('dir'))
  .option('--json <file>', 'write all figures there too')
  .option('--only <fault...>', 'these kinds of faults only')
  .option('--keep', 'keep histories and logs of a run without a violation, too', false)
  .action(run)
  .parseAsync();
process.exit();
