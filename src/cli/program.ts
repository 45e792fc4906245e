/**
 * The tree of commands. A command's code is loaded when it is called: `fs` does not wait for what only a master needs.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { type CommandContext, HOME } from './context.js';
import { EXIT_HELP } from './exit-code.js';
import { print } from './output.js';

type Load = (context: CommandContext) => Promise<Command>;

const COMMANDS: ReadonlyMap<string, Load> = new Map<string, Load>([
  ['master', async (context) => (await import('./master-command.js')).masterCommand(context, version())],
  ['worker', async (context) => (await import('./worker-command.js')).workerCommand(context, version())],
  ['fs', async (context) => (await import('./fs/fs-command.js')).fsCommand(context)],
  ['fsadmin', async (context) => (await import('./fsadmin/fsadmin-command.js')).fsadminCommand(context)],
  ['admin', async (context) => (await import('./admin/admin-command.js')).adminCommand(context)],
  ['logLevel', async (context) => (await import('./log-level-command.js')).logLevelCommand(context)],
  ['format', async (context) => (await import('./format-command.js')).formatCommand(context)],
  ['journal', async (context) => (await import('./journal-command.js')).journalCommand(context)],
  ['fork', async (context) => (await import('./fork-command.js')).forkCommand(context)],
  ['restore', async (context) => (await import('./restore-command.js')).restoreCommand(context)],
  ['getConf', async (context) => (await import('./get-conf-command.js')).getConfCommand(context)],
  ['completion', async () => (await import('./completion/completion-command.js')).completionCommand()],
  ['version', async () => new Command('version').description('print the version').action(() => print(version()))],
]);

/** Commands that look at the whole tree. */
const OF_ALL: ReadonlySet<string> = new Set(['completion', 'help']);

/** @param args the command line; only what it calls is loaded. Without it, everything is. */
export async function program(context: CommandContext, args: readonly string[] = []): Promise<Command> {
  const root = new Command('understudy').description('A metadata master whose standbys know every line').version(version());
  context.addOptions(root).addHelpText('after', EXIT_HELP);
  const [named = ''] = args;
  const called = OF_ALL.has(named) ? undefined : COMMANDS.get(named);
  const loads = called === undefined ? [...COMMANDS.values()] : [called];
  for (const command of await Promise.all(loads.map((load) => load(context)))) root.addCommand(command);
  throwOnExit(root);
  return root;
}

/** Commands that were made apart do not inherit this. */
function throwOnExit(command: Command): void {
  command.exitOverride();
  for (const below of command.commands) throwOnExit(below);
}

function version(): string {
  const { version: text }: { version: string } = JSON.parse(readFileSync(path.join(HOME, 'package.json'), 'utf8'));
  return text;
}
