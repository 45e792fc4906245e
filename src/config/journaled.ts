/**
 * Which settings may stand in the journal, for all masters or for a path, and with which values: what is refused is told with its reason.
 */
import { UnderstudyError } from '../base/errors.js';
import { knownSuffix, nearestKey, PREFIX, quoted } from './layers.js';
import type { Setting } from './setting.js';
import { SETTING_GROUPS } from './settings.js';

const ROWS = new Map<string, Setting>(SETTING_GROUPS.flatMap(({ settings }) => settings.map((setting) => [setting.key, setting] as const)));

const TEXT_CHARS_MAX = 1_000;

/**
 * @param spelling with either prefix, or none. @param isForPath it is to hold for a path, not for the masters.
 * @returns the row. @throws `invalid_argument`: there is none, or it has to stand elsewhere.
 */
export function journaledSetting(spelling: string, isForPath: boolean): Setting {
  const row = ROWS.get(knownSuffix(spelling) ?? spelling);
  if (row === undefined)
    throw refused(
      `unknown key ${quoted(spelling)}; the nearest one is ${nearestKey(spelling.startsWith(PREFIX) ? spelling : PREFIX + spelling)}`,
    );
  if (isForPath ? row.perPath : row.inJournal) return row;
  throw refused(`${PREFIX}${row.key} ${reasonAgainst(row, isForPath)}`);
}

/** @returns the text as it is to stand there. @throws `invalid_argument`: says what the setting takes. */
export function checkedText({ key, type }: Setting, given: string): string {
  const text = given.trim();
  try {
    if (text === '') throw refused('empty (to put back what the file says, unset it)');
    if (text.length > TEXT_CHARS_MAX) throw refused(`longer than ${TEXT_CHARS_MAX} characters`);
    if (text.includes('${')) throw refused('it refers to other settings, which may differ from master to master');
    type.parse(text);
  } catch (error) {
    if (!(error instanceof UnderstudyError)) throw error;
    throw refused(`wrong value ${quoted(text)} of ${PREFIX}${key} (${type.description}): ${error.message}`);
  }
  return text;
}

/** @returns those that this version knows and takes; a later one may have put down others. */
export function usable<P extends { readonly key: string; readonly value: string }>(properties: readonly P[]): P[] {
  return properties.filter(({ key, value }) => {
    try {
      return checkedText(journaledSetting(key, false), value) === value;
    } catch (error) {
      if (!(error instanceof UnderstudyError)) throw error;
      return false;
    }
  });
}

function reasonAgainst({ key, isSecret, perPath }: Setting, isForPath: boolean): string {
  if (isSecret) return 'is a secret: each master has it in its own file, for the journal would keep it for everybody who has a copy';
  if (isForPath) return 'cannot be set for a path';
  if (perPath) return "is a client's: set it in the files of clients, or for a path (fsadmin pathConf add)";
  if (key.startsWith('user.')) return "is a client's: set it in the files of clients";
  return "is set in the file of each master: it is that machine's own, or needed before the journal can be read";
}

const refused = (message: string): UnderstudyError => new UnderstudyError('invalid_argument', message, { errno: 'EINVAL' });
