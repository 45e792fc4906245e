/**
 * Lists a whole tree: a directory before what is in it, names in byte order, each directory as of when the listing comes to it.
 *
 * It holds two chunks of rows for each directory on the way down, and a snapshot for those that have more: small ones are read at once. It goes
 * on behind any path that it has told. A directory that has gone elsewhere by the time that it is come to has nothing in it.
 */
import type { KvStore } from '../kv/kv-store.js';
import { checkAccess, EXECUTE, mayAccess, READ } from './access.js';
import { compareNames } from './changed-children.js';
import { decodeChildName } from './keys.js';
import { type ChildRow, Listing } from './listing.js';
import { plainPath, type QueryContext, type Resolved, resolve } from './plan.js';
import { type Inode, inodeCodec } from './records.js';
import type { State } from './state.js';

const ROWS_PER_LOOK = 256;
/** A child's key has its name behind this many bytes (keys.ts); so have the rows that come out. */
const NAME_OFFSET = 9;

interface Level {
  readonly id: number;
  /** In the directory above. */
  readonly name: string;
  /** What stands before the names in it, a slash at its end unless it is empty. */
  readonly prefix: Buffer;
  readonly listing: Listing;
  readonly chunks: AsyncGenerator<readonly ChildRow[]>;
  rows: readonly ChildRow[];
  at: number;
  /** All its rows are in `rows`. */
  isRead: boolean;
}

export interface TreeRequest {
  readonly path: string;
  /** Paths from there: those behind the one, and beginning with the other. */
  readonly startAfter: string;
  readonly prefix: string;
}

export class TreeListing implements AsyncDisposable {
  readonly #kv: KvStore;
  readonly #state: State;
  readonly #context: QueryContext;
  readonly #top: Resolved | null;
  readonly #levels: Level[] = [];

  /** Looks at the directories that it begins with. @throws ENOENT, EACCES and others. */
  constructor(request: TreeRequest, top: Resolved, kv: KvStore, state: State, context: QueryContext) {
    this.#kv = kv;
    this.#state = state;
    this.#context = context;
    const lead = request.prefix.split('/').slice(0, -1);
    const namePrefix = request.prefix.slice(request.prefix.lastIndexOf('/') + 1);
    const begin = beginBehind(request.startAfter.split('/').filter(Boolean), lead);
    const path = [...top.names, ...lead].join('/');
    this.#top = lead.length === 0 ? top : resolve(`/${path}`, state, context);
    if (begin === null || this.#top.missing.length > 0 || !this.#top.inode.directory) return;
    this.#open(this.#top.inode, '', Buffer.from(lead.map((name) => `${name}/`).join('')), begin[0] ?? '', namePrefix);
    if (begin[0]?.startsWith(namePrefix)) this.#goDown(this.#top.inode, begin);
  }

  /** @param looked is called with each later look at the state. @returns chunks of `rows`; fewer only at the end. */
  async *chunks(rowsMax: number, looked: () => void): AsyncGenerator<readonly ChildRow[]> {
    let out: ChildRow[] = [];
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const row = level.rows[level.at] ?? (await this.#next(level));
      if (row === undefined) {
        this.#levels.pop();
        await close(level);
        continue;
      }
      level.at += 1;
      const told = Buffer.concat([row[0].subarray(0, NAME_OFFSET), level.prefix, row[0].subarray(NAME_OFFSET)]);
      out.push([told, row[1]]);
      if (isDirectory(row[1])) this.#enter(level, row, told, looked);
      if (out.length < rowsMax) continue;
      yield out;
      out = [];
    }
    if (out.length > 0) yield out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const level of this.#levels.splice(0)) await close(level);
  }

  #goDown(top: Inode, names: readonly string[]): void {
    let inode = top;
    names.forEach((name, depth) => {
      const child = inode.directory ? this.#state.child(inode.id, name) : null;
      inode = child ?? { ...inode, directory: false };
      const above = this.#levels.at(-1);
      if (child?.directory && above !== undefined) {
        this.#open(child, name, Buffer.concat([above.prefix, Buffer.from(`${name}/`)]), names[depth + 1] ?? '');
      }
    });
  }

  #enter(above: Level, [key, bytes]: ChildRow, told: Buffer, looked: () => void): void {
    const name = decodeChildName(key);
    const { id } = inodeCodec.decode(bytes);
    looked();
    const inode = this.#isThere() ? this.#state.child(above.id, name) : null;
    if (inode?.id === id) this.#open(inode, name, Buffer.concat([told.subarray(NAME_OFFSET), SLASH]), '');
  }

  /** @returns whether the directories that are open stand where they did. */
  #isThere(): boolean {
    const { names = [], above = [], inode } = this.#top ?? {};
    const way = [...above, ...(inode ? [inode] : [])].map(({ id }, depth) => ({ id, name: names[depth - 1] ?? '' }));
    const all = [...way, ...this.#levels.slice(1)];
    return all.every(({ id, name }, depth) => depth === 0 || this.#state.child(all[depth - 1]?.id ?? 0, name)?.id === id);
  }

  #open(inode: Inode, name: string, prefix: Buffer, startAfter: string, namePrefix = ''): void {
    const { names = [] } = this.#top ?? {};
    const path = () =>
      plainPath({ names: [...names, ...this.#levels.slice(1).map((level) => level.name), ...(name === '' ? [] : [name])] });
    if (!mayAccess(inode, this.#context.identity, READ | EXECUTE)) checkAccess(inode, this.#context.identity, READ | EXECUTE, path());
    const listing = new Listing(this.#kv, this.#state, inode.id, startAfter, namePrefix);
    const chunks = listing.chunks(ROWS_PER_LOOK);
    this.#levels.push({ id: inode.id, name, prefix, listing, chunks, rows: [], at: 0, isRead: false });
  }

  /** Reads on; a directory whose end is in sight is closed. */
  async #next(level: Level): Promise<ChildRow | undefined> {
    let rows: readonly ChildRow[] = [];
    while (!level.isRead && rows.length <= ROWS_PER_LOOK) {
      const { value, done } = await level.chunks.next();
      if (done) level.isRead = true;
      else rows = rows.length === 0 ? value : [...rows, ...value];
    }
    if (level.isRead) await close(level);
    level.rows = rows;
    level.at = 0;
    return rows[0];
  }
}

const SLASH = Buffer.from('/');

async function close(level: Level): Promise<void> {
  await level.chunks.return(undefined);
  await level.listing[Symbol.asyncDispose]();
}

/** @returns where to begin below the directory `lead`, so as to be behind `startAfter`; null where nothing below it is. */
function beginBehind(startAfter: readonly string[], lead: readonly string[]): readonly string[] | null {
  for (const [depth, name] of lead.entries()) {
    const order = compareNames(startAfter[depth] ?? '', name);
    if (order !== 0) return order < 0 ? [] : null;
  }
  return startAfter.slice(lead.length);
}

const ID_TAG = 0x08;
const DIRECTORY_TAG = 0x10;

/** Of an inode as it is stored: fields 1 and 2 of its message stand first, the second only where it is true. */
function isDirectory(inode: Uint8Array): boolean {
  let at = 0;
  if (inode[at] === ID_TAG) {
    at += 1;
    while ((inode[at] ?? 0) >= 0x80) at += 1;
    at += 1;
  }
  return inode[at] === DIRECTORY_TAG && inode[at + 1] === 1;
}
