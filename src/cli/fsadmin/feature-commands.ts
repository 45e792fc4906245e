/** `fsadmin features …`: which features of the journal are switched on, and switching them on. */
import { Command } from 'commander';
import { enableFeatures, type JournalFeatures, listFeatures } from '../../client/journal-features.js';
import { ClientFrame } from '../client-frame.js';
import type { CommandContext } from '../context.js';
import { withJson } from '../json-option.js';
import { print, printJson } from '../output.js';
import { plainTable } from '../plain-table.js';

const SHAPE = '{features: [{name, since, what, enabled, lackedBy: [host:port]}], masters: [{address, version, error}]}';
const ALL = 'all';

export function featureCommands(context: CommandContext): Command {
  const features = context.addOptions(new Command('features').description('features of the journal, which newer versions bring'));
  const frame = new ClientFrame(context, features);
  withJson(frame.command('list', 'print which are switched on, and which masters lack one'), SHAPE).action(
    ({ json = false }: { json?: boolean }) =>
      frame.once('features list', async ({ client }) => {
        const told = await listFeatures(client);
        await (json ? printJson(told) : print(formatFeatures(told)));
      }),
  );
  frame
    .command('enable <name...>', `switch features on, once all masters have them: for good (${ALL}: all that the leader has)`)
    .option('--force', 'also where a master does not answer: should it be too old, it stops until it is upgraded')
    .action((names: readonly string[], { force = false }: { force?: boolean }) =>
      frame.once('features enable', async ({ client }) => {
        const known = async () => (await listFeatures(client)).features.map(({ name }) => name);
        const enabled = await enableFeatures(client, names.includes(ALL) ? await known() : names, { force });
        await print(enabled.length === 0 ? 'Nothing to do: switched on already' : `Switched on: ${enabled.join(', ')}`);
      }),
    );
  return features;
}

function formatFeatures({ features, masters }: JournalFeatures): string {
  const rows = features.map(({ name, since, what, enabled, lackedBy }) => {
    const lacked = lackedBy.length === 0 ? '' : ` (lacked by ${lackedBy.join(' ')})`;
    return [name, enabled ? 'on' : 'off', since, `${what}${lacked}`];
  });
  const silent = masters.filter(({ error }) => error !== '').map(({ address, error }) => `${address} does not answer: ${error}`);
  return [plainTable(rows, ['Feature', 'State', 'Since', 'What']), ...silent].join('\n');
}
