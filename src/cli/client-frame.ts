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
import { EXIT_HELP } from './exit-code.js';
import { expandPath } from './fs/expand-paths.js';
import { Problems } from './problems.js';
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
    const log = this.#context.debug ? pinoLog({ level: 'debug', format: 'text' }, { clock: systemClock, sink: lineSink(2) }) : silentLog;
    const { client, closeDirectory } = await openClient(clientPlaces(this.#context.load(), groupName()), log);
    await using fs = new FileSystem(client, closeDirectory);
    await work(fs);
  }

  /**
   * Runs `work` for each path that the patterns stand for, one after the other. What fails is told as `name: …`.
   *
   * @throws CommandFailed with the highest exit code, if anything failed.
   */
  forPaths(
    name: string,
    patterns: readonly string[],
    work: (fs: FileSystem, path: string, problems: Problems) => Promise<void>,
  ): Promise<void> {
    return this.withClient(async (fs) => {
      const problems = this.problems(name);
      for (const pattern of patterns) {
        if (problems.isHopeless) break;
        await problems.catch(async () => {
          for await (const path of expandPath(fs, pattern)) {
            if (problems.isHopeless) break;
            await problems.catch(() => work(fs, path, problems));
          }
        });
      }
      problems.throwIfAny();
    });
  }

  /** Runs `work` with a client; what fails is told as `name: …`. @throws CommandFailed with its exit code. */
  once(name: string, work: (fs: FileSystem) => Promise<void>): Promise<void> {
    return this.withClient(async (fs) => {
      const problems = this.problems(name);
      await problems.catch(() => work(fs));
      problems.throwIfAny();
    });
  }

  problems(name: string): Problems {
    return new Problems(name, this.#context.debug);
  }
}
