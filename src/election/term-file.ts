/**
 * One term of the embedded election: the file `<n>`, made exclusively, of two pages of 4 KiB, and the pointer that says where to begin.
 *
 *     term page 0, the holder's:     see term-store.ts
 *     term page 1, the successor's:  magic "USNX" | version u8 | 0 0 0 | nonce 16 of the next term's holder
 *     pointer, two pages of:         magic "USPT" | version u8 | 0 0 0 | term f64, written at page (term mod 2)
 *
 * Numbers are big-endian; the last four bytes of a page are the CRC-32 of those before. A page that is short, empty or damaged says nothing.
 * Where the file system may be shared, pages are read and written past the cache (O_DIRECT). Nothing is made durable: after a power cut a term
 * that is gone is simply taken again. Neither a directory listing, a size nor an absence is believed: only exclusive creation decides.
 */
import path from 'node:path';
import { errnoOf, type Files, type OpenFile, PAGE_BYTES, SHARED_FILE_BYTES_MIN } from '../base/files.js';
import { decodeHolder, encodeHolder, type HolderPage, isSound, sealPage, type Term } from './term-store.js';

/** The folder of terms and how its files are opened. */
export interface TermFolder {
  readonly files: Files;
  readonly folder: string;
  /** Whether another machine may write there. */
  readonly direct: boolean;
}

export class TermFile implements Term {
  readonly term: number;
  readonly #file: OpenFile;

  private constructor(term: number, file: OpenFile) {
    this.term = term;
    this.#file = file;
  }

  /** @returns undefined where it is not found, which proves nothing. */
  static async open(where: TermFolder, term: number): Promise<TermFile | undefined> {
    try {
      return new TermFile(term, await where.files.open(path.join(where.folder, String(term)), { write: true, direct: where.direct }));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Takes the term. @returns undefined where another has. */
  static async take(where: TermFolder, term: number): Promise<TermFile | undefined> {
    try {
      const options = { write: true, create: 'exclusive', direct: where.direct } as const;
      const file = await where.files.open(path.join(where.folder, String(term)), options);
      if (where.direct) await file.truncate(SHARED_FILE_BYTES_MIN);
      return new TermFile(term, file);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return undefined;
      throw error;
    }
  }

  async readHolder(): Promise<{ readonly bytes: Buffer; readonly page: HolderPage | undefined }> {
    const bytes = await readPage(this.#file, 0);
    return { bytes, page: decodeHolder(bytes) };
  }

  async writeHolder(page: HolderPage): Promise<void> {
    await writePage(this.#file, 0, (bytes) => encodeHolder(bytes, page));
  }

  async hasSuccessor(): Promise<boolean> {
    return (await this.readSuccessor()) !== undefined;
  }

  /** @returns the nonce of whoever took the next term; undefined where none has said so. */
  async readSuccessor(): Promise<Buffer | undefined> {
    const bytes = await readPage(this.#file, 1);
    return isSound(bytes, 'USNX') ? bytes.subarray(8, 24) : undefined;
  }

  async writeSuccessor(nonce: Buffer): Promise<void> {
    await writePage(this.#file, 1, (page) => sealPage(page, 'USNX', (bytes) => nonce.copy(bytes, 8)));
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Removes a term's file, if it is there. */
export function removeTerm(where: TermFolder, term: number): Promise<void> {
  return where.files.removeFile(path.join(where.folder, String(term)));
}

/** @returns a term to begin from, not later than the newest; 0 where there has been none. */
export async function readPointer(where: TermFolder): Promise<number> {
  await using file = await openPointer(where);
  let term = 0;
  for (const index of [0, 1]) {
    const bytes = await readPage(file, index);
    const value = isSound(bytes, 'USPT') ? bytes.readDoubleBE(8) : 0;
    if (Number.isSafeInteger(value) && value > term) term = value;
  }
  return term;
}

export async function writePointer(where: TermFolder, term: number): Promise<void> {
  await using file = await openPointer(where);
  await writePage(file, term % 2, (page) => sealPage(page, 'USPT', (bytes) => bytes.writeDoubleBE(term, 8)));
}

function openPointer(where: TermFolder): Promise<OpenFile> {
  return where.files.open(path.join(where.folder, 'pointer'), { write: true, create: 'always', direct: where.direct });
}

async function readPage(file: OpenFile, index: number): Promise<Buffer> {
  const page = file.buffers.take(PAGE_BYTES);
  try {
    const count = await file.readSome(page, index * PAGE_BYTES);
    const copy = Buffer.alloc(PAGE_BYTES);
    page.copy(copy, 0, 0, count);
    return copy;
  } finally {
    file.buffers.give(page);
  }
}

async function writePage(file: OpenFile, index: number, fill: (page: Buffer) => void): Promise<void> {
  const page = file.buffers.take(PAGE_BYTES).fill(0);
  try {
    fill(page);
    await file.writeAll(page, index * PAGE_BYTES);
  } finally {
    file.buffers.give(page);
  }
}
