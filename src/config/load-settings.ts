/**
 * Makes the settings out of files, environment and command line. Pure: whoever calls it reads the files and knows the machine.
 *
 * All problems are found before anything is refused, and each says where it stands.
 */
import { createHash } from 'node:crypto';
import { UnderstudyError } from '../base/errors.js';
import { gatherLayers, knownSuffix, type LayerInput, type Layers, nearestKey, type Origin, PREFIX, quoted, shown } from './layers.js';
import { References } from './references.js';
import { RELATIONS } from './relations.js';
import { describeDefault, type Setting } from './setting.js';
import { type MachineKey, SETTINGS, type SettingName, type Settings } from './settings.js';

export interface SettingsInput extends LayerInput {
  /** Defaults that only the machine knows, by key without prefix: `{ 'master.hostname': hostname(), … }`. */
  readonly defaults: Readonly<Record<MachineKey, string>>;
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** What was set but means nothing here, to be listed once at start. */
  readonly ignored: readonly Origin[];
  /** What holds for every setting and where from, in the order of the table. */
  readonly rows: readonly SettingRow[];
}

/** One line of `getConf`. */
export interface SettingRow {
  /** With `understudy.` before it. */
  readonly key: string;
  /** The text that holds, references replaced; undefined where nothing is set. A secret is hidden. */
  readonly text: string | undefined;
  /** `default`, or the place where it was set. */
  readonly source: string;
  /** Of a secret that is set: alike on masters that have the same one. */
  readonly mark?: string;
  /** What the journal overrides: as it stands there, and where. */
  readonly overridden?: { readonly text: string; readonly source: string };
}

/** @throws `invalid_argument`: its message has a first line, then one line for each problem. */
export function loadSettings(input: SettingsInput): LoadedSettings {
  const layers = gatherLayers(input);
  const problems = [...layers.problems];
  const machine: Readonly<Record<string, string | undefined>> = input.defaults;
  const references = new References((key) => {
    const suffix = knownSuffix(key);
    if (suffix === undefined) return layers.ignored.get(key)?.text;
    return layers.assigned.get(suffix)?.text ?? defaultText(suffix, machine, references);
  });

  const values = new Map<SettingName, unknown>();
  const rows: SettingRow[] = [];
  for (const [name, setting] of TABLE) {
    const place = placeOf(setting, layers);
    let text: string | undefined;
    try {
      text = references.resolve(PREFIX + setting.key);
      values.set(name, text === undefined ? undefined : setting.type.parse(text));
    } catch (error) {
      if (!(error instanceof UnderstudyError)) throw error;
      const said = text ?? layers.assigned.get(setting.key)?.text ?? describeDefault(setting) ?? '';
      problems.push(`${place}: ${spellingOf(setting, layers)}=${quoted(shown(setting.key, said))}: ${error.message}`);
    }
    const over = layers.assigned.get(setting.key)?.over;
    rows.push({
      key: PREFIX + setting.key,
      text: text === undefined ? undefined : shown(setting.key, text),
      source: place,
      ...(text && setting.isSecret ? { mark: markOf(setting.key, text) } : {}),
      ...(over === undefined ? {} : { overridden: { text: over.text, source: over.origin.place } }),
    });
  }
  // Every row was parsed by its own type; one that failed is missing, and then nothing is returned.
  const settings = Object.fromEntries(values) as Settings;
  problems.push(...brokenRelations(settings, values, layers));
  if (problems.length > 0) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    throw new UnderstudyError('invalid_argument', [`the configuration has ${count}`, ...problems].join('\n'));
  }
  return { settings, ignored: [...layers.ignored.values()].map(({ origin }) => origin), rows };
}

/**
 * @param spelling with either prefix, or none.
 * @returns the row of that setting.
 * @throws `invalid_argument` naming the nearest key, where there is none.
 */
export function rowOf(loaded: LoadedSettings, spelling: string): SettingRow {
  const suffix = knownSuffix(spelling) ?? spelling;
  const row = loaded.rows.find(({ key }) => key === PREFIX + suffix);
  if (row === undefined)
    throw new UnderstudyError('invalid_argument', `unknown key ${quoted(spelling)}; the nearest one is ${nearestKey(spelling)}`);
  return row;
}

/** Two bytes of a hash: two secrets are taken for one once in 65,536 times, and so are as many guesses at one. */
function markOf(key: string, secret: string): string {
  return createHash('sha256').update(`${key}\0${secret}`).digest('hex').slice(0, 4);
}

const TABLE = Object.entries(SETTINGS) as readonly (readonly [SettingName, Setting])[];
const BY_KEY = new Map(TABLE.map(([, setting]) => [setting.key, setting]));

function defaultText(key: string, machine: Readonly<Record<string, string | undefined>>, references: References): string | undefined {
  const value = BY_KEY.get(key)?.default;
  if (value === undefined || typeof value === 'string') return value;
  return 'machine' in value ? machine[key] : value.of((other) => references.resolve(PREFIX + other));
}

const placeOf = (setting: Setting, layers: Layers): string => layers.assigned.get(setting.key)?.origin.place ?? 'default';

const spellingOf = (setting: Setting, layers: Layers): string => layers.assigned.get(setting.key)?.origin.spelling ?? PREFIX + setting.key;

function brokenRelations(settings: Settings, values: ReadonlyMap<SettingName, unknown>, layers: Layers): string[] {
  return RELATIONS.flatMap(({ between, problem }) => {
    if (!between.every((name) => values.has(name))) return [];
    const message = problem(settings);
    if (message === undefined) return [];
    const rows: readonly Setting[] = between.map((name) => SETTINGS[name]);
    const setBySomebody = rows.find((row) => layers.assigned.has(row.key));
    const [first] = rows;
    const place = setBySomebody === undefined ? 'default' : placeOf(setBySomebody, layers);
    return first === undefined ? [] : [`${place}: ${spellingOf(first, layers)}: ${message}`];
  });
}
