/**
 * File systems in the names of those who ask this process to read and write for them: one a user, made when the first asks, and kept for the next.
 *
 * At most `KEPT_MAX` are kept beyond those in use, of which there are at most `USERS_MAX` at once.
 */
import { UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { FileSystem } from '../client/file-system.js';
import type { BorrowedFiles } from '../web/webhdfs/data-routes.js';
import { type ClientPlaces, openClient } from './connect.js';

const KEPT_MAX = 16;
const USERS_MAX = 256;
/** Who says no name. */
const NOBODY = 'nobody';

interface Entry {
  readonly opening: Promise<FileSystem>;
  uses: number;
}

export class UserFileSystems implements AsyncDisposable {
  readonly #places: ClientPlaces;
  readonly #log: Log;
  /** By user; the one that was used last comes last. */
  readonly #entries = new Map<string, Entry>();

  constructor(places: ClientPlaces, log: Log) {
    this.#places = places;
    this.#log = log;
  }

  /** @param user empty: nobody. @throws `resource_exhausted`: too many users at once. */
  readonly borrow = async (user: string): Promise<BorrowedFiles> => {
    const name = user || NOBODY;
    const entry = this.#entries.get(name) ?? this.#open(name);
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    entry.uses += 1;
    let isBack = false;
    const giveBack = () => {
      if (isBack) return;
      isBack = true;
      entry.uses -= 1;
      this.#letGo();
    };
    try {
      return { files: await entry.opening, giveBack };
    } catch (error) {
      this.#entries.delete(name);
      throw error;
    }
  };

  async [Symbol.asyncDispose](): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map(close));
  }

  #open(user: string): Entry {
    if (this.#entries.size >= USERS_MAX) throw new UnderstudyError('resource_exhausted', `too many users at once: max=${USERS_MAX}`);
    const { client, zookeeper } = this.#places;
    // The masters know the groups of their users.
    const places: ClientPlaces = { ...(zookeeper === undefined ? {} : { zookeeper }), client: { ...client, user, group: '' } };
    const opening = openClient(places, this.#log).then((open) => new FileSystem(open.client, open.closeDirectory));
    return { opening, uses: 0 };
  }

  #letGo(): void {
    const idle = [...this.#entries].filter(([, { uses }]) => uses === 0);
    for (const [user, entry] of idle.slice(0, Math.max(0, idle.length - KEPT_MAX))) {
      this.#entries.delete(user);
      void close(entry);
    }
  }
}

async function close({ opening }: Entry): Promise<void> {
  await opening.then((files) => files.close()).catch(() => {}); // nobody is left whom its failure would tell anything
}
