/**
 * `understudy fsadmin …`: what operators ask of a running cluster. Each group of commands has a file of its own.
 */
import { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { EXIT_HELP } from '../exit-code.js';
import { backupCommand } from './backup-command.js';
import { journalCommands } from './journal-commands.js';
import { leaderCommands } from './leader-commands.js';

export function fsadminCommand(context: CommandContext): Command {
  const fsadmin = new Command('fsadmin').description('run the cluster: hand the lead over, make checkpoints, take backups');
  context.addOptions(fsadmin).addHelpText('after', EXIT_HELP);
  fsadmin.addCommand(backupCommand(context));
  fsadmin.addCommand(leaderCommands(context));
  fsadmin.addCommand(journalCommands(context));
  return fsadmin;
}
