/** `understudy journal`: tools that look at a journal, and copy it, beside or without its masters. */
import { Command } from 'commander';
import type { CommandContext } from './context.js';
import { journalCopyCommand } from './journal-copy-command.js';
import { journalDumpCommand } from './journal-dump-command.js';
import { journalInfoCommand } from './journal-info-command.js';
import { journalProbeCommand } from './journal-probe-command.js';
import { journalVerifyCommand } from './journal-verify-command.js';

export function journalCommand(context: CommandContext): Command {
  const group = new Command('journal').description('look at a journal, check it and copy it; a live one is not disturbed');
  for (const command of [journalInfoCommand, journalVerifyCommand, journalDumpCommand, journalCopyCommand, journalProbeCommand]) {
    group.addCommand(command(context));
  }
  return context.addOptions(group);
}
