/**
 * The text form of access control lists, as `setfacl` takes it and `getfacl` prints it: `user:alice:rw-,group::r--,default:mask::rwx`.
 *
 * Entries are separated by commas or line ends; a `#` begins a comment. Short forms are `u`, `g`, `m`, `o` and `d`; `m:rx` and `o:r` stand for
 * `m::rx` and `o::r`. Permissions are letters of `rwx`, with dashes, or one octal digit. In names, what has a meaning here stands as an
 * octal escape (`\054` is a comma).
 */
import { UnderstudyError } from '../base/errors.js';
import { type AclEntry, type AclKind, type AclName, effectivePermissions } from './acl.js';

const KIND_WORDS: ReadonlyMap<string, AclKind> = new Map([
  ['user', 'user'],
  ['u', 'user'],
  ['group', 'group'],
  ['g', 'group'],
  ['mask', 'mask'],
  ['m', 'mask'],
  ['other', 'other'],
  ['o', 'other'],
]);

/**
 * @param isExecutable what a capital `X` means: execute, for a directory or a file that somebody may execute; else nothing.
 * @throws `invalid_argument`.
 */
export function parseAcl(text: string, isExecutable = false): AclEntry[] {
  return entryTexts(text).map((entry) => {
    const { fields, ...named } = parseName(entry);
    if (fields.length !== 1) throw bad(entry, 'it needs permissions and nothing behind them');
    return { ...named, permissions: parsePermissions(fields[0] as string, entry, isExecutable) };
  });
}

/** Reads entries that are to be removed: `user:alice,default:mask`. @throws `invalid_argument`. */
export function parseAclNames(text: string): AclName[] {
  return entryTexts(text).map((entry) => {
    const { fields, ...named } = parseName(entry);
    if (fields.join('') !== '') throw bad(entry, 'an entry to remove has no permissions');
    return named;
  });
}

/** @returns the entry as `getfacl` prints it. */
export function formatAclEntry({ isDefault, kind, name, permissions }: AclEntry): string {
  return `${isDefault ? 'default:' : ''}${kind}:${escaped(name)}:${formatPermissions(permissions)}`;
}

/** @returns a whole list, one entry a line; where the mask takes something from an entry, with what it leaves (`#effective:r--`). */
export function formatAclLines(acl: readonly AclEntry[]): string[] {
  return acl.map((entry) => {
    const effective = effectivePermissions(entry, acl);
    return formatAclEntry(entry) + (effective === entry.permissions ? '' : `\t#effective:${formatPermissions(effective)}`);
  });
}

/** @returns three letters or dashes. */
function formatPermissions(permissions: number): string {
  return `${permissions & 4 ? 'r' : '-'}${permissions & 2 ? 'w' : '-'}${permissions & 1 ? 'x' : '-'}`;
}

const bad = (entry: string, why: string): UnderstudyError =>
  new UnderstudyError('invalid_argument', `not an entry of an access control list: ${why}: entry=${JSON.stringify(entry)}`, {
    errno: 'EINVAL',
  });

function entryTexts(text: string): string[] {
  const entries = text
    .split('\n')
    .flatMap((line) => line.replace(/(^|\s)#.*$/s, '').split(','))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.length === 0) throw new UnderstudyError('invalid_argument', 'an access control list without entries', { errno: 'EINVAL' });
  return entries;
}

/** @returns whom an entry is for, and the fields behind that. */
function parseName(entry: string): AclName & { readonly fields: readonly string[] } {
  const words = entry.split(':').map((word) => word.trim());
  const isDefault = words[0] === 'default' || words[0] === 'd';
  if (isDefault) words.shift();
  const kind = KIND_WORDS.get(words.shift() ?? '');
  if (kind === undefined) throw bad(entry, 'its kind is none of user, group, mask and other');
  const hasName = kind === 'user' || kind === 'group' || words.length > 1 || words[0] === '';
  const name = hasName ? unescaped(words.shift() ?? '') : '';
  return { isDefault, kind, name, fields: words };
}

function parsePermissions(text: string, entry: string, isExecutable: boolean): number {
  if (/^[0-7]$/.test(text)) return Number(text);
  if (!/^[rwxX-]{1,4}$/.test(text) || /([rwxX]).*\1/.test(text))
    throw bad(entry, 'its permissions are neither letters of rwx nor an octal digit');
  const has = (letter: string, bit: number) => (text.includes(letter) ? bit : 0);
  return has('r', 4) | has('w', 2) | has('x', 1) | has('X', isExecutable ? 1 : 0);
}

function escaped(name: string): string {
  return name.replace(/[\\:,#\s\p{Cc}]/gu, (letter) =>
    [...Buffer.from(letter)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
  );
}

function unescaped(name: string): string {
  if (!name.includes('\\')) return name;
  const bytes = Buffer.from(name, 'utf8')
    .toString('latin1')
    .replace(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
