/**
 * Names of the users and groups of this machine, from its passwd and group files as they were when this was opened. Who is in neither (of a
 * directory service, or removed) is known by number.
 */
import fs from 'node:fs/promises';
import { UnderstudyError } from '../base/errors.js';

export class LocalAccounts {
  readonly #users: IdNames;
  readonly #groups: IdNames;

  private constructor(users: IdNames, groups: IdNames) {
    this.#users = users;
    this.#groups = groups;
  }

  static async open(folder = '/etc'): Promise<LocalAccounts> {
    const [users, groups] = await Promise.all(['passwd', 'group'].map((name) => fs.readFile(`${folder}/${name}`, 'utf8').catch(() => '')));
    return new LocalAccounts(new IdNames('user', users ?? ''), new IdNames('group', groups ?? ''));
  }

  userName(uid: number): string {
    return this.#users.nameOf(uid);
  }

  groupName(gid: number): string {
    return this.#groups.nameOf(gid);
  }

  /** @throws `invalid_argument`: neither a name of this machine nor a number. */
  userId(name: string): number {
    return this.#users.idOf(name);
  }

  /** @throws as `userId`. */
  groupId(name: string): number {
    return this.#groups.idOf(name);
  }
}

/** Lines of `name:password:id:…`. */
class IdNames {
  readonly #kind: string;
  readonly #names = new Map<number, string>();
  readonly #ids = new Map<string, number>();

  constructor(kind: string, text: string) {
    this.#kind = kind;
    for (const line of text.split('\n')) {
      const [name = '', , id = ''] = line.split(':');
      if (name === '' || !/^\d+$/.test(id)) continue;
      if (!this.#names.has(Number(id))) this.#names.set(Number(id), name);
      if (!this.#ids.has(name)) this.#ids.set(name, Number(id));
    }
  }

  nameOf(id: number): string {
    return this.#names.get(id) ?? String(id);
  }

  idOf(name: string): number {
    const id = this.#ids.get(name) ?? (/^\d{1,10}$/.test(name) ? Number(name) : undefined);
    if (id !== undefined) return id;
    throw new UnderstudyError('invalid_argument', `this machine knows no such ${this.#kind}: name=${name}`);
  }
}
