/**
 * Several changes as one: all of them happen, in order, each on what those before it left, or none does.
 *
 *     await fs.batch().createDirectory('/out/_new').rename('/out/part-0', '/out/_new/part-0').remove('/out/_tmp').commit();
 */

import type { Encodable } from '../base/encode-message.js';
import { encodeMessage } from '../base/encode-message.js';
import { operations } from '../metadata/operations.js';
import type { Client, ClientCallOptions } from './client.js';
import { type FileStatus, fileStatus } from './file-status.js';
import type {
  AclChange,
  AddBlocksOptions,
  Attributes,
  Change,
  CompleteFileOptions,
  CreateDirectoryOptions,
  CreateFileOptions,
  QuotaChange,
  RemoveOptions,
  RenameOptions,
  SetCursorOptions,
  SetXattrOptions,
} from './file-system-options.js';
import * as requests from './mutation-requests.js';

export interface BatchOutcome extends Change {
  /** For each step what it made or changed, as it was then; undefined of steps that tell nothing of the kind (rename, remove, cursors). */
  readonly statuses: readonly (FileStatus | undefined)[];
}

interface Step {
  readonly method: number;
  readonly request: Uint8Array;
  /** Of what the step answers with, if it does. */
  readonly path: string | undefined;
}

/** Steps are those of `FileSystem`; up to 1,000 of them. Nothing is sent before `commit`. */
export class Batch {
  readonly #client: Client;
  readonly #noted: (status: FileStatus) => void;
  readonly #steps: Step[] = [];

  /** @param noted is told of each file that a step made or changed. */
  constructor(client: Client, noted: (status: FileStatus) => void) {
    this.#client = client;
    this.#noted = noted;
  }

  createFile(path: string, options: CreateFileOptions = {}): this {
    return this.#add(operations.createFile, requests.createFileRequest(path, options, this.#client.settings), path);
  }

  completeFile(path: string, length: number, options: CompleteFileOptions = {}): this {
    return this.#add(operations.completeFile, requests.completeFileRequest(path, length, options), path);
  }

  addBlocks(path: string, blocks: number, options: AddBlocksOptions = {}): this {
    return this.#add(operations.addBlocks, requests.addBlocksRequest(path, blocks, options), path);
  }

  appendFile(path: string): this {
    return this.#add(operations.appendFile, { path }, path);
  }

  truncateFile(path: string, length: number): this {
    return this.#add(operations.truncateFile, { path, length }, path);
  }

  concat(path: string, sources: readonly string[]): this {
    return this.#add(operations.concat, { path, sources: [...sources] }, path);
  }

  createDirectory(path: string, options: CreateDirectoryOptions = {}): this {
    return this.#add(operations.createDirectory, requests.createDirectoryRequest(path, options, this.#client.settings.umask), path);
  }

  rename(from: string, to: string, options: RenameOptions = {}): this {
    return this.#add(operations.rename, requests.renameRequest(from, to, options), undefined);
  }

  remove(path: string, options: RemoveOptions = {}): this {
    return this.#add(operations.remove, requests.removeRequest(path, options), undefined);
  }

  setAttributes(path: string, attributes: Attributes): this {
    return this.#add(operations.setAttributes, requests.setAttributesRequest(path, attributes), path);
  }

  setQuota(path: string, quota: QuotaChange): this {
    return this.#add(operations.setQuota, requests.setQuotaRequest(path, quota), path);
  }

  setAcl(path: string, change: AclChange): this {
    return this.#add(operations.setAcl, requests.setAclRequest(path, change), path);
  }

  setXattr(path: string, name: string, value: Uint8Array | string, options: SetXattrOptions = {}): this {
    return this.#add(operations.setXattr, requests.setXattrRequest(path, name, value, options), path);
  }

  removeXattr(path: string, name: string): this {
    return this.#add(operations.removeXattr, { path, name }, path);
  }

  setCursor(name: string, options: SetCursorOptions = {}): this {
    return this.#add(operations.setCursor, requests.setCursorRequest(name, options), undefined);
  }

  removeCursor(name: string): this {
    return this.#add(operations.setCursor, { name, remove: true }, undefined);
  }

  /**
   * Resolves when all steps are committed, as one entry of the journal. May be called once more where it is refused.
   *
   * @throws what a step is refused with, its number in the message (`step=N`, from 0) and its path in `path`: nothing happened.
   * @throws `invalid_argument`: no steps, or too many. And as `Client.mutate`.
   */
  async commit(options: ClientCallOptions = {}): Promise<BatchOutcome> {
    const steps = this.#steps.map(({ method, request }) => ({ method, request }));
    const { sn, inodes } = await this.#client.mutate(operations.multi, { steps }, options);
    const statuses = this.#steps.map(({ path }, index) => {
      const inode = inodes[index];
      return path === undefined || !inode?.id ? undefined : fileStatus(path, inode);
    });
    for (const status of statuses) if (status !== undefined) this.#noted(status);
    return { sn, statuses };
  }

  #add<Shape>(
    { method, request: type }: { readonly method: number; readonly request: Encodable<Shape> },
    request: Shape,
    path: string | undefined,
  ): this {
    this.#steps.push({ method, request: encodeMessage(type, request), path });
    return this;
  }
}
