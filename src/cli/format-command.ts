/**
 * `understudy format`: makes the journal of a new cluster.
 */
import { Command } from 'commander';
import { isError } from '../base/errors.js';
import { silentLog } from '../base/log.js';
import { systemClock } from '../base/system-clock.js';
import { systemRandom } from '../base/system-random.js';
import { formatDirectoryJournal } from '../journal/format-directory.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { directoryJournalSettings } from './journal-settings.js';
import { print } from './output.js';

export function formatCommand(context: CommandContext): Command {
  return context
    .addOptions(new Command('format').description('make an empty journal; a journal that exists is refused'))
    .option('--force', 'also where there is a journal: its leader is fenced, and ALL THAT IS IN IT IS LOST')
    .action(async ({ force }: { force?: boolean }) => {
      const settings = directoryJournalSettings(context.load().settings);
      try {
        const deps = { clock: systemClock, random: systemRandom, log: silentLog };
        const { clusterId } = await formatDirectoryJournal(settings, deps, { force: force === true });
        await print(`Formatted the journal ${settings.folder}\nCluster id: ${clusterId}`);
      } catch (error) {
        if (!isError(error, 'already_exists')) throw error;
        throw new CommandFailed(
          EXIT.failed,
          `${error.message}; nothing was changed. With --force it is formatted anew, and all in it is lost.`,
        );
      }
    });
}
