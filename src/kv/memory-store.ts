/**
 * The store in memory: the twin of LevelDB for tests and simulations, which can lose what LevelDB can lose.
 *
 * `MemoryStores` is the disk, which outlives the stores opened on it. A batch is first in flight, then written (every reader sees it, and
 * it outlives the process), and at last flushed (it outlives a power cut). `crash` keeps a prefix of what is not that far yet. A disk can
 * also fail, be an old copy of itself, and have lost what was written.
 */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import { deferred } from '../base/wait.js';
import type { KvOperation, KvRange, KvRows, KvSnapshot, KvStore, KvStores } from './kv-store.js';

export interface MemoryStoresOptions {
  readonly clock: Clock;
  /** Asked for each write: how long it takes. */
  writeMs(): number;
}

/** Chooses a whole number in [0, limit]. */
type Pick = (limit: number) => number;

/** Batches that a power cut can take: LevelDB syncs its tables as its write buffer fills. */
const UNFLUSHED_BATCHES_MAX = 16;

/** A disk as it was once. */
export type MemoryImage = { readonly rows: ReadonlyMap<string, Uint8Array> };

/** Rows by key, a key being a string of one character per byte: strings then compare as the bytes do. */
type Table = Map<string, Uint8Array>;

export class MemoryStores implements KvStores {
  /** Why nothing can be opened or written, while that is so. A store of which a write has failed stays failed. */
  trouble: UnderstudyError | undefined;
  readonly #options: MemoryStoresOptions | undefined;
  #flushed: Table = new Map();
  #unflushed: (readonly KvOperation[])[] = [];
  #written: Table = new Map();
  #shared = false;
  #open: MemoryStore | undefined;

  /** Without options a write is over at the next turn. */
  constructor(options?: MemoryStoresOptions) {
    this.#options = options;
  }

  async open(): Promise<KvStore> {
    if (this.trouble !== undefined) throw this.trouble;
    if (this.#open !== undefined) {
      throw new UnderstudyError('failed_precondition', 'another process has the metastore folder open: folder=(memory)');
    }
    this.#open = new MemoryStore(this, this.#options);
    return this.#open;
  }

  /** No process dies of what is in memory: nothing to count. */
  async proved(): Promise<void> {}

  async setAside(): Promise<void> {
    this.#mustBeClosed('set aside');
    if (this.trouble !== undefined) throw this.trouble;
    this.#becomes(new Map());
  }

  /** @returns the disk as it is now. */
  image(): MemoryImage {
    return { rows: new Map(this.#written) };
  }

  /** The disk is what it was once: its volume was restored. */
  restore(image: MemoryImage): void {
    this.#mustBeClosed('restore');
    this.#becomes(new Map(image.rows));
  }

  /** Loses one of the newest writes and none after it, as LevelDB does when its log is damaged. @returns whether there was one. */
  loseWrite(pick: Pick): boolean {
    this.#mustBeClosed('damage');
    if (this.#unflushed.length < 2) return false;
    const lost = pick(this.#unflushed.length - 2);
    this.#unflushed.splice(lost, 1);
    for (const operations of this.#unflushed) applyTo(this.#flushed, operations);
    this.#becomes(this.#flushed);
    return true;
  }

  /** Loses one row, and nothing says so. @returns whether there was one that begins with `letter`. */
  loseRow(letter: number, pick: Pick): boolean {
    this.#mustBeClosed('damage');
    const keys = [...this.#written.keys()].filter((key) => key.charCodeAt(0) === letter).sort();
    const lost = keys[pick(keys.length - 1)];
    if (lost === undefined) return false;
    const rows = new Map(this.#written);
    rows.delete(lost);
    this.#becomes(rows);
    return true;
  }

  #becomes(rows: Table): void {
    this.#flushed = rows;
    this.#unflushed = [];
    this.#written = new Map(rows);
    this.#shared = false;
  }

  #mustBeClosed(what: string): void {
    if (this.#open !== undefined) throw new UnderstudyError('failed_precondition', `cannot ${what} an open metastore: folder=(memory)`);
  }

  /**
   * The process that has the store open stops (`killed`), or its machine does (`power`). Writes in flight never settle; a prefix of them
   * is kept, and after a power cut only a prefix of what was not flushed. `pick` chooses how long a prefix.
   */
  crash(how: 'killed' | 'power', pick: Pick): void {
    const inFlight = this.#open?.abandon() ?? [];
    for (const operations of inFlight.slice(0, pick(inFlight.length))) this.landed(operations);
    this.#open = undefined;
    if (how === 'killed') return;
    for (const operations of this.#unflushed.slice(0, pick(this.#unflushed.length))) applyTo(this.#flushed, operations);
    this.#unflushed = [];
    this.#written = new Map(this.#flushed);
    this.#shared = false;
  }

  /** For the open store only. */
  read(key: string): Uint8Array | undefined {
    return this.#written.get(key);
  }

  /** For the open store only: the table as it is, which is copied before it changes. */
  share(): Table {
    this.#shared = true;
    return this.#written;
  }

  /** For the open store only. */
  landed(operations: readonly KvOperation[]): void {
    if (this.#shared) this.#written = new Map(this.#written);
    this.#shared = false;
    applyTo(this.#written, operations);
    this.#unflushed.push(operations);
    const oldest = this.#unflushed.length > UNFLUSHED_BATCHES_MAX ? this.#unflushed.shift() : undefined;
    if (oldest !== undefined) applyTo(this.#flushed, oldest);
  }

  /** For the open store only. */
  closed(): void {
    this.#open = undefined;
  }
}

class MemoryStore implements KvStore {
  readonly #disk: MemoryStores;
  readonly #options: MemoryStoresOptions | undefined;
  #inFlight: (readonly KvOperation[])[] = [];
  #writes: Promise<void> = Promise.resolve();
  #abandoned = false;
  #closing: Promise<void> | undefined;

  constructor(disk: MemoryStores, options: MemoryStoresOptions | undefined) {
    this.#disk = disk;
    this.#options = options;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#mustBeOpen();
    return this.#disk.read(keyText(key));
  }

  async write(operations: readonly KvOperation[] | AsyncIterable<readonly KvOperation[]>): Promise<void> {
    this.#mustBeOpen();
    const copied: KvOperation[] = [];
    if (!(Symbol.asyncIterator in operations)) copied.push(...operations.map(copyOf));
    else for await (const chunk of operations) copied.push(...chunk.map(copyOf));
    this.#mustBeOpen();
    this.#inFlight.push(copied);
    const written = this.#writes.then(async () => {
      await this.#latency();
      if (this.#abandoned) return new Promise<void>(() => {});
      if (this.#disk.trouble !== undefined) throw this.#disk.trouble;
      this.#inFlight.shift();
      this.#disk.landed(copied);
    });
    this.#writes = written;
    await written;
  }

  snapshot(): KvSnapshot {
    this.#mustBeOpen();
    return new MemorySnapshot(this.#disk.share());
  }

  close(): Promise<void> {
    const closed = () => this.#abandoned || this.#disk.closed();
    this.#closing ??= this.#writes.then(closed, closed).then(() => {});
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The process is gone. @returns the writes that were in flight, in order. */
  abandon(): readonly (readonly KvOperation[])[] {
    this.#abandoned = true;
    return this.#inFlight;
  }

  #latency(): Promise<void> {
    if (this.#options === undefined) return Promise.resolve();
    const over = deferred<void>();
    this.#options.clock.setTimer(this.#options.writeMs(), () => over.resolve());
    return over.promise;
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined || this.#abandoned) throw closedError();
  }
}

class MemorySnapshot implements KvSnapshot {
  readonly #table: Table;
  #keys: readonly string[] | undefined;
  #closed = false;

  constructor(table: Table) {
    this.#table = table;
  }

  async *rows(range: KvRange, chunkRows: number): AsyncIterable<KvRows> {
    const gte = keyText(range.gte);
    const lt = keyText(range.lt);
    this.#keys ??= [...this.#table.keys()].sort((a, b) => (a < b ? -1 : 1));
    const end = firstAtOrAbove(this.#keys, lt);
    let at = firstAtOrAbove(this.#keys, gte);
    do {
      await Promise.resolve();
      if (this.#closed) throw closedError();
      const chunk = this.#keys.slice(at, Math.min(at + chunkRows, end));
      if (chunk.length > 0) yield chunk.map((key) => [Buffer.from(key, 'latin1'), this.#table.get(key) ?? new Uint8Array()] as const);
      at += chunkRows;
    } while (at < end);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}

function applyTo(table: Table, operations: readonly KvOperation[]): void {
  for (const operation of operations) {
    if (operation.type === 'put') table.set(keyText(operation.key), operation.value);
    else table.delete(keyText(operation.key));
  }
}

function copyOf(operation: KvOperation): KvOperation {
  if (operation.type === 'del') return { type: 'del', key: new Uint8Array(operation.key) };
  return { type: 'put', key: new Uint8Array(operation.key), value: new Uint8Array(operation.value) };
}

function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

/** @returns the index of the first of the ordered `keys` that is not below `key`. */
function firstAtOrAbove(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function closedError(): UnderstudyError {
  return new UnderstudyError('cancelled', 'the metastore is closed: folder=(memory)');
}
