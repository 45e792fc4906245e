/**
 * Terms of the embedded election on an object store: term n is the object `election/<n>`, created only where none is, and then overwritten by
 * its holder alone. That term n has a successor is that object n + 1 is there.
 *
 * A PUT of a holder that lands late can show an older page: a sign of life that is none, or a resignation that is lost. Both cost a time-out.
 */
import { isError } from '../base/errors.js';
import { decodeHolder, encodeHolder, type HolderPage, TERM_PAGE_BYTES, type Term, type Terms } from './term-store.js';

/** What is needed of an object store. */
export interface TermObjects {
  readonly location: string;
  create(key: string, bytes: Uint8Array): Promise<unknown>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  get(key: string): Promise<Buffer | undefined>;
  /** @returns the first keys with that prefix, behind another, in order. */
  list(request: {
    readonly prefix: string;
    readonly startAfter?: string;
  }): Promise<{ readonly keys: readonly string[]; readonly isTruncated: boolean }>;
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}

const PREFIX = 'election/';
const DIGITS = 20;
const keyOf = (term: number): string => PREFIX + String(term).padStart(DIGITS, '0');

export class ObjectTerms implements Terms {
  readonly location: string;
  readonly #objects: TermObjects;

  /** @param objects closed with this. */
  constructor(objects: TermObjects) {
    this.#objects = objects;
    this.location = objects.location + PREFIX;
  }

  async prepare(): Promise<void> {}

  async newest(): Promise<number> {
    return this.#newestBehind(0);
  }

  /** @returns the newest term behind `term`, or `term` itself. Old ones are removed, so there are not many. */
  async #newestBehind(term: number): Promise<number> {
    for (let newest = term; ; ) {
      const { keys, isTruncated } = await this.#objects.list({ prefix: PREFIX, startAfter: keyOf(newest) });
      const last = keys.at(-1);
      if (last !== undefined) newest = Number(last.slice(PREFIX.length));
      if (!isTruncated) return newest;
    }
  }

  async find(term: number): Promise<Term | undefined> {
    return (await this.#objects.get(keyOf(term))) === undefined ? undefined : new ObjectTerm(this.#objects, term);
  }

  async take(term: number, page: HolderPage): Promise<Term | 'taken' | 'passed'> {
    try {
      await this.#objects.create(keyOf(term), pageOf(page));
    } catch (error) {
      if (isError(error, 'already_exists')) return 'taken';
      throw error;
    }
    if ((await this.#newestBehind(term)) === term) return new ObjectTerm(this.#objects, term);
    await this.remove(term);
    return 'passed';
  }

  remove(term: number): Promise<void> {
    return this.#objects.delete(keyOf(term));
  }

  close(): Promise<void> {
    return this.#objects.close();
  }
}

class ObjectTerm implements Term {
  readonly term: number;
  readonly #objects: TermObjects;

  constructor(objects: TermObjects, term: number) {
    this.#objects = objects;
    this.term = term;
  }

  async readHolder(): Promise<{ readonly bytes: Buffer; readonly page: HolderPage | undefined }> {
    const bytes = (await this.#objects.get(keyOf(this.term))) ?? Buffer.alloc(0);
    return { bytes, page: decodeHolder(bytes) };
  }

  writeHolder(page: HolderPage): Promise<void> {
    return this.#objects.put(keyOf(this.term), pageOf(page));
  }

  async hasSuccessor(): Promise<boolean> {
    return (await this.#objects.get(keyOf(this.term + 1))) !== undefined;
  }

  async close(): Promise<void> {}
}

function pageOf(page: HolderPage): Buffer {
  const bytes = Buffer.alloc(TERM_PAGE_BYTES);
  encodeHolder(bytes, page);
  return bytes;
}
