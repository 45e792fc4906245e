/**
 * What the commands of a group that calls the masters (`fs`, `fsadmin`) have in common. A command gets a client, does its work, path by
 * path where it has several, and tells what went wrong in one sentence each; one path that fails does not keep it from the others.
 */
import type { Command } from 'commander';
import { silentLog } from '../base/log.js';
import { systemClock } from '../base/system-clock.js';
import { FileSystem } from '../client/file-system.js';
import { lineSink } from '../telemetry/line-sink.js';
import { pinoLog } from '../telemetry/pino-log.js';
import { clientPlaces, openClient } from './connect.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT, EXIT_HELP, exitCodeOf, sentenceOf } from './exit-code.js';
import { complain } from './output.js';
import { groupName } from './system-user.js';

export class ClientFrame {
  readonly #context: CommandContext;
  readonly #group: Command;

  constructor(context: CommandContext, group: Command) {
    this.#context = context;
    this.#group = group;
  }

  /** @returns a new command of the group; `usage` is its name and arguments. */
  command(usage: string, description: string): Command {
    return this.#context.addOptions(this.#group.command(usage)).description(description).addHelpText('after', EXIT_HELP);
  }

  /** Runs `work` with a client, which is closed afterwards. */
  async withClient(work: (fs: FileSystem) => Promise<void>): Promise<void> {
    const { settings } = this.#context.load();
    const log = this.#context.debug ? pinoLog({ level: 'debug', format: 'text' }, { clock: systemClock, sink: lineSink(2) }) : silentLog;
    const { client, closeDirectory } = await openClient(clientPlaces(settings, groupName()), log);
    await using fs = new FileSystem(client, closeDirectory);
    await work(fs);
  }

  /** Runs `work` for each path; what fails is told as `name: …`. @throws CommandFailed with the highest exit code, if any failed. */
  async forEach(name: string, paths: readonly string[], work: (path: string) => Promise<void>): Promise<void> {
    let exitCode: number = EXIT.ok;
    for (const path of paths) {
      try {
        await work(path);
      } catch (error) {
        complain(`${name}: ${sentenceOf(error, this.#context.debug)}`);
        exitCode = Math.max(exitCode, exitCodeOf(error));
        // The others would wait as long, for nothing.
        if (exitCode === EXIT.noAnswer) break;
      }
    }
    if (exitCode !== EXIT.ok) throw new CommandFailed(exitCode);
  }
}
