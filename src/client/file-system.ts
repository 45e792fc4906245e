/**
 * The namespace as programs use it: named calls and plain results over the generic `Client`.
 *
 * Every call finds the leader by itself, survives takeovers, and takes an AbortSignal and a time-out; mutations are exactly-once and
 * resolve when they are durable. Results carry plain numbers: times in Unix milliseconds, lengths in bytes.
 */
import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import { operations } from '../metadata/operations.js';
import type { Client, ClientCallOptions, ReadOptions } from './client.js';
import { childPath, type FileStatus, fileStatus } from './file-status.js';
import type { LeaderPlace } from './leader-finder.js';
import { type MasterInfo, masterInfos } from './master-info.js';

/** What a change answers with: `sn` is the entry as of which it holds, to be given as `atLeastSn` to reads. */
export interface Change {
  readonly sn: number;
}

/** The answer to a change that made or changed something. */
export interface ChangedFile extends Change {
  readonly status: FileStatus;
}

export interface CreateFileOptions extends ClientCallOptions {
  /** Permission bits; 0666 less the umask unless given. */
  readonly mode?: number;
  readonly blockBytes?: number;
  /** Makes missing parents. */
  readonly recursive?: boolean;
  /** Completes the file too, with this length in bytes, in the same step. */
  readonly completeLength?: number;
  /** With `completeLength`. */
  readonly modifiedMs?: number;
}

export interface CompleteFileOptions extends ClientCallOptions {
  readonly modifiedMs?: number;
}

export interface CreateDirectoryOptions extends ClientCallOptions {
  /** Permission bits; 0777 less the umask unless given. */
  readonly mode?: number;
  /** Makes missing parents. */
  readonly recursive?: boolean;
  /** A directory that exists is no error. */
  readonly allowExists?: boolean;
}

export interface RemoveOptions extends ClientCallOptions {
  /** Removes a directory with all that is in it. */
  readonly recursive?: boolean;
}

/** What is to be changed; what is absent stays. */
export interface Attributes {
  readonly owner?: string;
  readonly group?: string;
  readonly mode?: number;
  readonly modifiedMs?: number;
  readonly accessedMs?: number;
}

export interface ListOptions extends ReadOptions {
  /** A name: the listing begins behind it. */
  readonly startAfter?: string;
  /** Entries of a page, up to 10,000. */
  readonly pageEntries?: number;
}

export interface ListPage {
  /** In byte order of the names; a file lists as itself. */
  readonly entries: readonly FileStatus[];
  /** The page shows the directory as of this entry. Pages of one listing differ in it only if a master failed between them. */
  readonly sn: number;
}

/** Bits that are taken from the default modes of what is made; a mode that is asked for stays as it is. */
const UMASK = 0o022;

const umaskOf = ({ mode }: { readonly mode?: number }): number => (mode === undefined ? UMASK : 0);

export class FileSystem implements AsyncDisposable {
  /** For operations without a method here: any row of the table of operations can be called. */
  readonly client: Client;
  readonly #whenClosed: () => Promise<void>;

  /** @param whenClosed lets go of what the client was given. */
  constructor(client: Client, whenClosed: () => Promise<void> = async () => {}) {
    this.client = client;
    this.#whenClosed = whenClosed;
  }

  /** @throws `already_exists`; `not_found`: no parent, and `recursive` was not asked for; and as `Client.mutate`. */
  async createFile(path: string, options: CreateFileOptions = {}): Promise<ChangedFile> {
    const { timeoutMs: _, signal: __, ...fields } = options;
    return changed(path, await this.client.mutate(operations.createFile, { path, umask: umaskOf(options), ...fields }, options));
  }

  /** Fixes the file's length. @throws `failed_precondition`: it is complete already. */
  async completeFile(path: string, length: number, options: CompleteFileOptions = {}): Promise<ChangedFile> {
    const { timeoutMs: _, signal: __, ...fields } = options;
    return changed(path, await this.client.mutate(operations.completeFile, { path, length, ...fields }, options));
  }

  /** @throws `already_exists`; `not_found`: no parent, and `recursive` was not asked for. */
  async createDirectory(path: string, options: CreateDirectoryOptions = {}): Promise<ChangedFile> {
    const { timeoutMs: _, signal: __, ...fields } = options;
    return changed(path, await this.client.mutate(operations.createDirectory, { path, umask: umaskOf(options), ...fields }, options));
  }

  /** Moves a file or a whole directory. @throws `already_exists`: the target; `not_found`: the source, or the target's parent. */
  async rename(from: string, to: string, options: ClientCallOptions = {}): Promise<Change> {
    const { sn } = await this.client.mutate(operations.rename, { from, to }, options);
    return { sn };
  }

  /** @throws `not_found`; `failed_precondition`: a directory that is not empty, and `recursive` was not asked for. */
  async remove(path: string, options: RemoveOptions = {}): Promise<Change> {
    const { sn } = await this.client.mutate(operations.remove, { path, recursive: options.recursive ?? false }, options);
    return { sn };
  }

  /** @throws `not_found`. */
  async setAttributes(path: string, attributes: Attributes, options: ClientCallOptions = {}): Promise<Change> {
    const { sn } = await this.client.mutate(operations.setAttributes, { path, ...attributes }, options);
    return { sn };
  }

  /** @throws `not_found`. */
  async getStatus(path: string, options: ReadOptions = {}): Promise<FileStatus> {
    const { inode } = await this.client.query(operations.getStatus, { path }, options);
    return fileStatus(path, whole(inode));
  }

  async exists(path: string, options: ReadOptions = {}): Promise<boolean> {
    return (await this.client.query(operations.exists, { path }, options)).exists;
  }

  /** Yields what is in a directory of any size, in byte order of the names; a file yields itself. @throws `not_found`. */
  async *listStatus(path: string, options: ListOptions = {}): AsyncGenerator<FileStatus, void, undefined> {
    for await (const page of this.listPages(path, options)) yield* page.entries;
  }

  /** Yields the same in pages; at least one, be it empty. @throws `not_found`. */
  async *listPages(path: string, options: ListOptions = {}): AsyncGenerator<ListPage, void, undefined> {
    let startAfter = options.startAfter ?? '';
    const rest = () => ({ path, startAfter, pageEntries: options.pageEntries ?? 0 });
    for await (const { entries, sn } of this.client.stream(operations.listStatus, rest, options)) {
      startAfter = entries.at(-1)?.name || startAfter;
      yield { entries: entries.map(({ name, inode }) => fileStatus(name ? childPath(path, name) : path, whole(inode))), sn };
    }
  }

  /** @returns where the leader is that serves now, or undefined if none does. */
  leader(options: ClientCallOptions = {}): Promise<LeaderPlace | undefined> {
    return this.client.leader(options);
  }

  /** @returns how every master is that is known; one that does not answer says why. */
  async masterInfo(options: ClientCallOptions = {}): Promise<readonly MasterInfo[]> {
    return masterInfos(await this.client.masters(options));
  }

  /** Gives up what is under way and lets go. Idempotent. */
  async close(): Promise<void> {
    await this.client.close();
    await this.#whenClosed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function changed(path: string, { sn, inode }: understudy.MutationResponse): ChangedFile {
  return { sn, status: fileStatus(path, whole(inode)) };
}

function whole(inode: understudy.Inode.$Properties | null | undefined): understudy.Inode.$Properties {
  if (inode == null) throw new UnderstudyError('internal', 'the answer lacks the file that it is about');
  return inode;
}
