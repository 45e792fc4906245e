/**
 * `understudy format`: makes the journal of a new cluster.
 */
import { Command } from 'commander';
import { isError } from '../base/errors.js';
import { claimByTool } from './claim-by-tool.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { formatJournal } from './open-journal.js';
import { print } from './output.js';
import { refuseWhileLed } from './refuse-while-led.js';
import { TOOL_DEPS } from './tool-deps.js';

export function formatCommand(context: CommandContext): Command {
  return context
    .addOptions(new Command('format').description('make an empty journal; a folder that holds one, or may, is refused'))
    .option('--force', 'also where there is a journal: its leader is fenced, and ALL THAT IS IN IT IS LOST')
    .option('--even-while-led', 'with --force: even while a leader answers; without it that is refused')
    .action(async ({ force = false, evenWhileLed = false }: { force?: boolean; evenWhileLed?: boolean }) => {
      const { settings } = context.load();
      if (force && !evenWhileLed) await refuseWhileLed(settings);
      try {
        const { clusterId } = await formatJournal(settings, TOOL_DEPS, force ? { force: claimByTool('format', settings) } : {});
        await print(`Formatted the journal ${settings.masterJournalFolder}\nCluster id: ${clusterId}`);
      } catch (error) {
        if (!isError(error, 'already_exists') || force) throw error;
        throw new CommandFailed(
          EXIT.failed,
          `${error.message}; nothing was changed. With --force it is formatted anew, and all in it is lost.`,
        );
      }
    });
}
