/**
 * The namespace as programs use it: named calls and plain results over the generic `Client`.
 *
 * Every call finds the leader by itself, survives takeovers, and takes an AbortSignal and a time-out. Changes are exactly-once and resolve
 * when they are durable. What is refused is an `UnderstudyError` with a `code`, POSIX's name of the refusal in `errno`, and the `path` that
 * it is about. Each method names the refusals that are its own; any may meet ENOENT, ENOTDIR or EACCES on the way to its path, EINVAL and
 * ENAMETOOLONG for the path itself, and what `Client.mutate` and `Client.query` tell of masters that do not answer.
 */
import type { understudy } from '#proto/understudy.js';
import { isError, UnderstudyError } from '../base/errors.js';
import type { AclEntry } from '../metadata/acl.js';
import { operations } from '../metadata/operations.js';
import { Batch } from './batch.js';
import { type BlockLocation, blockLocations } from './block-locations.js';
import { type ChangeBatch, type ChangeEvent, type Cursor, cursorOf, type WatchOptions, watchBatches } from './change-feed.js';
import type { Client, ClientCallOptions, ReadOptions } from './client.js';
import { type ContentSummary, contentSummary } from './content-summary.js';
import type { MountWork } from './data/await-persisted.js';
import { type BlockPlaces, toldPlaces } from './data/block-places.js';
import { dataAccess } from './data/data-access.js';
import { FileContents } from './data/file-contents.js';
import type { FileReader } from './data/file-reader.js';
import type { FileWriter } from './data/file-writer.js';
import { aclOf, childPath, type FileStatus, fileStatus } from './file-status.js';
import type {
  AclChange,
  AddBlocksOptions,
  Attributes,
  BlockLocationOptions,
  Change,
  ChangedFile,
  CompleteFileOptions,
  CreateDirectoryOptions,
  CreateFileOptions,
  FreedBlocks,
  FreeOptions,
  ListOptions,
  ListPage,
  LoadedMetadata,
  LoadMetadataOptions,
  MountOptions,
  OpenFileOptions,
  QuotaChange,
  RemoveOptions,
  RenameOptions,
  SetCursorOptions,
  SetXattrOptions,
  StatusOptions,
  WriteFileOptions,
} from './file-system-options.js';
import { freeFile } from './free-file.js';
import { glob } from './glob.js';
import type { LeaderPlace } from './leader-finder.js';
import { type MasterInfo, masterInfos } from './master-info.js';
import { type MountPoint, mountPoint } from './mount-point.js';
import * as requests from './mutation-requests.js';
import { OpenFiles } from './open-files.js';
import * as queries from './query-requests.js';
import { type WalkOptions, walk } from './walk.js';

export class FileSystem implements AsyncDisposable {
  /** For operations without a method here: any row of the table of operations can be called. */
  readonly client: Client;
  readonly #whenClosed: () => Promise<void>;
  readonly #openFiles: OpenFiles;
  readonly #contents: FileContents;

  /**
   * @param whenClosed lets go of what the client was given.
   * @param places where bytes are and can go; as the masters tell unless given.
   */
  constructor(client: Client, whenClosed: () => Promise<void> = async () => {}, places: BlockPlaces = toldPlaces(client)) {
    this.client = client;
    this.#whenClosed = whenClosed;
    this.#openFiles = new OpenFiles(client.settings, {
      clock: client.deps.clock,
      session: () => client.session,
      renewLease: async () => (await client.mutate(operations.renewLease, {})).leaseTimeoutMs,
      look: (inodeId) => this.getStatusById(inodeId).catch(unlessGone),
    });
    this.#contents = new FileContents(this, dataAccess(client, places), {
      mountWork: () => this.#mountWork(),
      free: (path) => this.free(path),
    });
  }

  // Contents

  /** Opens a file for reading: parts, and streams. @throws EISDIR. */
  open(path: string, options: OpenFileOptions & ClientCallOptions = {}): Promise<FileReader> {
    return this.#contents.open(path, options);
  }

  /** Makes a file and opens it for writing. @throws as `createFile`. */
  create(path: string, options: WriteFileOptions & ClientCallOptions = {}): Promise<FileWriter> {
    return this.#contents.create(path, options);
  }

  /** Opens a complete file for writing behind its end. @throws as `appendFile`, and where the bytes that its last block holds cannot be read. */
  append(path: string, options: ClientCallOptions = {}): Promise<FileWriter> {
    return this.#contents.append(path, options);
  }

  /** @returns all of a file, of up to 2 GiB. @throws as `open` and `FileReader.read`. */
  readFile(path: string, options: OpenFileOptions & ClientCallOptions = {}): Promise<Buffer> {
    return this.#contents.readFile(path, options);
  }

  /** Makes a file with these contents; replaces one that is there with `overwrite`. @throws as `create` and `FileWriter.write`. */
  writeFile(path: string, contents: Uint8Array | string, options: WriteFileOptions & ClientCallOptions = {}): Promise<ChangedFile> {
    return this.#contents.writeFile(path, contents, options);
  }

  /**
   * Has a file written to mounted storage, and resolves when it is there; within `DataSettings.persistTimeoutMs` unless given.
   *
   * @throws `deadline_exceeded`: not in that time, or the storage refused it for too long: the message says what is in the way. It is tried on. EISDIR;
   *   `failed_precondition`: it lies below no mount point.
   */
  persist(path: string, options: ClientCallOptions = {}): Promise<FileStatus> {
    return this.#contents.persist(path, options);
  }

  /**
   * Has workers give up the blocks of a file that mounted storage has, too: whoever reads it next fetches it from there. Resolves when that is
   * commanded. @throws `failed_precondition`: the storage has it not, or it is pinned and this is not `forced`; EISDIR.
   */
  free(path: string, { forced = false, ...options }: FreeOptions & ClientCallOptions = {}): Promise<FreedBlocks> {
    return freeFile(this.client, path, forced, options);
  }

  // Files

  /**
   * Makes a file: a complete one where `completeLength` is given; else one that this client writes, until `completeFile`.
   *
   * @throws EEXIST; EISDIR: a directory is there, with `overwrite`; ENOENT: no parent, without `recursive`; EBUSY: another client writes
   *   the file that is to be replaced; EDQUOT.
   */
  createFile(path: string, options: CreateFileOptions & ClientCallOptions = {}): Promise<ChangedFile> {
    const request = requests.createFileRequest(path, options, this.client.settings);
    return this.#changed(path, this.client.mutate(operations.createFile, request, options));
  }

  /** Fixes the file's length. @throws ETXTBSY: it is complete already; EBUSY: another client writes it; EDQUOT, EFBIG. */
  completeFile(path: string, length: number, options: CompleteFileOptions & ClientCallOptions = {}): Promise<ChangedFile> {
    return this.#changed(path, this.client.mutate(operations.completeFile, requests.completeFileRequest(path, length, options), options));
  }

  /** Hands out up to 65,536 further blocks of a file that this client writes; `status.lease.blocks` is how many there are then. @throws as `completeFile`. */
  addBlocks(path: string, blocks: number, options: AddBlocksOptions & ClientCallOptions = {}): Promise<ChangedFile> {
    return this.#changed(path, this.client.mutate(operations.addBlocks, requests.addBlocksRequest(path, blocks, options), options));
  }

  /** Opens a complete file for writing behind its end, until `completeFile`. @throws EBUSY: it is being written. */
  appendFile(path: string, options: ClientCallOptions = {}): Promise<ChangedFile> {
    return this.#changed(path, this.client.mutate(operations.appendFile, { path }, options));
  }

  /** Cuts a complete file. @throws EINVAL: it is shorter than `length`; ETXTBSY: it is being written. */
  truncateFile(path: string, length: number, options: ClientCallOptions = {}): Promise<ChangedFile> {
    return this.#changed(path, this.client.mutate(operations.truncateFile, { path, length }, options));
  }

  /**
   * Moves the contents of up to 1,024 complete files of one directory, in order, behind those of the file at `path`: they go.
   *
   * @throws EINVAL: a source is named twice, is the file itself or has other blocks, or a file before the last does not end with a block.
   */
  concat(path: string, sources: readonly string[], options: ClientCallOptions = {}): Promise<ChangedFile> {
    return this.#changed(path, this.client.mutate(operations.concat, { path, sources: [...sources] }, options));
  }

  /** Tells the masters that this client still writes its files. A client that has open files does so by itself. */
  renewLease(options: ClientCallOptions = {}): Promise<Change> {
    return change(this.client.mutate(operations.renewLease, {}, options));
  }

  /** @returns the blocks that a file has in a range of its bytes. @throws EISDIR; `aborted`: another file has taken its place meanwhile. */
  async getBlockLocations(path: string, { offset, length, ...read }: BlockLocationOptions = {}): Promise<readonly BlockLocation[]> {
    const blocks: BlockLocation[] = [];
    let from = offset ?? 0;
    let id: number | undefined;
    const end = from + (length ?? Number.POSITIVE_INFINITY);
    for (;;) {
      const request = { path, offset: from, length: length === undefined ? null : end - from };
      const answer = await this.client.query(operations.getBlockLocations, request, read);
      const told = blockLocations(answer);
      id ??= answer.inode?.id ?? 0;
      if ((answer.inode?.id ?? 0) !== id)
        throw new UnderstudyError('aborted', `another file has taken the place of this one: path=${path}`);
      blocks.push(...told);
      const last = told.at(-1);
      from = last === undefined ? end : last.offset + last.length;
      if (from >= Math.min(end, answer.inode?.length ?? 0)) return blocks;
    }
  }

  // Trees

  /** @throws EEXIST; ENOENT: no parent, without `recursive`; EDQUOT. */
  createDirectory(path: string, options: CreateDirectoryOptions & ClientCallOptions = {}): Promise<ChangedFile> {
    const request = requests.createDirectoryRequest(path, options, this.client.settings.umask);
    return this.#changed(path, this.client.mutate(operations.createDirectory, request, options));
  }

  /**
   * Moves a file or a whole directory, in one step.
   *
   * @throws EEXIST: something is at the target; with `overwrite` EISDIR, ENOTDIR, ENOTEMPTY as rename(2); EINVAL: below itself;
   *   EXDEV: into another mount; EBUSY: a mount point; EDQUOT.
   */
  rename(from: string, to: string, options: RenameOptions & ClientCallOptions = {}): Promise<Change> {
    return change(this.client.mutate(operations.rename, requests.renameRequest(from, to, options), options));
  }

  /** Removes a file or a directory, however large, in one step. @throws ENOTEMPTY, without `recursive`; EBUSY: a mount point is there; EINVAL: the root. */
  remove(path: string, options: RemoveOptions & ClientCallOptions = {}): Promise<Change> {
    return change(this.client.mutate(operations.remove, requests.removeRequest(path, options), options));
  }

  getStatus(path: string, options: StatusOptions = {}): Promise<FileStatus> {
    return this.#status(queries.getStatusRequest(path, options, this.client.settings), options);
  }

  /** @returns the file or directory with that inode id, at the path where it is now. */
  getStatusById(inodeId: number, options: ReadOptions = {}): Promise<FileStatus> {
    return this.#status({ inodeId }, options);
  }

  async exists(path: string, options: StatusOptions = {}): Promise<boolean> {
    return (await this.client.query(operations.exists, queries.getStatusRequest(path, options, this.client.settings), options)).exists;
  }

  /** Yields what is in a directory of any size, or with `recursive` below it, in byte order of the names; a file yields itself. */
  async *list(path: string, options: ListOptions = {}): AsyncGenerator<FileStatus, void, undefined> {
    for await (const page of this.listPages(path, options)) yield* page.entries;
  }

  /** Yields the same in pages; at least one, be it empty. */
  async *listPages(path: string, options: ListOptions = {}): AsyncGenerator<ListPage, void, undefined> {
    let startAfter = options.startAfter ?? '';
    const rest = () => queries.listRequest(path, options, startAfter, this.client.settings);
    for await (const { entries, sn } of this.client.stream(operations.listStatus, rest, options)) {
      startAfter = entries.at(-1)?.name || startAfter;
      yield { entries: entries.map((entry) => listed(path, entry, options)), sn };
    }
  }

  /** Yields what is at `path`, and all that is below it: a directory before what is in it. Not as of one moment. */
  walk(path: string, options: WalkOptions = {}): AsyncGenerator<FileStatus, void, undefined> {
    return walk(this, path, options);
  }

  /** Yields what matches a pattern: `*`, `?`, `[a-c]`, `{a,b}`, `**`. Nothing that matches is no error. @throws EACCES: a directory that may not be read. */
  glob(pattern: string, options: StatusOptions = {}): AsyncGenerator<FileStatus, void, undefined> {
    return glob(this, pattern, options);
  }

  /** @returns how much is below a path, itself included: of a tree of any size at once. */
  async contentSummary(path: string, options: ReadOptions = {}): Promise<ContentSummary> {
    return contentSummary(await this.client.query(operations.contentSummary, { path }, options));
  }

  // Attributes

  /** @throws EPERM: only the owner, or the superuser, may; EINVAL. */
  setAttributes(path: string, attributes: Attributes, options: ClientCallOptions = {}): Promise<ChangedFile> {
    return this.#changed(path, this.client.mutate(operations.setAttributes, requests.setAttributesRequest(path, attributes), options));
  }

  /** Bounds what is below a directory. @throws EPERM: only the superuser may; ENOTDIR. */
  async setQuota(path: string, quota: QuotaChange, options: ClientCallOptions = {}): Promise<ChangedFile> {
    return this.#changed(path, this.client.mutate(operations.setQuota, requests.setQuotaRequest(path, quota), options));
  }

  /** @throws EPERM: only the owner, or the superuser, may; EINVAL: the list would be none, or a file would have a default one. */
  async setAcl(path: string, acl: AclChange, options: ClientCallOptions = {}): Promise<ChangedFile> {
    return this.#changed(path, this.client.mutate(operations.setAcl, requests.setAclRequest(path, acl), options));
  }

  /** @returns the whole access control list, what the mode says included, in the order of `getfacl`. */
  async getAcl(path: string, options: StatusOptions = {}): Promise<readonly AclEntry[]> {
    return aclOf(await this.getStatus(path, options));
  }

  /** @param name `user.…` or, for the superuser, `trusted.…`. @throws EEXIST, ENODATA: as `only` says; E2BIG; ENOTSUP: another kind of name. */
  setXattr(
    path: string,
    name: string,
    value: Uint8Array | string,
    options: SetXattrOptions & ClientCallOptions = {},
  ): Promise<ChangedFile> {
    return this.#changed(path, this.client.mutate(operations.setXattr, requests.setXattrRequest(path, name, value, options), options));
  }

  /** @throws ENODATA. */
  removeXattr(path: string, name: string, options: ClientCallOptions = {}): Promise<ChangedFile> {
    return this.#changed(path, this.client.mutate(operations.removeXattr, { path, name }, options));
  }

  /** @returns extended attributes by name: those named, or all that the user may see. @throws ENODATA: one that is named. */
  async getXattrs(path: string, names: readonly string[] = [], options: ReadOptions = {}): Promise<ReadonlyMap<string, Uint8Array>> {
    const { xattrs } = await this.client.query(operations.getXattrs, { path, names: [...names] }, options);
    return new Map(xattrs.map(({ name, value }) => [name ?? '', value ?? new Uint8Array()]));
  }

  /** @param wanted letters of `rwx`. @throws EACCES: the client's user may not do all of that. */
  async checkAccess(path: string, wanted: string, options: ReadOptions = {}): Promise<void> {
    await this.client.query(operations.checkAccess, { path, wanted: queries.accessBits(wanted) }, options);
  }

  // Several changes as one

  /** @returns an empty batch: changes are added to it, and all of them happen with its `commit`, or none. */
  batch(): Batch {
    return new Batch(this.client, (status) => this.#openFiles.noted(status));
  }

  // Mounts

  /** Makes a directory at `path` that shows what is at `uri`. @throws EEXIST; EPERM: only the superuser may; EINVAL: no such under store. */
  mount(path: string, uri: string, options: MountOptions & ClientCallOptions = {}): Promise<ChangedFile> {
    return this.#changed(path, this.client.mutate(operations.mount, requests.mountRequest(path, uri, options), options));
  }

  /** Takes a mount point away; the under store stays as it is. @throws EINVAL: there is none; EBUSY: it holds others, or work is queued. */
  unmount(path: string, options: ClientCallOptions = {}): Promise<Change> {
    return change(this.client.mutate(operations.unmount, { path }, options));
  }

  /** Options take the place of all that there are. @throws EINVAL: no mount point, or no such options. */
  updateMount(path: string, options: MountOptions & ClientCallOptions = {}): Promise<Change> {
    return change(this.client.mutate(operations.updateMount, requests.updateMountRequest(path, options), options));
  }

  /** @returns the mount points in order of their paths. */
  async listMounts(options: ReadOptions = {}): Promise<readonly MountPoint[]> {
    return (await this.client.query(operations.listMounts, {}, options)).mounts.map(mountPoint);
  }

  /** Brings into the namespace what the under store has at `path`, and resolves when that is durable. */
  async loadMetadata(path: string, { recursive, force, progress, ...call }: LoadMetadataOptions = {}): Promise<LoadedMetadata> {
    const request = { path, recursive: recursive ?? false, force: force ?? false };
    let loaded: LoadedMetadata = { looked: 0, made: 0, changed: 0, gone: 0 };
    for await (const { looked, made, changed, gone, done } of this.client.streamFromLeader(operations.loadMetadata, request, call)) {
      loaded = { looked, made, changed, gone };
      if (!done) progress?.(loaded);
    }
    return loaded;
  }

  /** Yields where namespace and under store differ. Begins anew where another master takes the lead meanwhile: then one may come twice. */
  async *checkConsistency(path: string, options: ClientCallOptions = {}): AsyncGenerator<Inconsistency, void, undefined> {
    for await (const { inconsistencies } of this.client.streamFromLeader(operations.checkConsistency, { path }, options)) {
      for (const { path: at, reason } of inconsistencies) yield { path: at ?? '', reason: reason ?? '' };
    }
  }

  // Watching

  /** Yields every committed change of what is at or below a path, once and in order, for ever. @throws `out_of_range`: the journal does not go back so far. */
  async *watch(path: string, options: WatchOptions = {}): AsyncGenerator<ChangeEvent, void, undefined> {
    for await (const { events } of this.watchBatches(path, options)) yield* events;
  }

  /** Yields the same in batches that tell how far the journal was looked through, also where nothing was found. */
  watchBatches(path: string, options: WatchOptions = {}): AsyncGenerator<ChangeBatch, void, undefined> {
    return watchBatches(this.client, path, options);
  }

  /** Makes a cursor of the change feed, or moves it on; it never goes back. @throws ENOENT: it is new and `path` is not given. */
  setCursor(name: string, options: SetCursorOptions & ClientCallOptions = {}): Promise<Change> {
    return change(this.client.mutate(operations.setCursor, requests.setCursorRequest(name, options), options));
  }

  /** @throws ENOENT. */
  removeCursor(name: string, options: ClientCallOptions = {}): Promise<Change> {
    return change(this.client.mutate(operations.setCursor, { name, remove: true }, options));
  }

  async listCursors(options: ReadOptions = {}): Promise<readonly Cursor[]> {
    return (await this.client.query(operations.listCursors, {}, options)).cursors.map(cursorOf);
  }

  // Masters

  /** @returns where the leader is that serves now, or undefined if none does. */
  leader(options: ClientCallOptions = {}): Promise<LeaderPlace | undefined> {
    return this.client.leader(options);
  }

  /** @returns how every master is that is known; one that does not answer says why. */
  async masterInfo(options: ClientCallOptions = {}): Promise<readonly MasterInfo[]> {
    return masterInfos(await this.client.masters(options));
  }

  /** Gives up what is under way and lets go; files that this client writes stay incomplete until their leases are over. Idempotent. */
  async close(): Promise<void> {
    this.#openFiles.close();
    await this.#contents.close();
    await this.client.close();
    await this.#whenClosed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** How far the storage of each mount is with what was changed. */
  async #mountWork(): Promise<readonly MountWork[]> {
    const { mounts } = await this.client.query(operations.listMounts, {});
    return mounts.map(({ path, mount, trouble }) => ({
      path: path ?? '',
      newest: mount?.workSeq ?? 0,
      done: mount?.workDone ?? 0,
      trouble: trouble ?? '',
    }));
  }

  async #changed(path: string, answer: Promise<understudy.MutationResponse>): Promise<ChangedFile> {
    const { sn, inode } = await answer;
    const status = fileStatus(path, whole(inode));
    if (!status.directory) this.#openFiles.noted(status);
    return { sn, status };
  }

  async #status(request: { readonly path?: string; readonly inodeId?: number }, options: StatusOptions): Promise<FileStatus> {
    const { inode, path, underUri, persistTrouble, heldBytes } = await this.client.query(operations.getStatus, request, options);
    const status = Object.assign(
      fileStatus(request.path ?? path, whole(inode)),
      persistTrouble === '' ? { underUri } : { underUri, persistTrouble },
    );
    return options.withHeld === true ? Object.assign(status, { heldBytes }) : status;
  }
}

/** Where namespace and under store differ. */
export interface Inconsistency {
  readonly path: string;
  readonly reason: string;
}

async function change(answer: Promise<understudy.MutationResponse>): Promise<Change> {
  const { sn } = await answer;
  return { sn };
}

function listed(path: string, { name, inode, heldBytes }: understudy.ListEntry.$Properties, { withHeld }: ListOptions): FileStatus {
  const status = fileStatus(name ? childPath(path, name) : path, whole(inode));
  return withHeld === true ? Object.assign(status, { heldBytes: heldBytes ?? 0 }) : status;
}

function whole(inode: understudy.Inode.$Properties | null | undefined): understudy.Inode.$Properties {
  if (inode == null) throw new UnderstudyError('internal', 'the answer lacks the file that it is about');
  return inode;
}

function unlessGone(error: unknown): undefined {
  if (!isError(error, 'not_found')) throw error;
}
