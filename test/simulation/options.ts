/**
 * The command line of `npm run simulate`.
 */
import { Command, InvalidArgumentError } from 'commander';

export interface Options {
  /** One world. */
  readonly seed?: number;
  readonly timeline?: boolean;
  readonly shrink?: boolean;
  readonly shrinkSeconds: number;
  /** JSON that replaces parts of what the seed draws. */
  readonly settings?: string;
  /** Regular expression: only such lines of the timeline. */
  readonly grep?: string;
  /** Many worlds: so many, or for so long. */
  readonly seeds?: number;
  readonly seconds?: number;
  readonly minutes?: number;
  /** The first seed of many. */
  readonly from?: number;
  readonly jobs: number;
  readonly keepGoing?: boolean;
  readonly json?: string;
}

export function parseOptions(args: readonly string[]): Options {
  const command = new Command('npm run simulate --')
    .description('Lives worlds of masters, clients and faults, each a pure function of its seed, and checks what their clients saw.')
    .option('--seed <n>', 'live the world of this seed and print its timeline', whole)
    .option('--timeline', 'with --seed: every line, those of routine too')
    .option('--grep <regexp>', 'with --seed: only lines of the timeline that match')
    .option('--shrink', 'with --seed: look for the smallest world in which the same invariant fails')
    .option('--shrink-seconds <n>', 'with --shrink: for so long at most', positive, 120)
    .option('--settings <json>', 'with --seed: in place of what the seed draws; parts will do (@FILE reads a file)')
    .option('--seeds <n>', 'live so many worlds', whole)
    .option('--from <n>', 'the first of many seeds (default: fresh ones)', whole)
    .option('--seconds <n>', 'live worlds for so long (default: 30)', positive)
    .option('--minutes <n>', 'live worlds for so long', positive)
    .option('--jobs <n>', 'processes', whole, 1)
    .option('--keep-going', 'go on after a violation')
    .option('--json <file>', 'write the summary and every violation as JSON')
    .addHelpText('after', '\nExit code: 0 without a violation, 1 with one, 2 where the command line is wrong.')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  return command.parse([...args], { from: 'user' }).opts<Options>();
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number is needed');
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0 is needed');
  return value;
}
