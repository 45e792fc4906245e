/**
 * Object stores in memory: several handles over one set of objects, with every failure that a network and a far server have.
 *
 * `intercept` decides each request's fate: it may be lost before it arrives, its answer may be lost after it took effect, it may take effect
 * only later (its caller is told nothing), or arrive a second time later. Time and chance come from the injected clock and random only.
 */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import { sleep, throwIfAborted } from '../base/wait.js';
import { type Created, LIST_PAGE_MAX, type ListPage, type ListRequest, type ObjectStore } from './object-store.js';

type ObjectOperation = 'create' | 'put' | 'get' | 'list' | 'delete';

export interface ObjectRequest {
  readonly operation: ObjectOperation;
  /** The prefix, of a listing. */
  readonly key: string;
  /** Of the handle that sent it. */
  readonly name: string;
}

/**
 * `lost`: it never arrives. `answer lost`: it takes effect, and nobody is told. `late`: nobody is told, and it takes effect when `arrive` is
 * called. `twice`: it takes effect and is answered; `arrive` delivers it again. `refused`, `full`, `busy`: as the code, nothing happens.
 */
export type ObjectFault =
  | { readonly kind: 'lost' | 'answer lost' | 'refused' | 'full' | 'busy' }
  | { readonly kind: 'late' | 'twice'; readonly arrive: (deliver: () => void) => void };

export interface MemoryObjectsOptions {
  readonly clock: Clock;
  /** Each request takes so long, half on the way and half back; a function is asked for each way. Default 0. */
  readonly latencyMs?: number | (() => number);
  /** Most keys in a page of a listing. Default `LIST_PAGE_MAX`. */
  readonly pageMax?: number;
  /** Whether `create` honours what stands there: without it the store is unfit for a journal. Default true. */
  readonly honoursConditions?: boolean;
  readonly isVersioned?: boolean;
}

/** The objects, which handles share. */
export class MemoryObjects {
  /** What stands now. */
  readonly objects = new Map<string, Buffer>();
  /** Called as each request is sent; a promise holds it up. For tests. */
  intercept: ((request: ObjectRequest) => ObjectFault | undefined | Promise<ObjectFault | undefined>) | undefined;
  /** Requests so far. */
  readonly requests: ObjectRequest[] = [];
  readonly #options: MemoryObjectsOptions;

  constructor(options: MemoryObjectsOptions) {
    this.#options = options;
  }

  /** A handle as one process has it. */
  open(name = ''): ObjectStore {
    return new MemoryObjectStore(this, this.#options, name);
  }
}

class MemoryObjectStore implements ObjectStore {
  readonly location = 'memory://';
  readonly #shared: MemoryObjects;
  readonly #options: MemoryObjectsOptions;
  readonly #name: string;
  readonly #closed = new AbortController();

  constructor(shared: MemoryObjects, options: MemoryObjectsOptions, name: string) {
    this.#shared = shared;
    this.#options = options;
    this.#name = name;
  }

  create(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<Created> {
    const copy = Buffer.from(bytes);
    return this.#perform('create', key, signal, () => {
      if (this.#shared.objects.has(key) && this.#options.honoursConditions !== false) {
        throw new UnderstudyError('already_exists', `an object is there: key=${key}`);
      }
      this.#shared.objects.set(key, copy);
      return { isVersioned: this.#options.isVersioned ?? false };
    });
  }

  put(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    const copy = Buffer.from(bytes);
    return this.#perform('put', key, signal, () => void this.#shared.objects.set(key, copy));
  }

  get(key: string, signal?: AbortSignal): Promise<Buffer | undefined> {
    return this.#perform('get', key, signal, () => {
      const bytes = this.#shared.objects.get(key);
      return bytes === undefined ? undefined : Buffer.from(bytes);
    });
  }

  list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    const { prefix, startAfter = '', limit = LIST_PAGE_MAX } = request;
    return this.#perform('list', prefix, signal, () => {
      const found = [...this.#shared.objects.keys()].filter((key) => key.startsWith(prefix) && key > startAfter).sort();
      const keys = found.slice(0, Math.min(limit, this.#options.pageMax ?? LIST_PAGE_MAX));
      return { keys, isTruncated: keys.length < found.length };
    });
  }

  delete(key: string, signal?: AbortSignal): Promise<void> {
    return this.#perform('delete', key, signal, () => void this.#shared.objects.delete(key));
  }

  async #perform<T>(operation: ObjectOperation, key: string, signal: AbortSignal | undefined, effect: () => T): Promise<T> {
    this.#check(signal);
    const request = { operation, key, name: this.#name };
    this.#shared.requests.push(request);
    const fault = await this.#shared.intercept?.(request);
    if (fault?.kind === 'refused') throw new UnderstudyError('permission_denied', `refused: key=${key}`);
    if (fault?.kind === 'full') throw new UnderstudyError('resource_exhausted', `the store is full: key=${key}`);
    if (fault?.kind === 'lost') throw this.#silence(operation, key);
    if (fault?.kind === 'late') {
      fault.arrive(() => ignoringErrors(effect));
      throw this.#silence(operation, key);
    }
    await this.#travel();
    if (fault?.kind === 'busy') throw this.#silence(operation, key);
    try {
      return effect();
    } finally {
      if (fault?.kind === 'twice') fault.arrive(() => ignoringErrors(effect));
      await this.#travel();
      this.#check(signal);
      // biome-ignore lint/correctness/noUnsafeFinally: the answer is lost, whatever it was
      if (fault?.kind === 'answer lost') throw this.#silence(operation, key);
    }
  }

  async #travel(): Promise<void> {
    const { clock, latencyMs = 0 } = this.#options;
    const ms = typeof latencyMs === 'number' ? latencyMs / 2 : latencyMs();
    if (ms > 0) await sleep(clock, ms);
  }

  #silence(operation: ObjectOperation, key: string): UnderstudyError {
    const changes = operation === 'create' || operation === 'put' || operation === 'delete';
    return new UnderstudyError(changes ? 'outcome_unknown' : 'unavailable', `the store did not answer: key=${key}`);
  }

  #check(signal: AbortSignal | undefined): void {
    throwIfAborted(signal);
    if (this.#closed.signal.aborted) throw new UnderstudyError('unavailable', 'the store is closed');
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function ignoringErrors(effect: () => unknown): void {
  try {
    effect();
  } catch {
    // Nobody is there to be told.
  }
}
