/**
 * The program `understudy`: its commands, and how they end.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { CommandContext, HOME } from './context.js';
import { CommandFailed, EXIT, EXIT_HELP, exitCodeOf, sentenceOf } from './exit-code.js';
import { formatCommand } from './format-command.js';
import { fsCommand } from './fs/fs-command.js';
import { fsadminCommand } from './fsadmin/fsadmin-command.js';
import { getConfCommand } from './get-conf-command.js';
import { journalCommand } from './journal-command.js';
import { masterCommand } from './master-command.js';
import { complain, print, printed, quietWhenReaderGone } from './output.js';
import { restoreCommand } from './restore-command.js';

/** Runs the command line `args` and ends the process. */
export async function main(args: readonly string[]): Promise<never> {
  quietWhenReaderGone();
  const exitCode = await run(args);
  await printed();
  process.exit(exitCode);
}

async function run(args: readonly string[]): Promise<number> {
  const context = new CommandContext();
  try {
    await program(context).parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    // Commander has told these itself: help that was asked for is no error, everything else is one of usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof CommandFailed) || error.message !== '') complain(sentenceOf(error, context.debug));
    return exitCodeOf(error);
  }
}

function program(context: CommandContext): Command {
  const root = new Command('understudy').description('A metadata master whose standbys know every line').version(version());
  context.addOptions(root).addHelpText('after', EXIT_HELP);
  const versionCommand = new Command('version').description('print the version').action(() => print(version()));
  for (const command of [
    masterCommand(context, version()),
    fsCommand(context),
    fsadminCommand(context),
    formatCommand(context),
    journalCommand(context),
    restoreCommand(context),
    getConfCommand(context),
    versionCommand,
  ]) {
    root.addCommand(command);
  }
  throwOnExit(root);
  return root;
}

/** Commands that were made apart do not inherit this. */
function throwOnExit(command: Command): void {
  command.exitOverride();
  for (const below of command.commands) throwOnExit(below);
}

function version(): string {
  const { version: text }: { version: string } = JSON.parse(readFileSync(path.join(HOME, 'package.json'), 'utf8'));
  return text;
}
