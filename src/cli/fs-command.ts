/**
 * `understudy fs …`: looks at the namespace and changes it.
 */
import { Command } from 'commander';
import type { CommandContext } from './context.js';
import { EXIT_HELP } from './exit-code.js';
import { addChangingCommands } from './fs-changing-commands.js';
import { FsFrame } from './fs-frame.js';
import { addReadingCommands } from './fs-reading-commands.js';

export function fsCommand(context: CommandContext): Command {
  const fs = new Command('fs').description('look at the namespace and change it');
  context.addOptions(fs).addHelpText('after', EXIT_HELP);
  const frame = new FsFrame(context, fs);
  addReadingCommands(frame);
  addChangingCommands(frame);
  return fs;
}
