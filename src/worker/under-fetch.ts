/**
 * Reads blocks of files that stand in mounted storage: to the reader at once, and into this worker's store, as the read type says.
 *
 * - CACHE, CACHE_PROMOTE: the whole block is fetched, once for all who read it meanwhile (`shared-fetch.ts`), and may be evicted from the start. Who
 *   reads far ahead of it reads past it. What there is no room for, or no disk, passes through.
 * - NO_CACHE: what was asked for passes through.
 * - The file is looked at before its bytes are read and before the last of them are given: contents of two versions are never one answer.
 *   One that is not as the masters know it is refused, or read as it is now and never kept, as the settings say.
 *
 * Bounded: so many reads of mounted storage at once, each with a few pieces.
 */
import { setMaxListeners } from 'node:events';
import type { understudy } from '#proto/understudy.js';
import { isError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { type Counter, type Metrics, noMetrics } from '../base/metrics.js';
import { orAborted } from '../base/wait.js';
import { type BlockId, blockName } from '../blocks/block-id.js';
import { type BlockStore, type BlockWriter, CHUNK_BYTES, type Piece } from '../blocks/block-store.js';
import type { UnderEntry, UnderStore } from '../underfs/under-store.js';
import { cutPiece, PIECE_BYTES, piecesOf } from './block-pieces.js';
import type { WantedBlock } from './data-service.js';
import { FetchTurns } from './fetch-turns.js';
import { NotKept, SharedFetch } from './shared-fetch.js';
import type { UnderMounts } from './under-mounts.js';

export interface UnderFetchSettings {
  /** Reads of mounted storage at once. */
  readonly readsMax: number;
  /** What becomes of a read of a file that is not as the masters know it. */
  readonly changedFile: 'refuse' | 'read';
}

export interface UnderFetchDeps {
  readonly store: BlockStore;
  readonly mounts: Pick<UnderMounts, 'store' | 'isBehind'>;
  readonly log: Log;
  readonly metrics?: Metrics;
}

/** A reader who is so far ahead of what has come does not wait for it. */
const AHEAD_MAX = 16 * PIECE_BYTES;

interface Place {
  readonly mountId: number;
  readonly path: string;
  /** Of the block, in the file. */
  readonly offset: number;
  readonly length: number;
  readonly fingerprint: string;
  /** 0: any. */
  readonly fileLength: number;
  readonly modifiedMs: number;
}

export class UnderFetch {
  readonly #settings: UnderFetchSettings;
  readonly #deps: UnderFetchDeps;
  readonly #turns: FetchTurns;
  readonly #fetches = new Map<string, SharedFetch>();
  readonly #life = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #bytesRead: Counter;

  constructor(settings: UnderFetchSettings, deps: UnderFetchDeps) {
    const { metrics = noMetrics } = deps;
    // Each read under way listens to it.
    setMaxListeners(0, this.#life.signal);
    this.#settings = settings;
    this.#deps = deps;
    this.#turns = new FetchTurns(settings.readsMax);
    this.#bytesRead = metrics.counter('understudy_worker_under_read_bytes_total', 'Bytes that were read from mounted storage.');
    metrics.gauge('understudy_worker_under_reads', 'Reads of mounted storage that are under way.', () => this.#turns.taken);
    metrics.gauge('understudy_worker_under_reads_waiting', 'Reads that wait for their turn at mounted storage.', () => this.#turns.waiting);
  }

  /**
   * @throws `failed_precondition`: the file has changed in mounted storage; `not_found`: it is not mounted; `unavailable`; `resource_exhausted`: too many
   *   wait; as `signal` was aborted.
   */
  async *fetch({ block, under, offset, length, readType }: WantedBlock, signal: AbortSignal): AsyncGenerator<Piece, void, undefined> {
    const place = placeOf(under);
    const from = Math.floor(offset / CHUNK_BYTES) * CHUNK_BYTES;
    const to = Math.min(place.length, Math.ceil((offset + length) / CHUNK_BYTES) * CHUNK_BYTES);
    if (from >= to) return;
    if (readType === 'NO_CACHE') return yield* this.#through(place, from, to, signal);
    yield* this.#follow(block, place, from, to, signal);
  }

  /** Gives up what is under way. Idempotent. */
  async close(): Promise<void> {
    this.#life.abort(new UnderstudyError('unavailable', 'this worker is stopping'));
    await Promise.all(this.#running);
  }

  /** As the block comes, then from the store. */
  async *#follow(id: BlockId, place: Place, from: number, to: number, signal: AbortSignal): AsyncGenerator<Piece, void, undefined> {
    const fetch = this.#fetches.get(blockName(id)) ?? this.#begin(id, place);
    let at = from;
    while (at < to) {
      const { state } = fetch;
      const piece = fetch.pieceAt(at);
      if (piece !== undefined) {
        const cut = cutPiece(piece, at, to);
        yield cut;
        at += cut.bytes.length;
      } else if (state.name === 'kept') {
        return yield* this.#stored(id, place, at, to, signal);
      } else if (state.name === 'failed') {
        throw state.error;
      } else if (state.name === 'not kept' || at - fetch.fetched > AHEAD_MAX) {
        return yield* this.#through(place, at, to, signal);
      } else {
        await orAborted(fetch.changed(), signal);
      }
    }
  }

  async *#stored(id: BlockId, place: Place, from: number, to: number, signal: AbortSignal): AsyncGenerator<Piece, void, undefined> {
    const reader = await this.#deps.store.open(id).catch((error: unknown) => {
      if (isError(error, 'not_found')) return undefined;
      throw error;
    });
    if (reader === undefined) return yield* this.#through(place, from, to, signal);
    await using _open = reader;
    yield* reader.pieces(from, to - from);
  }

  #begin(id: BlockId, place: Place): SharedFetch {
    const name = blockName(id);
    const fetch = new SharedFetch((arrived) => {
      const run = this.#keep(id, place, arrived);
      const ended = run
        .catch(() => {}) // its readers are told
        .finally(() => {
          this.#running.delete(ended);
          this.#fetches.delete(name);
        });
      this.#running.add(ended);
      return run;
    });
    this.#fetches.set(name, fetch);
    return fetch;
  }

  /** Fetches the whole block into the store. @throws `NotKept`. */
  async #keep(id: BlockId, place: Place, arrived: (piece: Piece) => void): Promise<void> {
    const { signal } = this.#life;
    using _turn = await this.#turns.take(signal);
    const store = await this.#deps.mounts.store(place.mountId, signal);
    const { entry, isKnown } = await this.#look(store, place, signal);
    if (!isKnown) throw new NotKept();
    const writer = await this.#deps.store.create(id, { bytesMax: place.length, evictable: true }).catch(unlessHere);
    if (writer === undefined) return;
    try {
      for await (const piece of this.#read(store, place, entry, { from: 0, to: place.length }, signal)) {
        await this.#write(writer, piece);
        arrived(piece);
      }
      await writer.seal(place.length).catch(notKept);
    } finally {
      await writer.drop();
    }
  }

  #write(writer: BlockWriter, piece: Piece): Promise<void> {
    return writer.write(piece).catch((error: unknown) => {
      this.#deps.log.warn({ error }, 'a block from mounted storage cannot be kept here');
      throw new NotKept();
    });
  }

  async *#through(place: Place, from: number, to: number, signal: AbortSignal): AsyncGenerator<Piece, void, undefined> {
    using _turn = await this.#turns.take(signal);
    const store = await this.#deps.mounts.store(place.mountId, signal);
    const { entry } = await this.#look(store, place, signal);
    yield* this.#read(store, place, entry, { from, to }, signal);
  }

  /** @returns the file as it is, and whether that is as the masters know it. @throws `failed_precondition`, where that matters; `unavailable`: it may be so soon. */
  async #look(store: UnderStore, place: Place, signal: AbortSignal): Promise<{ entry: UnderEntry; isKnown: boolean }> {
    const entry = await store.stat(place.path, signal);
    if (entry !== undefined && isAsKnown(entry, place)) return { entry, isKnown: true };
    if (await this.#deps.mounts.isBehind(place.mountId, signal)) {
      throw new UnderstudyError('unavailable', `changes of this file wait for mounted storage: path=${place.path} store=${store.location}`);
    }
    if (entry === undefined || entry.isDirectory || this.#settings.changedFile === 'refuse') throw changed(place, store);
    return { entry, isKnown: false };
  }

  /** @throws `failed_precondition`: it has changed while it was read. */
  async *#read(
    store: UnderStore,
    place: Place,
    entry: UnderEntry,
    { from, to }: { readonly from: number; readonly to: number },
    signal: AbortSignal,
  ): AsyncGenerator<Piece, void, undefined> {
    const range = { offset: place.offset + from, length: to - from, signal };
    let last: Piece | undefined;
    for await (const piece of piecesOf(store.open(place.path, range), from)) {
      this.#bytesRead.add(piece.bytes.length);
      if (last !== undefined) yield last;
      last = piece;
    }
    const after = await store.stat(place.path, signal);
    const end = last === undefined ? from : last.offset + last.bytes.length;
    if (last === undefined || end !== to || after?.fingerprint !== entry.fingerprint) throw changed(place, store);
    yield last;
  }
}

function placeOf({ mountId, path, offset, length, fingerprint, fileLength, modifiedMs }: understudy.UnderBlock.$Properties): Place {
  return {
    mountId: mountId ?? 0,
    path: path ?? '',
    offset: offset ?? 0,
    length: length ?? 0,
    fingerprint: fingerprint ?? '',
    fileLength: fileLength ?? 0,
    modifiedMs: modifiedMs ?? 0,
  };
}

function isAsKnown(entry: UnderEntry, { fingerprint, fileLength, modifiedMs }: Place): boolean {
  if (entry.isDirectory) return false;
  if (fingerprint !== '' && entry.fingerprint !== fingerprint) return false;
  if (fileLength !== 0 && entry.length !== fileLength) return false;
  return modifiedMs === 0 || entry.modifiedMs === 0 || entry.modifiedMs === modifiedMs;
}

function changed({ path }: Place, { location }: UnderStore): UnderstudyError {
  const advice = 'load its metadata again (fs loadMetadata -F)';
  return new UnderstudyError('failed_precondition', `the file has changed in mounted storage; ${advice}: path=${path} store=${location}`);
}

/** @returns undefined: the block has come meanwhile. */
function unlessHere(error: unknown): undefined {
  if (!isError(error, 'already_exists')) notKept(error);
}

/** No room, or no disk. */
function notKept(error: unknown): never {
  throw isError(error) ? new NotKept() : error;
}
