/**
 * `fsadmin quota …`: bounds of what may be below a directory.
 */
import { Command } from 'commander';
import { ClientFrame } from '../client-frame.js';
import type { CommandContext } from '../context.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { shownName } from '../fs/ls-format.js';
import { withJson } from '../json-option.js';
import { bytes, wholeNumber } from '../option-values.js';
import { JsonArray, print } from '../output.js';
import { plainTable } from '../plain-table.js';

export function quotaCommands(context: CommandContext): Command {
  const quota = context.addOptions(new Command('quota').description('bound what may be below directories'));
  const frame = new ClientFrame(context, quota);
  frame
    .command('set <path...>', 'bound names, bytes or both; what is there already stays')
    .option('--names <number>', 'files and directories, at all depths', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--bytes <size>', 'sum of the lengths of files, such as 512MB or 1TB', bytes)
    .action((patterns: string[], options: { names?: number; bytes?: number }) => {
      if (options.names === undefined && options.bytes === undefined) {
        throw new CommandFailed(EXIT.usage, 'quota set: --names, --bytes or both have to be given');
      }
      const { names, bytes: size } = options;
      const bounds = { ...(names === undefined ? {} : { namesMax: names }), ...(size === undefined ? {} : { bytesMax: size }) };
      return frame.forPaths('quota set', patterns, async (fs, path) => {
        await fs.setQuota(path, bounds);
        await print(`Set the quota of ${shownName(path)}`);
      });
    });
  frame.command('clear <path...>', 'take all bounds away').action((patterns: string[]) =>
    frame.forPaths('quota clear', patterns, async (fs, path) => {
      await fs.setQuota(path, { namesMax: 0, bytesMax: 0 });
      await print(`Cleared the quota of ${shownName(path)}`);
    }),
  );
  withJson(
    frame.command('show <path...>', 'show the bounds of directories, and what there is'),
    'an array of {path, names, namesMax, bytes, bytesMax}; a bound of 0 is none',
  ).action((patterns: string[], { json = false }: { json?: boolean }) => show(frame, patterns, json));
  return quota;
}

async function show(frame: ClientFrame, patterns: readonly string[], json: boolean): Promise<void> {
  const array = json ? new JsonArray() : undefined;
  const rows: string[][] = [];
  try {
    await frame.forPaths('quota show', patterns, async (fs, path) => {
      const { files, directories, bytes: used, quota } = await fs.contentSummary(path);
      // The directory itself is not bounded by its quota.
      const names = Math.max(0, files + directories - 1);
      const [namesMax, bytesMax] = [quota?.namesMax ?? 0, quota?.bytesMax ?? 0n];
      if (array !== undefined) await array.add({ path, names, namesMax, bytes: used, bytesMax });
      else rows.push([String(names), String(namesMax || '-'), String(used), String(bytesMax || '-'), shownName(path)]);
    });
  } finally {
    await array?.end();
    if (rows.length > 0) await print(plainTable(rows, ['Names', 'Most', 'Bytes', 'Most', 'Path']));
  }
}
