/**
 * `understudy getConf`: what holds, and where from.
 */
import { Command } from 'commander';
import { asError } from '../base/errors.js';
import { rowOf, type SettingRow } from '../config/load-settings.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { print } from './output.js';

export function getConfCommand(context: CommandContext): Command {
  const command = new Command('getConf').argument('[key]', 'only this setting').description('show what settings hold');
  return context
    .addOptions(command)
    .option('--source', 'show where each comes from, too')
    .action(async (key: string | undefined, { source }: { source?: boolean }) => {
      const loaded = context.load();
      const shown = ({ text, source: place }: SettingRow) => (source === true ? `${text ?? ''} (${place})` : (text ?? ''));
      if (key === undefined) return print(loaded.rows.map((row) => `${row.key}=${shown(row)}`).join('\n'));
      let row: SettingRow;
      try {
        row = rowOf(loaded, key);
      } catch (error) {
        throw new CommandFailed(EXIT.usage, asError(error).message);
      }
      return print(shown(row));
    });
}
