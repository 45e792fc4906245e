/**
 * `fsadmin config …`: settings of all masters, kept in the journal.
 */
import { Command } from 'commander';
import { changeConfig } from '../../client/cluster-config.js';
import type { FileSystem } from '../../client/file-system.js';
import { type MasterReport, masterReports, type ReportedMaster, type ReportedSetting } from '../../client/master-report.js';
import { journaledSetting } from '../../config/journaled.js';
import { fullKey, knownSuffix, PREFIX } from '../../config/layers.js';
import { ClientFrame } from '../client-frame.js';
import type { CommandContext } from '../context.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { shownName } from '../fs/ls-format.js';
import { withJson } from '../json-option.js';
import { properties } from '../option-values.js';
import { print, printJson } from '../output.js';

interface ListOptions {
  readonly source?: boolean;
  readonly json?: boolean;
  readonly master?: string;
}

export function configCommands(context: CommandContext): Command {
  const config = context.addOptions(new Command('config').description('set settings of all masters, in the journal'));
  const frame = new ClientFrame(context, config);
  frame
    .command('set <key=value...>', 'set settings of all masters, over what their files say: all that are named, or none')
    .action((pairs: string[]) =>
      frame.once('config set', async ({ client }) => {
        const set = properties(pairs);
        await changeConfig(client, { set });
        await print(
          Object.entries(set)
            .map(([key, value]) => `Set ${shownName(`${fullKey(key)}=${value}`)}: it counts ${when(key)}`)
            .join('\n'),
        );
      }),
    );
  frame.command('unset <key...>', 'let what the files of the masters say count again').action((keys: string[]) =>
    frame.once('config unset', async ({ client }) => {
      await changeConfig(client, { unset: keys });
      await print(
        keys.map((key) => `Unset ${shownName(fullKey(key))}: what each master's own settings say counts ${when(key)}`).join('\n'),
      );
    }),
  );
  withJson(
    frame.command('list [key]', 'show what settings hold on the leader, and what holds once a master is started again'),
    'an array of {key, value, source, overridden: what the journal overrides, pending: string or null}',
  )
    .option('--source', 'show where each comes from, and what the journal overrides, too')
    .option('--master <host:port>', 'of this master, not of the leader')
    .action((key: string | undefined, options: ListOptions) => frame.once('config list', (fs) => list(fs, key, options)));
  return config;
}

function when(key: string): string {
  return journaledSetting(key, false).inJournal === 'at once' ? 'at once' : 'on each master when it is started again';
}

async function list(fs: FileSystem, key: string | undefined, { source = false, json = false, master }: ListOptions): Promise<void> {
  const reports = await masterReports(fs.client);
  const rows = toldBy(reports, master).settingRows.filter((row) => key === undefined || row.key === (knownSuffix(key) ?? key));
  if (key !== undefined && rows.length === 0) throw new CommandFailed(EXIT.failed, `no such setting: ${key}`);
  if (json) return printJson(rows.map(({ mark: _, ...row }) => ({ ...row, key: PREFIX + row.key })));
  await print([...rows.map((row) => line(row, source)), ...pendingLines(reports, rows)].join('\n'));
}

function line({ key, value, source, overridden }: ReportedSetting, withSource: boolean): string {
  const over = overridden === '' ? '' : `; overrides ${overridden}`;
  return shownName(`${PREFIX}${key}=${value}${withSource ? ` (${source}${over})` : ''}`);
}

function pendingLines(reports: readonly MasterReport[], shown: readonly ReportedSetting[]): string[] {
  const keys = new Set(shown.map(({ key }) => key));
  return reports.flatMap(({ address, told }) =>
    (told?.settingRows ?? []).flatMap(({ key, pending }) =>
      pending === null || !keys.has(key) ? [] : [shownName(`once ${address} is started again: ${PREFIX}${key}=${pending}`)],
    ),
  );
}

function toldBy(reports: readonly MasterReport[], master: string | undefined): ReportedMaster {
  const report = reports.find(({ address, info }) => (master === undefined ? info.state === 'ACTIVE' : address === master));
  if (report?.told === undefined)
    throw new CommandFailed(EXIT.noAnswer, master === undefined ? 'no master leads now' : `this master does not answer: ${master}`);
  return report.told;
}
