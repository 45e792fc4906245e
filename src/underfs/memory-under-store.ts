/**
 * Mounted storage in memory, for simulations and tests: several handles over one tree, with lost requests and lost answers. It behaves as a
 * folder does, and lists in order. `synthesise` adds folders of millions of files that take no memory.
 */
import { UnderstudyError } from '../base/errors.js';
import { throwIfAborted } from '../base/wait.js';
import { checkBelowRoot, checkMove, checkUnderPath, compareNames, folderOf, isHiddenPath, joinUnder } from './under-path.js';
import {
  UNDER_PAGE_MAX,
  type UnderAttributes,
  type UnderEntry,
  type UnderListOptions,
  type UnderRange,
  type UnderStore,
  type UnderTraits,
  type UnderWriteOptions,
} from './under-store.js';
import { wholeOf } from './whole-stream.js';

export interface MemoryUnderRequest {
  readonly operation: 'list' | 'stat' | 'open' | 'create' | 'write' | 'makeDirectory' | 'rename' | 'delete' | 'setAttributes';
  readonly path: string;
  /** Of the handle that sent it. */
  readonly handle: string;
}

/** `lost`: it never arrives. `answer lost`: it takes effect, and nobody is told. */
export type MemoryUnderFault = 'lost' | 'answer lost';

interface MemoryNode extends UnderAttributes {
  /** Undefined for a folder. */
  readonly bytes?: Uint8Array;
  readonly modifiedMs: number;
  readonly version: number;
}

/** The files of a folder, which has nothing else, from a function: they can be listed and looked at, no more. */
export interface SyntheticFiles {
  readonly count: number;
  /** In byte order. */
  name(index: number): string;
  /** Default 0. */
  length?(index: number): number;
}

/** The tree, which handles share. */
export class MemoryUnderFiles {
  readonly nodes = new Map<string, MemoryNode>([['', { modifiedMs: 0, version: 0 }]]);
  readonly synthetic = new Map<string, SyntheticFiles>();
  /** Called as each request arrives; a promise holds it up. */
  intercept: ((request: MemoryUnderRequest) => MemoryUnderFault | undefined | Promise<MemoryUnderFault | undefined>) | undefined;
  /** Changes that took effect, in order. */
  readonly changes: MemoryUnderRequest[] = [];
  #version = 0;

  /** A handle as one process has it. */
  open(name = ''): UnderStore {
    return new MemoryUnderStore(this, name);
  }

  /** Makes the folder `path` with these files. */
  synthesise(path: string, files: SyntheticFiles): void {
    this.makeFolders(path);
    this.synthetic.set(path, files);
  }

  put(path: string, node: { readonly bytes?: Uint8Array } & UnderAttributes): MemoryNode {
    this.#version++;
    const stamped = { ...node, modifiedMs: this.#version, version: this.#version };
    this.nodes.set(path, stamped);
    return stamped;
  }

  makeFolders(path: string): void {
    const there = this.nodes.get(path);
    if (there?.bytes !== undefined) throw new UnderstudyError('already_exists', `a file is there: path=${path}`);
    if (there !== undefined) return;
    this.makeFolders(folderOf(path));
    this.put(path, {});
  }

  /** What is below the folder, by its path from there; a folder's with a slash at the end. In byte order. */
  *below(folder: string, recursive: boolean): Iterable<UnderEntry> {
    const start = folder === '' ? '' : `${folder}/`;
    const names = [...this.nodes.keys()].filter((path) => path !== '' && path.startsWith(start)).map((path) => path.slice(start.length));
    const ordered = names.map((name) => (this.nodes.get(start + name)?.bytes === undefined ? `${name}/` : name)).sort(compareNames);
    if (!recursive) yield* this.#filesOf(folder, '');
    for (const name of ordered.filter((name) => recursive || !/\/./.test(name))) {
      const plain = name.replace(/\/$/, '');
      yield entryOf(plain, this.nodes.get(start + plain) as MemoryNode);
      if (recursive) yield* this.#filesOf(joinUnder(folder, plain), name);
    }
    if (recursive) yield* this.#filesOf(folder, '');
  }

  *#filesOf(folder: string, prefix: string): Iterable<UnderEntry> {
    const files = this.synthetic.get(folder);
    for (let at = 0; at < (files?.count ?? 0); at++) if (files !== undefined) yield syntheticEntry(prefix + files.name(at), files, at);
  }

  syntheticAt(path: string): UnderEntry | undefined {
    const files = this.synthetic.get(folderOf(path));
    const name = path.slice(path.lastIndexOf('/') + 1);
    for (let low = 0, high = (files?.count ?? 0) - 1; files !== undefined && low <= high; ) {
      const middle = (low + high) >>> 1;
      const order = compareNames(files.name(middle), name);
      if (order === 0) return syntheticEntry(path, files, middle);
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }
}

class MemoryUnderStore implements UnderStore {
  readonly location = 'memory:///';
  readonly traits: UnderTraits = {
    scheme: 'memory',
    hasDirectories: true,
    renamesAtomically: true,
    hasAttributes: true,
    listsInOrder: true,
  };
  readonly #shared: MemoryUnderFiles;
  readonly #name: string;
  readonly #closed = new AbortController();

  constructor(shared: MemoryUnderFiles, name: string) {
    this.#shared = shared;
    this.#name = name;
  }

  async *list(path: string, { recursive = false, startAfter = '', signal }: UnderListOptions = {}): AsyncIterable<readonly UnderEntry[]> {
    checkUnderPath(path);
    const entries = await this.#perform('list', path, signal, () => {
      if (this.#at(path) === undefined) throw new UnderstudyError('not_found', `no such folder: path=${path}`);
      if (!this.#isFolder(path)) throw new UnderstudyError('failed_precondition', `not a folder: path=${path}`);
      return this.#shared.below(path, recursive);
    });
    let page: UnderEntry[] = [];
    for (const entry of entries) {
      if (isHiddenPath(entry.name) || compareNames(entry.isDirectory ? `${entry.name}/` : entry.name, startAfter) <= 0) continue;
      if (page.push(entry) < UNDER_PAGE_MAX) continue;
      yield page;
      page = [];
      await this.#perform('list', path, signal, () => undefined);
    }
    if (page.length > 0) yield page;
  }

  stat(path: string, signal?: AbortSignal): Promise<UnderEntry | undefined> {
    return this.#perform('stat', path, signal, () => {
      checkUnderPath(path);
      return this.#at(path);
    });
  }

  async *open(path: string, { offset = 0, length = Number.POSITIVE_INFINITY, signal }: UnderRange = {}): AsyncIterable<Uint8Array> {
    const bytes = await this.#perform('open', path, signal, () => {
      checkUnderPath(path);
      const node = this.#shared.nodes.get(path);
      if (node === undefined) throw new UnderstudyError('not_found', `no such file: path=${path}`);
      if (node.bytes === undefined) throw new UnderstudyError('failed_precondition', `not a file: path=${path}`);
      return node.bytes.slice(offset, offset + length);
    });
    if (bytes.length > 0) yield bytes;
  }

  create(path: string, bytes: Uint8Array, signal?: AbortSignal): Promise<UnderEntry> {
    return this.#put('create', path, Uint8Array.from(bytes), signal);
  }

  async write(path: string, chunks: AsyncIterable<Uint8Array>, { length, signal }: UnderWriteOptions): Promise<UnderEntry> {
    checkBelowRoot(path);
    const copies: Uint8Array[] = [];
    for await (const chunk of wholeOf(chunks, path, length, signal)) copies.push(Uint8Array.from(chunk));
    return await this.#put('write', path, Buffer.concat(copies), signal);
  }

  #put(operation: 'create' | 'write', path: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<UnderEntry> {
    return this.#perform(operation, path, signal, () => {
      checkBelowRoot(path);
      this.#shared.makeFolders(folderOf(path));
      if (this.#isFolder(path)) throw new UnderstudyError('already_exists', `a folder is there: path=${path}`);
      return entryOf(path, this.#shared.put(path, { bytes, mode: 0o644 }));
    });
  }

  makeDirectory(path: string, signal?: AbortSignal): Promise<void> {
    return this.#perform('makeDirectory', path, signal, () => {
      checkUnderPath(path);
      this.#shared.makeFolders(path);
    });
  }

  rename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    return this.#perform('rename', from, signal, () => {
      checkMove(from, to);
      const { nodes } = this.#shared;
      const source = nodes.get(from);
      if (source === undefined && nodes.has(to)) return;
      if (source === undefined) throw new UnderstudyError('not_found', `nothing to rename: path=${from}`);
      if (from === to) return;
      this.#shared.makeFolders(folderOf(to));
      const target = nodes.get(to);
      const isMismatch = target !== undefined && (target.bytes === undefined) !== (source.bytes === undefined);
      if (isMismatch || !this.#isEmpty(to)) throw new UnderstudyError('failed_precondition', `the target cannot be replaced: path=${to}`);
      for (const path of [...nodes.keys()].filter((path) => path === from || path.startsWith(`${from}/`))) {
        nodes.set(to + path.slice(from.length), nodes.get(path) as MemoryNode);
        nodes.delete(path);
      }
    });
  }

  delete(path: string, { recursive = false, signal }: { recursive?: boolean; signal?: AbortSignal } = {}): Promise<void> {
    return this.#perform('delete', path, signal, () => {
      checkBelowRoot(path);
      const { nodes, synthetic } = this.#shared;
      if (!recursive && !this.#isEmpty(path)) throw new UnderstudyError('failed_precondition', `the folder is not empty: path=${path}`);
      const isGone = (other: string) => other === path || other.startsWith(`${path}/`);
      for (const other of [...nodes.keys()].filter(isGone)) nodes.delete(other);
      for (const other of [...synthetic.keys()].filter(isGone)) synthetic.delete(other);
    });
  }

  setAttributes(path: string, attributes: UnderAttributes, signal?: AbortSignal): Promise<void> {
    return this.#perform('setAttributes', path, signal, () => {
      checkUnderPath(path);
      const node = this.#shared.nodes.get(path);
      if (node === undefined) throw new UnderstudyError('not_found', `no such file: path=${path}`);
      this.#shared.nodes.set(path, { ...node, ...attributes });
    });
  }

  #at(path: string): UnderEntry | undefined {
    const node = this.#shared.nodes.get(path);
    return node === undefined ? this.#shared.syntheticAt(path) : entryOf(path, node);
  }

  #isFolder(path: string): boolean {
    return this.#at(path)?.isDirectory === true;
  }

  #isEmpty(path: string): boolean {
    if (this.#shared.synthetic.has(path)) return false;
    return ![...this.#shared.nodes.keys()].some((other) => other.startsWith(`${path}/`));
  }

  async #perform<T>(
    operation: MemoryUnderRequest['operation'],
    path: string,
    signal: AbortSignal | undefined,
    effect: () => T,
  ): Promise<T> {
    throwIfAborted(signal);
    const request = { operation, path, handle: this.#name };
    const fault = await this.#shared.intercept?.(request);
    throwIfAborted(signal);
    const isLook = operation === 'list' || operation === 'stat' || operation === 'open';
    if (this.#closed.signal.aborted) throw new UnderstudyError('unavailable', 'the store is closed');
    const silence = new UnderstudyError(isLook ? 'unavailable' : 'outcome_unknown', `the store did not answer: path=${path}`);
    if (fault === 'lost') throw silence;
    const result = effect();
    if (!isLook) this.#shared.changes.push(request);
    if (fault === 'answer lost') throw silence;
    return result;
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function entryOf(name: string, { bytes, modifiedMs, version, ...attributes }: MemoryNode): UnderEntry {
  const fingerprint = bytes === undefined ? '' : String(version);
  return { name, isDirectory: bytes === undefined, length: bytes?.length ?? 0, modifiedMs, fingerprint, ...attributes };
}

function syntheticEntry(name: string, files: SyntheticFiles, index: number): UnderEntry {
  return { name, isDirectory: false, length: files.length?.(index) ?? 0, modifiedMs: 1, fingerprint: String(index) };
}
