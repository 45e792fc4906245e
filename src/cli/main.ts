/**
 * The program `understudy`: runs a command, and ends as it ended.
 */
import { CommanderError } from 'commander';
import { CommandContext } from './context.js';
import { CommandFailed, EXIT, exitCodeOf, sentenceOf } from './exit-code.js';
import { complain, printed, quietWhenReaderGone } from './output.js';
import { program } from './program.js';

/** Runs the command line `args` and ends the process. */
export async function main(args: readonly string[]): Promise<never> {
  quietWhenReaderGone();
  const exitCode = await run(args);
  await printed();
  process.exit(exitCode);
}

/** Runs the command line `args`. @returns the exit code; what went wrong has been told. */
export async function run(args: readonly string[]): Promise<number> {
  const context = new CommandContext();
  try {
    await (await program(context, args)).parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    // Commander has told these itself: help that was asked for is no error, everything else is one of usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof CommandFailed) || error.message !== '') complain(sentenceOf(error, context.debug));
    return exitCodeOf(error);
  }
}
