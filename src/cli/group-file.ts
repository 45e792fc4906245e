/**
 * Groups from a file: `user: group1, group2` lines, the primary group first; `#` begins a comment. It is read anew when it has changed.
 */
import { readFile, stat } from 'node:fs/promises';
import { UnderstudyError } from '../base/errors.js';
import type { GroupMapping } from '../master/group-mapping.js';

const FILE_BYTES_MAX = 16 * 1024 * 1024;

export class GroupFile implements GroupMapping {
  readonly #path: string;
  #read: { readonly version: string; readonly users: ReadonlyMap<string, readonly string[]> } | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws `unavailable`: not readable. @throws `invalid_argument`: a line is none; what was read before does not hold on. */
  async groupsOf(user: string): Promise<readonly string[]> {
    const { mtimeMs, ctimeMs, size, ino } = await this.#done(stat(this.#path));
    const version = `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
    if (this.#read?.version !== version) {
      if (size > FILE_BYTES_MAX) throw new UnderstudyError('invalid_argument', `the file of groups is too large: file=${this.#path}`);
      this.#read = { version, users: parseGroups(await this.#done(readFile(this.#path, 'utf8')), this.#path) };
    }
    return this.#read.users.get(user) ?? [];
  }

  async #done<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (cause) {
      throw new UnderstudyError('unavailable', `the file of groups cannot be read: file=${this.#path}`, { cause });
    }
  }
}

/** @param file for messages. @throws `invalid_argument`: names the line. */
export function parseGroups(text: string, file: string): Map<string, readonly string[]> {
  const users = new Map<string, readonly string[]>();
  for (const [at, line] of text.split('\n').entries()) {
    const content = line.replace(/(^|\s)#.*$/s, '').trim();
    if (content === '') continue;
    const [, user, list] = /^([^\s:,]+)\s*:\s*(.*)$/s.exec(content) ?? [];
    const groups = (list ?? '').split(',').map((name) => name.trim());
    const isGood = list === '' || groups.every((name) => /^[^\s:,\p{Cc}][^:,\p{Cc}]{0,254}$/u.test(name));
    if (user === undefined || !isGood) {
      throw new UnderstudyError('invalid_argument', `a line that is not "user: group1, group2": file=${file} line=${at + 1}`);
    }
    if (users.has(user)) throw new UnderstudyError('invalid_argument', `a user stands twice: file=${file} line=${at + 1} user=${user}`);
    users.set(user, list === '' ? [] : groups);
  }
  return users;
}
