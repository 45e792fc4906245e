/**
 * `understudy logLevel`: asks masters for the level of their logs, or changes it until they end.
 */
import { Command, Option } from 'commander';
import { asError } from '../base/errors.js';
import { LOG_LEVELS } from '../base/log.js';
import type { FileSystem } from '../client/file-system.js';
import { operations } from '../metadata/operations.js';
import { ClientFrame } from './client-frame.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT, EXIT_HELP } from './exit-code.js';
import { print } from './output.js';

interface LogLevelOptions {
  readonly level?: string;
  readonly target: string;
}

const ALL = 'all';
const TIMEOUT_MS = 5_000;

export function logLevelCommand(context: CommandContext): Command {
  const command = context.addOptions(new Command('logLevel')).description('tell or change the level of the log of masters that run');
  command.addHelpText('after', EXIT_HELP);
  command.addOption(new Option('--level <level>', 'from now on, until that master ends').choices(LOG_LEVELS));
  command.option('--target <addresses>', 'of these masters, host:port,host:port', ALL);
  return command.action((options: LogLevelOptions) => new ClientFrame(context, command).once('logLevel', (fs) => logLevel(fs, options)));
}

async function logLevel({ client }: FileSystem, { level = '', target }: LogLevelOptions): Promise<void> {
  const addresses = target === ALL ? (await client.masters()).map(({ address }) => address) : target.split(',');
  let failed = 0;
  for (const address of addresses) {
    try {
      const told = await client.ask(address, operations.logLevel, { level, user: client.settings.user }, { timeoutMs: TIMEOUT_MS });
      await print(`${address} ${told.level}`);
    } catch (error) {
      failed += 1;
      await print(`${address} ${asError(error).message}`);
    }
  }
  if (failed > 0) throw new CommandFailed(EXIT.noAnswer, `logLevel: masters that did not answer: ${failed}`);
}
