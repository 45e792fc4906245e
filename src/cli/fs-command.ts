/**
 * `understudy fs …`: looks at the namespace and changes it.
 */
import { Command } from 'commander';
import { ClientFrame } from './client-frame.js';
import type { CommandContext } from './context.js';
import { EXIT_HELP } from './exit-code.js';
import { addChangingCommands } from './fs-changing-commands.js';
import { addReadingCommands } from './fs-reading-commands.js';

export function fsCommand(context: CommandContext): Command {
  const fs = new Command('fs').description('look at the namespace and change it');
  context.addOptions(fs).addHelpText('after', EXIT_HELP);
  const frame = new ClientFrame(context, fs);
  addReadingCommands(frame);
  addChangingCommands(frame);
  return fs;
}
