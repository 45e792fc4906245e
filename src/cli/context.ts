/**
 * What every command shares: the options that any of them takes, and the settings that follow from files, environment and those options.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { UnderstudyError } from '../base/errors.js';
import { type LoadedSettings, loadSettings, type SettingsInput } from '../config/load-settings.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { userName } from './system-user.js';

/** Folder of the installation: this file is in its dist/cli. */
export const HOME = path.resolve(import.meta.dirname, '..', '..');

const SITE_FILE = 'understudy-site.properties';

export class CommandContext {
  readonly #overrides: string[] = [];
  #confDir: string | undefined;
  debug = false;

  /** Gives `command` the options that all commands take, at any place of the command line. */
  addOptions(command: Command): Command {
    return command
      .option('-D <key=value>', 'set a setting for this command; may be repeated', (value) => void this.#overrides.push(value))
      .option('--conf <folder>', `folder of ${SITE_FILE} (default: $UNDERSTUDY_CONF_DIR, or conf)`, (folder) => {
        this.#confDir = folder;
      })
      .option('--debug', 'tell errors with their stacks')
      .on('option:debug', () => {
        this.debug = true;
      });
  }

  /** @throws CommandFailed `usage`: the configuration is wrong; its message names each problem and its place. */
  load(): LoadedSettings {
    return this.loaded(this.input());
  }

  /** What the settings follow from, as it is now. */
  input(): SettingsInput {
    const own = hostname();
    const defaults = { home: HOME, 'security.login.username': userName(), 'master.hostname': own, 'worker.hostname': own };
    return { sources: this.#sources(), env: { ...process.env }, overrides: this.#overrides, defaults };
  }

  /** @throws CommandFailed `usage`, as `load`. */
  loaded(input: SettingsInput): LoadedSettings {
    try {
      return loadSettings(input);
    } catch (error) {
      if (error instanceof UnderstudyError) throw new CommandFailed(EXIT.usage, error.message);
      throw error;
    }
  }

  #sources(): { name: string; text: string }[] {
    const named = this.#confDir ?? process.env.UNDERSTUDY_CONF_DIR;
    const name = path.join(named ?? path.join(HOME, 'conf'), SITE_FILE);
    try {
      return [{ name, text: readFileSync(name, 'utf8') }];
    } catch (error) {
      if (named === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw new CommandFailed(EXIT.usage, `the configuration cannot be read: ${error instanceof Error ? error.message : error}`);
    }
  }
}
