/**
 * The settings of a running master: those that it was started with, and over them what stands in the journal.
 *
 * What may change at once (the table of settings says so) is changed in `current`, in place, as soon as the entry is committed here: whoever
 * uses such a setting reads it there each time. The others hold as they were at the start; that they are to change is told. A value that
 * this version does not take, or that does not fit with this master's own files, is as if it were not there: no entry can keep a master from
 * running.
 */
import { asError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { usable } from '../config/journaled.js';
import { PREFIX } from '../config/layers.js';
import type { LoadedSettings, SettingRow } from '../config/load-settings.js';
import { SETTINGS, type SettingName, type Settings } from '../config/settings.js';
import { type Config, NO_CONFIG, type Property, propertiesAt } from '../metadata/cluster-config.js';
import type { MasterSettings } from './master-settings.js';
import type { SettingShown } from './surroundings.js';

interface LiveSettingsDeps {
  readonly log: Log;
  /** @returns the settings of this program, with these in the journal. @throws `invalid_argument`: names each problem, below a first line. */
  load(journaled: readonly Property[]): LoadedSettings;
  masterSettings(settings: Settings): MasterSettings;
  /** Told of changes, for what is not the master's. */
  changed?(settings: Settings): void;
}

const AT_ONCE = Object.entries(SETTINGS).flatMap(([name, row]) =>
  'inJournal' in row && row.inJournal === 'at once' ? [{ name: name as SettingName, key: row.key as string }] : [],
);
const KEYS_AT_ONCE = new Set(AT_ONCE.map(({ key }) => PREFIX + key));

export class LiveSettings {
  /** Always the same object, and its `namespace` too. */
  readonly current: MasterSettings;
  readonly #deps: LiveSettingsDeps;
  readonly #started: LoadedSettings;
  #now: LoadedSettings;
  #config: Config = NO_CONFIG;

  /** @param journaled what stood in the journal as far as was known before this master was opened. */
  constructor(journaled: readonly Property[], deps: LiveSettingsDeps) {
    this.#deps = deps;
    this.#started = this.#now = this.#load(journaled);
    const settings = deps.masterSettings(this.#started.settings);
    const problemWith = (wanted: readonly Property[]) => this.#problemWith(wanted);
    this.current = { ...settings, namespace: { ...settings.namespace, problemWith } };
  }

  /** As they were when this master was started. */
  get started(): LoadedSettings {
    return this.#started;
  }

  /** The state of this master has these. Cheap where they are the same object as before. */
  take(config: Config): void {
    if (config === this.#config) return;
    this.#config = config;
    const before = this.#now;
    this.#now = this.#load(propertiesAt(config, ''));
    const { namespace, ...others } = this.#deps.masterSettings(this.#running());
    Object.assign(this.current, others);
    Object.assign(this.current.namespace, namespace);
    this.#deps.changed?.(this.#running());
    this.#tell(before.rows, this.#now.rows);
  }

  /** What holds in this process, row by row; and what is to hold when it is started again, where that is something else. */
  rows(): SettingShown[] {
    return this.#now.rows.map((now, at): SettingShown => {
      const row = KEYS_AT_ONCE.has(now.key) ? now : (this.#started.rows[at] as SettingRow);
      const { text = '', source, overridden } = row;
      return {
        key: row.key.slice(PREFIX.length),
        value: text,
        source,
        overridden: overridden === undefined ? '' : `${overridden.text} (${overridden.source})`,
        pending: row.text === now.text ? null : (now.text ?? ''),
        mark: row.mark ?? '',
      };
    });
  }

  #running(): Settings {
    const now = Object.fromEntries(AT_ONCE.map(({ name }) => [name, this.#now.settings[name]]));
    return { ...this.#started.settings, ...now };
  }

  #load(journaled: readonly Property[]): LoadedSettings {
    const known = usable(journaled);
    const unknown = journaled.filter((property) => !known.includes(property)).map(({ key, value }) => `${key}=${value}`);
    if (unknown.length > 0)
      this.#deps.log.warn({ settings: unknown }, 'settings in the journal that this version does not take are left out');
    try {
      return this.#deps.load(known);
    } catch (error) {
      if (known.length === 0) throw error;
      this.#deps.log.error({ error: asError(error) }, "the settings in the journal do not fit with this master's own, and are left out");
      return this.#deps.load([]);
    }
  }

  #problemWith(journaled: readonly Property[]): string | undefined {
    try {
      this.#deps.load(usable(journaled));
      return undefined;
    } catch (error) {
      if (!(error instanceof UnderstudyError)) throw error;
      return error.message.split('\n').slice(1).join('; ') || error.message;
    }
  }

  #tell(before: readonly SettingRow[], now: readonly SettingRow[]): void {
    for (const [at, { key, text }] of now.entries()) {
      const was = before[at]?.text;
      if (was === text) continue;
      const counts = KEYS_AT_ONCE.has(key) ? 'now' : 'when this master is started again';
      this.#deps.log.info({ key, value: text ?? '', was: was ?? '', counts }, 'a setting in the journal was changed');
    }
  }
}
