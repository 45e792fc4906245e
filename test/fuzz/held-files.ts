/**
 * Files in memory, for journals of which every bit is flipped: sparse, cloned at no cost, and never written to where a page is shared.
 *
 * What is written is durable, and nobody else looks: these stand for the storage of one machine that is at rest.
 */
import {
  cameShort,
  type FileSize,
  Files,
  fileFailure,
  OpenFile,
  type OpenOptions,
  PAGE_BYTES,
  type PageBuffers,
} from '../../src/base/files.js';

const BUFFERS: PageBuffers = { take: (bytes) => Buffer.allocUnsafe(bytes), give: () => undefined };

interface Held {
  bytes: number;
  /** Those that are not all zeros; never changed in place. */
  readonly pages: Map<number, Buffer>;
}

export class HeldFiles extends Files {
  readonly buffers = BUFFERS;
  readonly #files: Map<string, Held>;

  constructor(files: Map<string, Held> = new Map()) {
    super();
    this.#files = files;
  }

  /** @returns files of their own with the same contents. */
  clone(): HeldFiles {
    return new HeldFiles(new Map([...this.#files].map(([name, { bytes, pages }]) => [name, { bytes, pages: new Map(pages) }])));
  }

  /** All that holds anything, in pages of the files: what else a file has is zeros. */
  *pages(): Generator<{ readonly file: string; readonly offset: number; readonly bytes: Buffer }> {
    for (const [file, { pages }] of this.#files) {
      for (const [page, bytes] of [...pages].sort(([a], [b]) => a - b)) yield { file, offset: page * PAGE_BYTES, bytes };
    }
  }

  /** Flips one bit, while `during` runs. */
  async flipped<T>(file: string, byte: number, bit: number, during: () => Promise<T>): Promise<T> {
    const pages = this.#files.get(file)?.pages ?? new Map<number, Buffer>();
    const at = Math.floor(byte / PAGE_BYTES);
    const sound = pages.get(at);
    const page = Buffer.from(sound ?? Buffer.alloc(PAGE_BYTES));
    page[byte % PAGE_BYTES] = (page[byte % PAGE_BYTES] ?? 0) ^ (1 << bit);
    pages.set(at, page);
    try {
      return await during();
    } finally {
      if (sound === undefined) pages.delete(at);
      else pages.set(at, sound);
    }
  }

  async open(filePath: string, { create }: OpenOptions = {}): Promise<OpenFile> {
    const found = this.#files.get(filePath);
    if (found !== undefined && create === 'exclusive') throw failure('open', filePath, 'EEXIST');
    if (found !== undefined && create !== 'truncate') return new HeldFile(filePath, found);
    // A folder is opened to be synced.
    if (create === undefined && !this.#isFolder(filePath)) throw failure('open', filePath, 'ENOENT');
    const made: Held = { bytes: 0, pages: new Map() };
    if (create !== undefined) this.#files.set(filePath, made);
    return new HeldFile(filePath, made);
  }

  async makeFolder(folder: string): Promise<void> {
    if (this.#isFolder(folder)) throw failure('mkdir', folder, 'EEXIST');
    this.#files.set(`${folder}/`, { bytes: 0, pages: new Map() });
  }

  async listFolder(folder: string): Promise<string[]> {
    const below = [...this.#files.keys()].filter((name) => name.startsWith(`${folder}/`));
    return [...new Set(below.map((name) => name.slice(folder.length + 1).split('/')[0] ?? ''))].filter((name) => name !== '');
  }

  async fileSize(filePath: string): Promise<FileSize> {
    const held = this.#files.get(filePath);
    if (held === undefined) throw failure('stat', filePath, 'ENOENT');
    return { bytes: held.bytes, storedBytes: held.pages.size * PAGE_BYTES, modifiedMs: 0 };
  }

  async exists(filePath: string): Promise<boolean> {
    return this.#files.has(filePath) || this.#isFolder(filePath);
  }

  async removeFile(filePath: string): Promise<void> {
    this.#files.delete(filePath);
  }

  isLocalFolder(folder: string): Promise<boolean> {
    return this.#isFolder(folder) ? Promise.resolve(true) : Promise.reject(failure('statfs', folder, 'ENOENT'));
  }

  freeBytes(): Promise<number> {
    return Promise.resolve(2 ** 40);
  }

  #isFolder(folder: string): boolean {
    return folder === '/' || [...this.#files.keys()].some((name) => name.startsWith(`${folder}/`));
  }
}

class HeldFile extends OpenFile {
  readonly path: string;
  readonly buffers = BUFFERS;
  readonly #held: Held;

  constructor(filePath: string, held: Held) {
    super();
    this.path = filePath;
    this.#held = held;
  }

  async readSome(buffer: Uint8Array, position: number): Promise<number> {
    const count = Math.max(0, Math.min(buffer.length, this.#held.bytes - position));
    for (let at = 0; at < count; ) {
      const inPage = (position + at) % PAGE_BYTES;
      const bytes = Math.min(count - at, PAGE_BYTES - inPage);
      const page = this.#held.pages.get(Math.floor((position + at) / PAGE_BYTES));
      if (page === undefined) buffer.fill(0, at, at + bytes);
      else buffer.set(page.subarray(inPage, inPage + bytes), at);
      at += bytes;
    }
    return count;
  }

  readExactlySync(buffer: Uint8Array, position: number): void {
    if (position + buffer.length > this.#held.bytes) throw cameShort(this.path, this.#held.bytes);
    void this.readSome(buffer, position);
  }

  protected async writeSome(buffer: Uint8Array, position: number): Promise<number> {
    for (let at = 0; at < buffer.length; ) {
      const inPage = (position + at) % PAGE_BYTES;
      const part = buffer.subarray(at, at + PAGE_BYTES - inPage);
      const index = Math.floor((position + at) / PAGE_BYTES);
      const page = Buffer.from(this.#held.pages.get(index) ?? Buffer.alloc(PAGE_BYTES));
      page.set(part, inPage);
      this.#held.pages.set(index, page);
      at += part.length;
    }
    this.#held.bytes = Math.max(this.#held.bytes, position + buffer.length);
    return buffer.length;
  }

  async dataSync(): Promise<void> {}

  async sync(): Promise<void> {}

  async truncate(bytes: number): Promise<void> {
    for (const page of this.#held.pages.keys()) if (page * PAGE_BYTES >= bytes) this.#held.pages.delete(page);
    this.#held.bytes = bytes;
  }

  async isStillAtPath(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {}
}

function failure(operation: string, filePath: string, errno: string) {
  return fileFailure(operation, filePath, Object.assign(new Error(errno), { code: errno }));
}
