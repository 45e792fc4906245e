/**
 * Options of one mount (`-o key=value`): settings that hold for its storage alone, over those of the configuration. Only those that say how
 * storage is reached; every spelling that a file may have, and secrets stay hidden.
 */
import { UnderstudyError } from '../base/errors.js';
import { nearestWord } from './edit-distance.js';
import { knownSuffix, PREFIX, quoted, shown } from './layers.js';
import type { Setting } from './setting.js';
import { s3Settings } from './settings/s3-settings.js';
import type { Settings } from './settings.js';

/** How mounted storage is reached. */
export type MountSettings = Pick<Settings, keyof typeof s3Settings>;
export type MountOptions = ReadonlyMap<string, string>;

const ROWS = new Map<string, readonly [keyof MountSettings, Setting]>(
  Object.entries(s3Settings).map(([name, row]) => [row.key, [name as keyof MountSettings, row]]),
);

/** @returns the options by key without prefix, in the order of keys. @throws `invalid_argument`: names each that is wrong, shows no secret. */
export function checkMountOptions(options: Iterable<readonly [spelling: string, text: string]>): MountOptions {
  const checked = new Map<string, string>();
  for (const [spelling, text] of options) {
    const key = keyOf(spelling);
    if (checked.has(key)) throw bad(`an option is given twice: ${PREFIX}${key}`);
    parse(key, text);
    checked.set(key, text.trim());
  }
  return new Map([...checked].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @param options checked. @returns the settings with these over them. */
export function withMountOptions(settings: MountSettings, options: MountOptions): MountSettings {
  const parsed = [...options].map(([key, text]) => parse(key, text));
  return { ...settings, ...Object.fromEntries(parsed) };
}

/** @returns the options as people may see them. */
export function shownMountOptions(options: MountOptions): MountOptions {
  return new Map([...options].map(([key, text]) => [key, shown(key, text)]));
}

/** @returns those that are no secrets: of these nobody is told more than that they are there. */
export function withoutSecrets(options: Iterable<readonly [spelling: string, text: string]>): MountOptions {
  return new Map([...options].filter(([spelling]) => ROWS.get(knownSuffix(spelling) ?? spelling)?.[1].isSecret !== true));
}

/** @returns the options as given, but for secrets that come back as they are shown: these are as they were `before`. */
export function keepHidden(options: Iterable<readonly [spelling: string, text: string]>, before: MountOptions): [string, string][] {
  return [...options].map(([spelling, text]) => {
    const known = before.get(knownSuffix(spelling) ?? spelling);
    return [spelling, known !== undefined && text === shown(knownSuffix(spelling) ?? spelling, known) ? known : text];
  });
}

function keyOf(spelling: string): string {
  const key = knownSuffix(spelling) ?? spelling;
  if (ROWS.has(key)) return key;
  const nearest = nearestWord(spelling, [...ROWS.keys()]) ?? '';
  throw bad(`no option of a mount: ${quoted(spelling)}; the nearest one is ${nearest}`);
}

function parse(key: string, text: string): readonly [keyof MountSettings, unknown] {
  const row = ROWS.get(key);
  if (row === undefined) throw bad(`no option of a mount: ${quoted(key)}`);
  const [name, setting] = row;
  try {
    if (text.trim() === '') throw bad('empty');
    return [name, setting.type.parse(text.trim())];
  } catch (error) {
    if (!(error instanceof UnderstudyError)) throw error;
    throw bad(`an option of a mount is wrong: ${PREFIX}${key}=${quoted(shown(key, text))}: ${error.message}`);
  }
}

function bad(message: string): UnderstudyError {
  return new UnderstudyError('invalid_argument', message);
}
