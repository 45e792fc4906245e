/**
 * The store in LevelDB, through `level` (classic-level).
 *
 * - Writes are handed to LevelDB one at a time: its thread pool may reorder two that overlap.
 * - A failed write ends writing for good: LevelDB itself would go on after a failed append to its log, and leave a gap.
 * - Keys and values go through the `buffer` encoding: with `view` the binding takes more than twice as long for a put.
 * - Nothing is synced: the journal has every row, and the owner's marker rows tell what of the newest writes is missing after a crash.
 */
import { rename, rm } from 'node:fs/promises';
import { Level } from 'level';
import { UnderstudyError } from '../base/errors.js';
import type { Metrics, Reading } from '../base/metrics.js';
import type { KvOperation, KvRange, KvRows, KvSnapshot, KvStore, KvStores } from './kv-store.js';
import { LevelDeaths } from './level-deaths.js';

export interface LevelSettings {
  /** Bytes gathered in memory before LevelDB writes a table; it holds up to two such buffers. */
  readonly writeBufferBytes: number;
  /** Bytes of table blocks kept in memory. */
  readonly cacheBytes: number;
}

/** `level` is classic-level here, and does not say so. */
type Db = Level<Uint8Array, Uint8Array> & { getProperty(name: string): string };

/** Bytes that one chunk of a range may have: LevelDB's own 16 KiB makes chunks of a hundred rows. */
const CHUNK_BYTES = 1024 * 1024;
/** That LevelDB has. */
const LEVELS = 7;

/** One LevelDB folder; the copy set aside stands beside it as `<folder>.aside`. */
export class LevelStores implements KvStores {
  readonly #folder: string;
  readonly #deaths: LevelDeaths;
  readonly #settings: LevelSettings;
  #open: LevelStore | undefined;

  constructor(folder: string, settings: LevelSettings) {
    this.#folder = folder;
    this.#deaths = new LevelDeaths(folder);
    this.#settings = settings;
  }

  async open(): Promise<KvStore> {
    const takeBack = await this.#deaths.opening();
    const db = new Level<Uint8Array, Uint8Array>(this.#folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      writeBufferSize: this.#settings.writeBufferBytes,
      cacheSize: this.#settings.cacheBytes,
    }) as Db;
    try {
      await db.open();
    } catch (error) {
      await takeBack();
      throw levelError(error, this.#folder);
    }
    this.#open = new LevelStore(db, this.#folder, () => this.proved());
    return this.#open;
  }

  /** Tells what LevelDB says of itself. */
  measure(metrics: Metrics): void {
    const ofOpen = (read: (store: LevelStore) => Reading) => () => (this.#open?.isOpen === true ? read(this.#open) : null);
    const levels = Array.from({ length: LEVELS }, (_, level) => level);
    metrics.gauge(
      'understudy_leveldb_files',
      'Table files of the store, by level.',
      ofOpen((store) => levels.map((level) => [{ level: String(level) }, store.property(`num-files-at-level${level}`)])),
    );
    metrics.gauge(
      'understudy_leveldb_memory_bytes',
      'Memory that LevelDB holds: buffers and cached blocks.',
      ofOpen((store) => store.property('approximate-memory-usage')),
    );
  }

  proved(): Promise<void> {
    return this.#deaths.none();
  }

  async setAside(): Promise<void> {
    if (this.#open !== undefined && !this.#open.closed) {
      throw new UnderstudyError('failed_precondition', `cannot set aside an open metastore: folder=${this.#folder}`);
    }
    const aside = `${this.#folder}.aside`;
    try {
      await rm(aside, { recursive: true, force: true });
      await rename(this.#folder, aside);
    } catch (error) {
      if (errno(error) === 'ENOENT') return;
      throw new UnderstudyError('unavailable', `cannot set the metastore aside: folder=${this.#folder} reason=${reason(error)}`, {
        cause: error,
      });
    }
  }
}

class LevelStore implements KvStore {
  readonly #db: Db;
  readonly #folder: string;
  readonly #closedInOrder: () => Promise<void>;
  #writes: Promise<void> = Promise.resolve();
  #failure: UnderstudyError | undefined;
  #closing: Promise<void> | undefined;

  /** @param closedInOrder told once. */
  constructor(db: Db, folder: string, closedInOrder: () => Promise<void>) {
    this.#db = db;
    this.#folder = folder;
    this.#closedInOrder = closedInOrder;
  }

  get closed(): boolean {
    return this.#db.status === 'closed';
  }

  get isOpen(): boolean {
    return this.#closing === undefined && this.#db.status === 'open';
  }

  /** @param name without `leveldb.`; of one that is a number. */
  property(name: string): number {
    return Number(this.#db.getProperty(`leveldb.${name}`));
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#mustBeOpen();
    try {
      return this.#db.getSync(key);
    } catch (error) {
      throw levelError(error, this.#folder);
    }
  }

  async write(operations: readonly KvOperation[] | AsyncIterable<readonly KvOperation[]>): Promise<void> {
    this.#mustBeOpen();
    const batch = this.#db.batch();
    try {
      if (!(Symbol.asyncIterator in operations)) putAll(batch, operations);
      else for await (const chunk of operations) putAll(batch, chunk);
      this.#mustBeOpen();
    } catch (error) {
      await batch.close();
      throw error;
    }
    const written = this.#writes.then(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        await batch.write();
      } catch (error) {
        this.#failure = levelError(error, this.#folder);
        throw this.#failure;
      }
    });
    this.#writes = written.catch(() => {});
    await written;
  }

  snapshot(): KvSnapshot {
    this.#mustBeOpen();
    return new LevelSnapshot(this.#db, this.#folder);
  }

  close(): Promise<void> {
    this.#closing ??= this.#writes.then(() => this.#db.close()).then(this.#closedInOrder);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw closedError(this.#folder);
  }
}

function putAll(batch: ReturnType<Db['batch']>, operations: readonly KvOperation[]): void {
  for (const operation of operations) {
    if (operation.type === 'put') batch.put(operation.key, operation.value);
    else batch.del(operation.key);
  }
}

class LevelSnapshot implements KvSnapshot {
  readonly #db: Db;
  readonly #folder: string;
  readonly #view: ReturnType<Db['snapshot']>;
  #closing: Promise<void> | undefined;

  constructor(db: Db, folder: string) {
    this.#db = db;
    this.#folder = folder;
    this.#view = db.snapshot();
  }

  async *rows(range: KvRange, chunkRows: number): AsyncIterable<KvRows> {
    if (this.#closing !== undefined) throw closedError(this.#folder);
    const iterator = this.#db.iterator({ gte: range.gte, lt: range.lt, snapshot: this.#view, highWaterMarkBytes: CHUNK_BYTES });
    // The next chunk is read while the caller is at this one: what goes wrong with it is thrown once it is asked for.
    const read = () => {
      const chunk = iterator.nextv(chunkRows);
      chunk.catch(() => undefined);
      return chunk;
    };
    let next = read();
    try {
      for (let isLast = false; !isLast; ) {
        const rows = await next;
        if (rows.length === 0) return;
        // A chunk that neither of the two bounds has cut is the last one: no need to ask.
        isLast = rows.length < chunkRows && bytesOf(rows) < CHUNK_BYTES / 2;
        if (!isLast) next = read();
        yield rows;
      }
    } catch (error) {
      throw levelError(error, this.#folder);
    } finally {
      await next.catch(() => {});
      await iterator.close();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#view.close();
    return this.#closing;
  }
}

function bytesOf(rows: KvRows): number {
  return rows.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
}

function closedError(folder: string): UnderstudyError {
  return new UnderstudyError('cancelled', `the metastore is closed: folder=${folder}`);
}

/** Classifies what `level` throws; an error that came with opening hides its reason in `cause`. */
function levelError(error: unknown, folder: string): UnderstudyError {
  if (error instanceof UnderstudyError) return error;
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = reason(inner);
  const details = { cause: error };
  const code = errno(inner);
  if (code === 'LEVEL_LOCKED') {
    return new UnderstudyError('failed_precondition', `another process has the metastore folder open: folder=${folder}`, details);
  }
  // A file that LevelDB's own manifest names and that is not there is damage, though LevelDB calls it an I/O error.
  if (code === 'LEVEL_CORRUPTION' || text.startsWith('Corruption') || /^IO error: .*No such file or directory/s.test(text)) {
    return new UnderstudyError('corrupt', `the metastore is damaged: folder=${folder} reason=${text}`, details);
  }
  if (code?.startsWith('LEVEL_') && code.endsWith('_NOT_OPEN')) return closedError(folder);
  return new UnderstudyError('unavailable', `the metastore's disk failed: folder=${folder} reason=${text}`, details);
}

function errno(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
