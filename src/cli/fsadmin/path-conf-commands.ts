/**
 * `fsadmin pathConf …`: settings for paths and what is below them, as Alluxio has them. The longest path that has a setting counts.
 */
import { Command } from 'commander';
import { changeConfig, readConfig } from '../../client/cluster-config.js';
import type { FileSystem } from '../../client/file-system.js';
import { fullKey, PREFIX } from '../../config/layers.js';
import type { ConfigPlace } from '../../metadata/cluster-config.js';
import { ClientFrame } from '../client-frame.js';
import type { CommandContext } from '../context.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { shownName } from '../fs/ls-format.js';
import { withJson } from '../json-option.js';
import { properties } from '../option-values.js';
import { print, printJson } from '../output.js';

interface RemoveOptions {
  readonly keys?: string;
  readonly recursive?: boolean;
}

interface Held {
  readonly key: string;
  readonly value: string;
  /** For which it is set. */
  readonly path: string;
}

export function pathConfCommands(context: CommandContext): Command {
  const pathConf = context.addOptions(new Command('pathConf').description('set settings for paths, and what is below them'));
  const frame = new ClientFrame(context, pathConf);
  frame
    .command('add <path>', 'set settings for a path, which need not exist')
    .requiredOption('--property <key=value>', 'may be repeated', (pair: string, before: string[] = []) => [...before, pair])
    .action((path: string, { property }: { property: string[] }) =>
      frame.once('pathConf add', async ({ client }) => {
        const set = properties(property);
        await changeConfig(client, { forPath: path, set });
        const shown = Object.entries(set).map(([key, value]) => `Set ${fullKey(key)}=${value} for ${path}`);
        await print(shown.map(shownName).join('\n'));
      }),
    );
  withJson(frame.command('list', 'list the paths that have settings of their own'), 'an array of {path, properties: {key: value}}').action(
    ({ json = false }: { json?: boolean }) =>
      frame.once('pathConf list', async (fs) => {
        const places = await placesOf(fs);
        await (json ? printJson(places.map(placeJson)) : print(places.map(({ path }) => shownName(path)).join('\n')));
      }),
  );
  withJson(
    frame.command('show <path>', 'show the settings of a path').option('--all', 'those, too, that it has from paths above it'),
    'an array of {key, value, path: for which it is set}',
  ).action((path: string, { all = false, json = false }: { all?: boolean; json?: boolean }) =>
    frame.once('pathConf show', async (fs) => {
      const held = heldAt(await placesOf(fs), path, all);
      if (json) return printJson(held);
      const from = (place: string) => (all ? ` (${place})` : '');
      await print(held.map((each) => shownName(`${each.key}=${each.value}${from(each.path)}`)).join('\n'));
    }),
  );
  frame
    .command('remove <path>', 'take the settings of a path away')
    .option('--keys <key,...>', 'only these')
    .option('-R, --recursive', 'those of all paths below it, too')
    .action((path: string, options: RemoveOptions) => frame.once('pathConf remove', (fs) => remove(fs, path, options)));
  return pathConf;
}

async function placesOf(fs: FileSystem): Promise<readonly ConfigPlace[]> {
  return (await readConfig(fs.client)).filter(({ path }) => path !== '');
}

function placeJson({ path, properties: own }: ConfigPlace): object {
  return { path, properties: Object.fromEntries(own.map(({ key, value }) => [PREFIX + key, value])) };
}

function heldAt(places: readonly ConfigPlace[], given: string, all: boolean): Held[] {
  const path = withoutSlash(given);
  const held = new Map<string, Held>();
  // A path stands behind those above it.
  for (const place of places.filter((each) => (all ? isWithin(path, each.path) : each.path === path)))
    for (const { key, value } of place.properties) held.set(key, { key: PREFIX + key, value, path: place.path });
  return [...held.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

async function remove(fs: FileSystem, given: string, { keys, recursive = false }: RemoveOptions): Promise<void> {
  const path = withoutSlash(given);
  const places = (await placesOf(fs)).filter((place) => (recursive ? isWithin(place.path, path) : place.path === path));
  if (places.length === 0) throw new CommandFailed(EXIT.failed, `no settings are set for ${shownName(path)}`);
  const named = keys?.split(',').map((key) => key.trim());
  for (const place of places) {
    await changeConfig(fs.client, { forPath: place.path, ...(named === undefined ? { unsetAll: true } : { unset: named }) });
    await print(`Removed ${named === undefined ? 'all settings' : named.map(fullKey).join(', ')} of ${shownName(place.path)}`);
  }
}

const withoutSlash = (path: string): string => (path === '/' ? path : path.replace(/\/$/, ''));

const isWithin = (path: string, above: string): boolean => above === '/' || path === above || path.startsWith(`${above}/`);
