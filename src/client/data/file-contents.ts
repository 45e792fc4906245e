/**
 * Opens files for reading and writing their bytes, in the name of a file system.
 */
import { UnderstudyError } from '../../base/errors.js';
import type { ClientCallOptions } from '../client.js';
import type { FileStatus } from '../file-status.js';
import type {
  AddBlocksOptions,
  Attributes,
  ChangedFile,
  CompleteFileOptions,
  CreateFileOptions,
  OpenFileOptions,
  RemoveOptions,
  WriteFileOptions,
} from '../file-system-options.js';
import { awaitPersisted, type MountWork } from './await-persisted.js';
import type { DataAccess } from './data-access.js';
import { FileReader } from './file-reader.js';
import { FileWriter, type PartialBlock, type WrittenFile } from './file-writer.js';

/** What is asked of the namespace. */
export interface FileNames {
  createFile(path: string, options: CreateFileOptions & ClientCallOptions): Promise<ChangedFile>;
  appendFile(path: string, options: ClientCallOptions): Promise<ChangedFile>;
  addBlocks(path: string, blocks: number, options: AddBlocksOptions): Promise<ChangedFile>;
  completeFile(path: string, length: number, options: CompleteFileOptions): Promise<ChangedFile>;
  getStatus(path: string, options: ClientCallOptions): Promise<FileStatus>;
  getStatusById(inodeId: number): Promise<FileStatus>;
  setAttributes(path: string, attributes: Attributes, options: ClientCallOptions): Promise<unknown>;
  remove(path: string, options: RemoveOptions): Promise<unknown>;
}

/** What is asked about the storage that files are written through to. */
export interface MountedStorage {
  mountWork(): Promise<readonly MountWork[]>;
  /** Gives up the blocks of a file. */
  free(path: string): Promise<unknown>;
}

/** Of a file that is read whole. */
const WHOLE_BYTES_MAX = 2 ** 31 - 1;

export class FileContents {
  readonly #names: FileNames;
  readonly #access: DataAccess;
  readonly #storage: MountedStorage;

  constructor(names: FileNames, access: DataAccess, storage: MountedStorage) {
    this.#names = names;
    this.#access = access;
    this.#storage = storage;
  }

  open(path: string, options: OpenFileOptions & ClientCallOptions): Promise<FileReader> {
    return FileReader.open(this.#access, path, options);
  }

  async create(path: string, { writeType: asked, ...options }: WriteFileOptions & ClientCallOptions): Promise<FileWriter> {
    const writeType = asked ?? this.#access.settings.writeType;
    const persist = writeType !== 'MUST_CACHE';
    const { status } = await this.#names.createFile(path, {
      ...options,
      ...(asked === undefined ? { persist } : { mustPersist: persist }),
    });
    const giveUp = async () => this.#names.remove((await this.#names.getStatusById(status.id)).path, { skipTrash: true });
    const file = this.#written(status, giveUp);
    // Below no mount point nobody persists it: a default goes for what can be.
    const isThrough = status.persistence === 'TO_BE_PERSISTED' && (writeType === 'CACHE_THROUGH' || writeType === 'THROUGH');
    return FileWriter.open(this.#access, isThrough ? this.#writtenThrough(file, writeType === 'THROUGH') : file);
  }

  /** Its writer is told that it has arrived once mounted storage has it. */
  #writtenThrough(file: WrittenFile, frees: boolean): WrittenFile {
    const arrived = async (changed: ChangedFile, signal: AbortSignal) => {
      const status = await this.#persisted(file.status.id, { signal });
      // What is not given up now is evictable: it goes when there is no room.
      if (frees) await this.#storage.free(status.path).catch(() => {});
      return { ...changed, status };
    };
    return { ...file, arrived };
  }

  async append(path: string, options: ClientCallOptions): Promise<FileWriter> {
    const { status } = await this.#names.appendFile(path, options);
    const giveUp = () => this.#names.completeFile(path, status.length, { inodeId: status.id });
    const partial = await this.#partial(status, options).catch(async (error: unknown) => {
      await giveUp();
      throw error;
    });
    return FileWriter.open(this.#access, this.#written(status, giveUp), partial);
  }

  async readFile(path: string, options: OpenFileOptions & ClientCallOptions): Promise<Buffer> {
    await using file = await this.open(path, options);
    const { length } = file;
    if (length > WHOLE_BYTES_MAX)
      throw new UnderstudyError('resource_exhausted', `the file is too long to be read whole: length=${length}`);
    const contents = Buffer.allocUnsafe(length);
    await file.read(contents, 0, options.signal);
    return contents;
  }

  async writeFile(path: string, contents: Uint8Array | string, options: WriteFileOptions & ClientCallOptions): Promise<ChangedFile> {
    await using file = await this.create(path, options);
    await file.write(contents);
    return await file.close();
  }

  async persist(path: string, options: ClientCallOptions): Promise<FileStatus> {
    const { id, persistence, directory, underUri } = await this.#names.getStatus(path, options);
    if (directory)
      throw new UnderstudyError('failed_precondition', `files are persisted, not directories: path=${path}`, { errno: 'EISDIR', path });
    if (underUri === '') {
      throw new UnderstudyError('failed_precondition', `below no mount point there is no storage to persist it to: path=${path}`, { path });
    }
    if (persistence !== 'PERSISTED' && persistence !== 'TO_BE_PERSISTED') {
      await this.#names.setAttributes(path, { persistence: 'TO_BE_PERSISTED' }, options);
    }
    return await this.#persisted(id, options);
  }

  /** Gives up what is under way. Idempotent. */
  close(): Promise<void> {
    return this.#access.close();
  }

  #persisted(inodeId: number, { timeoutMs, signal }: ClientCallOptions): Promise<FileStatus> {
    const { clock, life, settings } = this.#access;
    const names = { getStatusById: (id: number) => this.#names.getStatusById(id), mountWork: this.#storage.mountWork };
    return awaitPersisted(inodeId, names, clock, {
      timeoutMs: timeoutMs ?? settings.persistTimeoutMs,
      troubleMs: settings.persistTroubleMs,
      signal: signal === undefined ? life : AbortSignal.any([life, signal]),
    });
  }

  #written(status: FileStatus, giveUp: () => Promise<unknown>): WrittenFile {
    const { path, id: inodeId } = status;
    return {
      status,
      addBlocks: (blocks, length) => this.#names.addBlocks(path, blocks, { inodeId, length }),
      complete: (length) => this.#names.completeFile(path, length, { inodeId }),
      giveUp,
    };
  }

  /** The bytes of the last block of a file that does not end with it: they are written anew, as a block of the file's new generation. */
  async #partial({ path, length, blockBytes, generation }: FileStatus, options: ClientCallOptions): Promise<PartialBlock | undefined> {
    const start = length - (length % blockBytes);
    if (start === length) return undefined;
    const reader = await this.open(path, options);
    const { inodeId, index, generation: known } = await reader.located(start);
    // One that was joined from another file has that one's generations.
    return { id: { inodeId, index, generation: Math.max(generation, known + 1) }, bytes: reader.lentChunks({ start, end: length }) };
  }
}
