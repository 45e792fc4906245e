/** An open directory, as `opendir` of `node:fs` gives it: its entries one by one. */
import type { FileStatus } from './file-status.js';
import type { NodeDirent } from './node-stats.js';

export class NodeDir implements AsyncDisposable, AsyncIterable<NodeDirent> {
  /** As it was opened. */
  readonly path: string;
  readonly #entries: AsyncGenerator<FileStatus, void, undefined>;
  readonly #direntOf: (status: FileStatus) => NodeDirent;
  #next: Promise<IteratorResult<FileStatus, void>> | undefined;
  #closed = false;

  /** Resolves once the directory is known to be one that may be listed. @throws as listing it. */
  static async open(
    path: string,
    entries: AsyncGenerator<FileStatus, void, undefined>,
    direntOf: (status: FileStatus) => NodeDirent,
  ): Promise<NodeDir> {
    const dir = new NodeDir(path, entries, direntOf);
    dir.#next = entries.next();
    await dir.#next;
    return dir;
  }

  private constructor(path: string, entries: AsyncGenerator<FileStatus, void, undefined>, direntOf: (status: FileStatus) => NodeDirent) {
    this.path = path;
    this.#entries = entries;
    this.#direntOf = direntOf;
  }

  /** @returns the next entry; null at the end. */
  async read(): Promise<NodeDirent | null> {
    if (this.#closed) throw closed();
    const next = this.#next ?? this.#entries.next();
    this.#next = undefined;
    const { done, value } = await next;
    return done === true || value === undefined ? null : this.#direntOf(value);
  }

  async close(): Promise<void> {
    if (this.#closed) throw closed();
    this.#closed = true;
    await this.#entries.return();
  }

  /** Closes the directory at its end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<NodeDirent, undefined, undefined> {
    try {
      for (let entry = await this.read(); entry !== null; entry = await this.read()) yield entry;
    } finally {
      await this[Symbol.asyncDispose]();
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) await this.close();
  }
}

function closed(): Error {
  return Object.assign(new Error('Directory handle was closed'), { code: 'ERR_DIR_CLOSED' });
}
