/**
 * `understudy fs …`: looks at the namespace and changes it. Each group of commands has a file of its own.
 */
import { Command } from 'commander';
import { ClientFrame } from '../client-frame.js';
import type { CommandContext } from '../context.js';
import { EXIT_HELP } from '../exit-code.js';
import { addAclCommands } from './acl-commands.js';
import { addCompleteCommand } from './complete-command.js';
import { addCopyCommands } from './copy-commands.js';
import { addKeepCommands } from './keep-commands.js';
import { addListCommand } from './list-command.js';
import { addMasterCommands } from './master-commands.js';
import { addModeCommands } from './mode-commands.js';
import { addMountCommands } from './mount-commands.js';
import { addReadCommands } from './read-commands.js';
import { addStatusCommands } from './status-commands.js';
import { addStorageCommands } from './storage-commands.js';
import { addTreeCommands } from './tree-commands.js';
import { addUnderStoreCommands } from './under-store-commands.js';
import { addUsageCommands } from './usage-commands.js';
import { addWatchCommands } from './watch-commands.js';
import { addXattrCommands } from './xattr-commands.js';

const PATHS_HELP = `
Paths may have wildcards: * and ? within a name, [a-c] and [^a-c], {a,b}; a \\ takes their meaning away. What matches nothing is an error.`;

export function fsCommand(context: CommandContext): Command {
  const fs = new Command('fs').description('look at the namespace and change it');
  context.addOptions(fs).addHelpText('after', PATHS_HELP).addHelpText('after', EXIT_HELP);
  const frame = new ClientFrame(context, fs);
  addListCommand(frame);
  addStatusCommands(frame);
  addUsageCommands(frame);
  addTreeCommands(frame);
  addReadCommands(frame);
  addCopyCommands(frame);
  addStorageCommands(frame);
  addModeCommands(frame);
  addAclCommands(frame);
  addXattrCommands(frame);
  addKeepCommands(frame);
  addMountCommands(frame);
  addUnderStoreCommands(frame);
  addWatchCommands(context, frame, fs);
  addMasterCommands(frame);
  addCompleteCommand(context, fs, frame);
  return fs;
}
