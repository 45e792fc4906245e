/**
 * Mounted storage in a folder of this machine, or of a network file system that it has.
 *
 * - Symbolic links are never followed: listings leave them out and say so, looks find nothing there nor behind them, and changes there are
 *   refused. So nothing outside of the folder is reached, nothing is there under two names, and no walk runs in circles. Who swaps
 *   a folder for a link between the check and the operation can do so only with the right to write there.
 * - Listings come as the folder yields them: an order would need every name of a folder in memory.
 * - Files are replaced by renaming a whole new one, `.understudy-<random>.part`, which listings leave out (but
 *   those of a folder of parts, for whoever clears it); a crash may leave one behind.
 */
import { constants, type Stats } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { isError, UnderstudyError } from '../base/errors.js';
import { errnoOf } from '../base/files.js';
import type { Random } from '../base/random.js';
import { systemFiles } from '../base/system-file.js';
import { throwIfAborted } from '../base/wait.js';
import { LocalAccounts } from './local-accounts.js';
import { isAbsent, local } from './local-errors.js';
import { type LocalNode, readFolder, removeTree } from './local-tree.js';
import { checkBelowRoot, checkMove, checkUnderPath, folderOf, PARTS_FOLDER } from './under-path.js';
import type {
  UnderAttributes,
  UnderEntry,
  UnderListOptions,
  UnderRange,
  UnderStore,
  UnderTraits,
  UnderWriteOptions,
} from './under-store.js';
import { wholeOf } from './whole-stream.js';

export interface LocalUnderStoreSettings {
  /** Absolute. */
  readonly folder: string;
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const READ_BYTES = 1 << 20;
const PART_NAME = /^\.understudy-[0-9a-f]{16}\.part$/;

export class LocalUnderStore implements UnderStore {
  readonly location: string;
  readonly traits: UnderTraits = {
    scheme: 'file',
    hasDirectories: true,
    renamesAtomically: true,
    hasAttributes: true,
    listsInOrder: false,
  };
  readonly #root: string;
  /** It lay on another device than the machine's root when it was opened: a file system that can be unmounted. */
  readonly #isMounted: boolean;
  readonly #random: Random;
  readonly #accounts: LocalAccounts;

  private constructor(location: string, root: string, isMounted: boolean, random: Random, accounts: LocalAccounts) {
    this.location = location;
    this.#root = root;
    this.#isMounted = isMounted;
    this.#random = random;
    this.#accounts = accounts;
  }

  /** Links to the folder are followed, once. @throws `not_found`, `failed_precondition` where it is no folder. */
  static async open({ folder }: LocalUnderStoreSettings, deps: { readonly random: Random }): Promise<LocalUnderStore> {
    if (!path.isAbsolute(folder)) throw new UnderstudyError('invalid_argument', `not an absolute path: folder=${folder}`);
    const root = await local('open', folder, () => fs.realpath(folder));
    const [stats, { dev }] = await local('open', folder, () => Promise.all([fs.stat(root), fs.stat('/')]));
    if (!stats.isDirectory()) throw notFolder(folder);
    const place = root === '/' ? '' : root;
    return new LocalUnderStore(path.resolve(folder), place, stats.dev !== dev, deps.random, await LocalAccounts.open());
  }

  async *list(under: string, options: UnderListOptions = {}): AsyncIterable<readonly UnderEntry[]> {
    if (options.startAfter !== undefined)
      throw new UnderstudyError('invalid_argument', 'a folder is listed in no order: nothing starts after a name');
    const stats = await this.#look(under);
    if (stats === undefined || stats.isSymbolicLink()) throw new UnderstudyError('not_found', `no such folder: path=${this.#at(under)}`);
    if (!stats.isDirectory()) throw notFolder(this.#at(under));
    yield* this.#walk(this.#at(under), '', options);
  }

  async *#walk(folder: string, prefix: string, options: UnderListOptions): AsyncIterable<readonly UnderEntry[]> {
    try {
      for await (const nodes of readFolder(folder, options.signal)) {
        const isOfParts = path.basename(folder) === PARTS_FOLDER;
        const isLeftOut = ({ name }: LocalNode) => name === PARTS_FOLDER || (!isOfParts && PART_NAME.test(name));
        const page = nodes.flatMap((node) => (isLeftOut(node) ? [] : (this.#shown(node, prefix, options) ?? [])));
        if (page.length > 0) yield page;
        if (options.recursive !== true) continue;
        for (const { name, isDirectory } of page) {
          if (isDirectory) yield* this.#walk(`${folder}/${name.slice(prefix.length)}`, `${name}/`, options);
        }
      }
    } catch (error) {
      // Removed, or replaced, since it was listed.
      if (prefix === '' || !isAbsent(error)) throw error;
    }
  }

  #shown({ name, stats }: LocalNode, prefix: string, { onSkipped }: UnderListOptions): UnderEntry | undefined {
    if (stats?.isFile() || stats?.isDirectory()) return this.#entry(prefix + name, stats);
    if (stats !== undefined) onSkipped?.(prefix + name, stats.isSymbolicLink() ? 'a symbolic link' : 'neither a file nor a folder');
    // Either it is gone since the folder was read, or it was never there under this name.
    else if (name.includes('\ufffd')) onSkipped?.(prefix + name, 'a name that is not UTF-8');
    return undefined;
  }

  #entry(name: string, stats: Stats): UnderEntry {
    const isDirectory = stats.isDirectory();
    return {
      name,
      isDirectory,
      length: isDirectory ? 0 : stats.size,
      modifiedMs: Math.floor(stats.mtimeMs),
      fingerprint: isDirectory ? '' : `${stats.mtimeMs}-${stats.size}`,
      owner: this.#accounts.userName(stats.uid),
      group: this.#accounts.groupName(stats.gid),
      mode: stats.mode & 0o7777,
    };
  }

  async stat(under: string, signal?: AbortSignal): Promise<UnderEntry | undefined> {
    throwIfAborted(signal);
    const stats = await this.#look(under);
    return stats?.isFile() || stats?.isDirectory() ? this.#entry(under, stats) : undefined;
  }

  async *open(under: string, { offset = 0, length = Number.POSITIVE_INFINITY, signal }: UnderRange = {}): AsyncIterable<Uint8Array> {
    const stats = await this.#look(under);
    if (stats === undefined || stats.isSymbolicLink()) throw new UnderstudyError('not_found', `no such file: path=${this.#at(under)}`);
    if (!stats.isFile()) throw notFile(this.#at(under));
    await using file = await this.#open(under);
    for (let at = 0; at < length; ) {
      throwIfAborted(signal);
      const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, length - at));
      const { bytesRead } = await local('read', this.#at(under), () => file.handle.read(chunk, 0, chunk.length, offset + at));
      if (bytesRead === 0) return;
      at += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }

  create(under: string, bytes: Uint8Array, signal?: AbortSignal): Promise<UnderEntry> {
    const chunks = (async function* () {
      yield bytes;
    })();
    return this.write(under, chunks, { length: bytes.length, ...(signal === undefined ? {} : { signal }) });
  }

  async write(under: string, chunks: AsyncIterable<Uint8Array>, { length, signal }: UnderWriteOptions): Promise<UnderEntry> {
    throwIfAborted(signal);
    checkBelowRoot(under);
    await this.#makeFolders(folderOf(under));
    const there = await this.#toChange(under);
    if (there?.isDirectory()) throw new UnderstudyError('already_exists', `a folder is there: path=${this.#at(under)}`);
    const [at, folder] = [this.#at(under), this.#at(folderOf(under))];
    const part = `${folder}/.understudy-${Buffer.from(this.#random.bytes(8)).toString('hex')}.part`;
    const file = await local('create', at, () => fs.open(part, O_WRONLY | O_CREAT | O_EXCL, 0o666));
    try {
      for await (const chunk of wholeOf(chunks, under, length, signal)) await local('create', at, () => file.writeFile(chunk));
      return await local('create', at, async () => {
        await file.sync();
        const stats = await file.stat();
        await fs.rename(part, at);
        await systemFiles.syncFolder(folder);
        return this.#entry(under, stats);
      });
    } catch (error) {
      await local('create', at, () => fs.rm(part, { force: true })).catch(() => {});
      throw error;
    } finally {
      await file.close();
    }
  }

  async makeDirectory(under: string, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    checkUnderPath(under);
    await this.#makeFolders(under);
  }

  async rename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    checkMove(from, to);
    const [source, target] = [this.#at(from), this.#at(to)];
    if ((await this.#toChange(from)) === undefined) {
      if ((await this.#toChange(to)) !== undefined) return;
      throw new UnderstudyError('not_found', `nothing to rename: path=${source}`);
    }
    await this.#makeFolders(folderOf(to));
    await this.#toChange(to);
    await local('rename', source, async () => {
      await fs.rename(source, target);
      await systemFiles.syncFolder(path.dirname(target));
      if (folderOf(from) !== folderOf(to)) await systemFiles.syncFolder(path.dirname(source));
    }).catch((error: unknown) => this.#changedMeanwhile(error));
  }

  async delete(under: string, { recursive = false, signal }: { recursive?: boolean; signal?: AbortSignal } = {}): Promise<void> {
    throwIfAborted(signal);
    checkBelowRoot(under);
    const stats = await this.#toChange(under);
    if (stats === undefined) return;
    if (stats.isDirectory() && recursive) await removeTree(this.#at(under), signal);
    await local('delete', this.#at(under), async () => {
      if (!stats.isDirectory()) await fs.rm(this.#at(under), { force: true });
      else if (!recursive) await fs.rmdir(this.#at(under));
      await systemFiles.syncFolder(this.#at(folderOf(under)));
    }).catch((error: unknown) => this.#changedMeanwhile(error));
  }

  async setAttributes(under: string, { owner, group, mode }: UnderAttributes, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    checkUnderPath(under);
    const uid = owner === undefined ? -1 : this.#accounts.userId(owner);
    const gid = group === undefined ? -1 : this.#accounts.groupId(group);
    if ((await this.#toChange(under)) === undefined) throw new UnderstudyError('not_found', `no such file: path=${this.#at(under)}`);
    await local('setAttributes', this.#at(under), async () => {
      // In this order: a change of owner clears the set-id bits.
      if (uid >= 0 || gid >= 0) await fs.lchown(this.#at(under), uid, gid);
      if (mode !== undefined) await fs.chmod(this.#at(under), mode);
    });
    // A mode without the right to read is set all the same, and durable when the file system next writes it out.
    const file = await this.#open(under).catch((error) => (isError(error, 'permission_denied') ? undefined : Promise.reject(error)));
    if (file === undefined) return;
    await local('setAttributes', this.#at(under), () => file.handle.sync()).finally(() => file.handle.close());
  }

  async close(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #at(under: string): string {
    return under === '' ? this.#root || '/' : `${this.#root}/${under}`;
  }

  async #open(under: string): Promise<AsyncDisposable & { readonly handle: fs.FileHandle }> {
    // What became a pipe since the look would hang until somebody writes to it.
    const handle = await local('open', this.#at(under), () => fs.open(this.#at(under), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    return { handle, [Symbol.asyncDispose]: () => handle.close() };
  }

  /** @returns what is there, a link too; undefined for nothing, and behind a link. */
  async #look(under: string): Promise<Stats | undefined> {
    checkUnderPath(under);
    await this.#checkThere();
    if (!(await this.#isReal(folderOf(under)))) return this.#nothing();
    try {
      return await local('stat', this.#at(under), () => fs.lstat(this.#at(under)));
    } catch (error) {
      if (isAbsent(error)) return this.#nothing();
      throw error;
    }
  }

  /** What was there a moment ago is not: the folder may have been away for just as long. @throws `unavailable` then; else `error`. */
  async #changedMeanwhile(error: unknown): Promise<never> {
    await this.#checkThere();
    if (!isError(error, 'not_found')) throw error;
    throw new UnderstudyError('unavailable', `what was there a moment ago is not: folder=${this.#at('')}`, { cause: error });
  }

  /** Nothing was found: is the folder there still? @throws as `#checkThere`. */
  async #nothing(): Promise<undefined> {
    await this.#checkThere();
    return undefined;
  }

  /** A folder that is not there now, or whose file system is not mounted, must not be taken for an empty one. @throws `unavailable`. */
  async #checkThere(): Promise<void> {
    const folder = this.#at('');
    const look = () => Promise.all([fs.stat(folder), this.#isMounted ? fs.stat('/') : undefined]);
    const [stats, machine] = await local('stat', folder, look).catch((cause) => {
      throw new UnderstudyError('unavailable', `the folder is not there: folder=${folder} errno=${errnoOf(cause)}`, { cause });
    });
    if (stats.dev === machine?.dev) throw new UnderstudyError('unavailable', `the folder is no longer mounted: folder=${folder}`);
  }

  /** As `#look`. @throws `permission_denied` for a link, or behind one. */
  async #toChange(under: string): Promise<Stats | undefined> {
    const stats = await this.#look(under);
    if (stats?.isSymbolicLink()) throw linked(this.#at(under));
    if (stats === undefined) await this.#checkNoLinkAbove(under);
    return stats;
  }

  async #checkNoLinkAbove(under: string): Promise<void> {
    for (let folder = folderOf(under); folder !== ''; folder = folderOf(folder)) {
      if (await this.#isReal(folder)) return;
      const stats = await local('stat', this.#at(folder), () => fs.lstat(this.#at(folder))).catch(() => undefined);
      if (stats?.isSymbolicLink()) throw linked(this.#at(folder));
    }
  }

  /** @returns whether the folder is there, and reached through no link. */
  async #isReal(under: string): Promise<boolean> {
    try {
      return (await local('stat', this.#at(under), () => fs.realpath(this.#at(under)))) === this.#at(under);
    } catch (error) {
      if (isAbsent(error) || errnoOf(error) === 'ELOOP') return false;
      throw error;
    }
  }

  /** Makes the folder and those missing above it, each durable in the one that names it. */
  async #makeFolders(under: string): Promise<void> {
    const stats = await this.#toChange(under);
    if (stats?.isDirectory()) return;
    if (stats !== undefined) throw new UnderstudyError('already_exists', `a file is there: path=${this.#at(under)}`);
    await this.#makeFolders(folderOf(under));
    await local('makeDirectory', this.#at(under), async () => {
      try {
        await fs.mkdir(this.#at(under));
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
      await systemFiles.syncFolder(this.#at(folderOf(under)));
    });
  }
}

function notFolder(at: string): UnderstudyError {
  return new UnderstudyError('failed_precondition', `not a folder: path=${at}`);
}

function notFile(at: string): UnderstudyError {
  return new UnderstudyError('failed_precondition', `not a file: path=${at}`);
}

function linked(at: string): UnderstudyError {
  return new UnderstudyError('permission_denied', `symbolic links in mounted storage are not followed: path=${at}`);
}
