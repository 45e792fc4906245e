/**
 * `understudy fsadmin …`: what operators ask of a running cluster. Each group of commands has a file of its own.
 */
import { Command } from 'commander';
import { ClientFrame } from '../client-frame.js';
import type { CommandContext } from '../context.js';
import { EXIT_HELP } from '../exit-code.js';
import { backupCommand } from './backup-command.js';
import { configCommands } from './config-commands.js';
import { addDecommissionCommand } from './decommission-command.js';
import { addDoctorCommand } from './doctor-command.js';
import { featureCommands } from './feature-commands.js';
import { addFreezeCommands } from './freeze-commands.js';
import { journalCommands } from './journal-commands.js';
import { leaderCommands } from './leader-commands.js';
import { pathConfCommands } from './path-conf-commands.js';
import { quotaCommands } from './quota-commands.js';
import { addReportCommand } from './report-command.js';

export function fsadminCommand(context: CommandContext): Command {
  const fsadmin = new Command('fsadmin').description('run the cluster: see how it is, hand the lead over, make checkpoints, take backups');
  context.addOptions(fsadmin).addHelpText('after', EXIT_HELP);
  const frame = new ClientFrame(context, fsadmin);
  addReportCommand(frame);
  addDoctorCommand(frame);
  addFreezeCommands(frame);
  addDecommissionCommand(frame);
  fsadmin.addCommand(backupCommand(context));
  fsadmin.addCommand(leaderCommands(context));
  fsadmin.addCommand(journalCommands(context));
  fsadmin.addCommand(featureCommands(context));
  fsadmin.addCommand(quotaCommands(context));
  fsadmin.addCommand(configCommands(context));
  fsadmin.addCommand(pathConfCommands(context));
  return fsadmin;
}
