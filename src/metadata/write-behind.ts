/**
 * Brings the state's changes into the store, behind the journal: in generations that each end on a journal batch.
 *
 * A generation is frozen at a batch's end, flushed once that batch is committed, and carries a mark (flush-mark.ts): the store is always
 * the state as of some batch's end, never more. Rows that change many times within a generation are encoded and written once.
 * The digest is brought forward with each generation; at boundaries that the journal announces (DigestEntry) it is compared with the leader's.
 *
 * Bounds: at most `generationsMax` frozen generations; `full` says that nothing more may be applied until one is flushed.
 */
import type { Clock, Timer } from '../base/clock.js';
import { asError, UnderstudyError } from '../base/errors.js';
import { type Deferred, deferred } from '../base/wait.js';
import type { KvOperation, KvStore } from '../kv/kv-store.js';
import { Boundaries } from './boundaries.js';
import { type Digest, DigestSum } from './digest.js';
import { type FlushMark, type JournalIdentity, markRows } from './flush-mark.js';
import type { State, StatePosition, TableChanges } from './state.js';

export interface WriteBehindSettings {
  /** Changed rows that end a generation. */
  readonly flushRows: number;
  /** Milliseconds after which one ends, whatever its size. */
  readonly flushIntervalMs: number;
}

export interface WriteBehindDeps {
  readonly state: State;
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly identity: JournalIdentity;
  /** Told once, when the store takes no more, or the digest differs from the leader's: nothing is flushed any longer. */
  readonly failed: (error: UnderstudyError) => void;
}

interface Generation {
  readonly changes: TableChanges;
  readonly at: StatePosition;
  readonly boundary: boolean;
  /** Set once the batch that ends there is committed. */
  hash: Uint8Array | null;
  /** Who waits for this one to be flushed. */
  readonly wanted: Deferred<DigestAt> | null;
}

export interface DigestAt {
  readonly sn: number;
  readonly digest: Digest;
}

const GENERATIONS_MAX = 3;
const ROWS_PER_SLICE = 512;

export class WriteBehind {
  readonly #settings: WriteBehindSettings;
  readonly #deps: WriteBehindDeps;
  #mark: FlushMark;
  #generations: Generation[] = [];
  #frozenAtMs: number;
  #timer: Timer | undefined;
  /** State's sn at the last batch end. */
  #endSn: number;
  #flushing: Promise<void> | null = null;
  #failure: UnderstudyError | null = null;
  #closed = false;
  #room: Deferred<void> | null = null;
  #wanted: Deferred<DigestAt> | null = null;
  #lastCommitted: { readonly sn: number; readonly hash: Uint8Array };
  readonly boundaries = new Boundaries((error) => this.#fail(error));

  constructor(settings: WriteBehindSettings, deps: WriteBehindDeps, from: FlushMark) {
    this.#settings = settings;
    this.#deps = deps;
    this.#mark = from;
    this.#endSn = from.sn;
    this.#lastCommitted = from;
    this.#frozenAtMs = deps.clock.monotonicMs();
  }

  /** Where the store stands. */
  get mark(): FlushMark {
    return this.#mark;
  }

  /** Why nothing is flushed any longer, if so. */
  get failure(): UnderstudyError | null {
    return this.#failure;
  }

  /** Nothing more may be applied until `room` resolves. */
  get full(): boolean {
    return this.#generations.length >= GENERATIONS_MAX;
  }

  /** Resolves when there is room, or nothing is flushed any longer. */
  room(): Promise<void> {
    if (!this.full || this.#failure !== null || this.#closed) return Promise.resolve();
    this.#room ??= deferred();
    return this.#room.promise;
  }

  /** The state stands at the end of a batch, which may not be committed yet. Must not be called while `full`. */
  atBatchEnd(): void {
    const { state, clock } = this.#deps;
    this.#endSn = state.sn;
    if (this.#failure !== null) return;
    if (state.expectedDigest !== null) {
      this.boundaries.tell(state.expectedDigest);
      state.expectedDigest = null;
    }
    const due = clock.monotonicMs() - this.#frozenAtMs >= this.#settings.flushIntervalMs && this.#generations.length === 0;
    if (state.changedRows >= this.#settings.flushRows || state.digestDue || this.#wanted !== null || due) this.#freeze();
    else
      this.#timer ??= clock.setTimer(this.#settings.flushIntervalMs, () => {
        this.#timer = undefined;
        this.#freezeIfAtEnd();
      });
  }

  /** The batch that ends at `sn` is committed, and all before it. */
  committed(sn: number, hash: Uint8Array): void {
    this.#lastCommitted = { sn, hash };
    for (const generation of this.#generations) if (generation.at.sn === sn) generation.hash = hash;
    this.#flush();
  }

  /** What lies behind `sn`, a batch's end, was taken back. Called after the state's own `rollBack`. */
  rollBack(sn: number): void {
    while ((this.#generations.at(-1)?.at.sn ?? 0) > sn) {
      this.#generations.pop()?.wanted?.reject(new UnderstudyError('aborted', 'the state was taken back'));
      this.#deps.state.unfreeze();
    }
    this.#endSn = sn;
  }

  /**
   * Flushes up to the next batch end (now, where the state stands at one). @returns the digest as of there.
   *
   * @throws `unavailable`, `corrupt`: nothing is flushed any longer. @throws `cancelled`: closed.
   */
  digest(): Promise<DigestAt> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#closed) return Promise.reject(closedError());
    this.#wanted ??= deferred();
    const { promise } = this.#wanted;
    this.#freezeIfAtEnd();
    return promise;
  }

  /** Stops flushing, after what is in flight. What was not flushed is in the journal. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#dropWaiting(closedError());
    await this.#flushing;
  }

  #freezeIfAtEnd(): void {
    if (this.#deps.state.sn === this.#endSn && !this.full && this.#failure === null && !this.#closed) this.#freeze();
  }

  #freeze(): void {
    const { state, clock } = this.#deps;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#frozenAtMs = clock.monotonicMs();
    const at = state.position();
    const { sn } = at;
    const boundary = state.digestDue;
    const hash = sn === this.#lastCommitted.sn ? this.#lastCommitted.hash : null;
    this.#generations.push({ changes: state.freeze(), at, boundary, hash, wanted: this.#wanted });
    this.#wanted = null;
    state.digestDue = false;
    this.#flush();
  }

  #flush(): void {
    if (this.#flushing !== null || this.#failure !== null || this.#closed || this.#generations[0]?.hash == null) return;
    this.#flushing = this.#flushAll()
      .catch((error) => this.#fail(asError(error)))
      .finally(() => {
        this.#flushing = null;
        this.#flush();
      });
  }

  async #flushAll(): Promise<void> {
    for (let next = this.#generations[0]; next?.hash != null && !this.#closed && this.#failure === null; next = this.#generations[0]) {
      await this.#flushOne(next, next.hash);
    }
  }

  async #flushOne(generation: Generation, hash: Uint8Array): Promise<void> {
    const { state, kv, identity } = this.#deps;
    const { sn } = generation.at;
    const sum = new DigestSum(this.#mark.digest);
    let mark = this.#mark;
    const slices = this.#slices(generation, sum);
    await kv.write(
      (async function* () {
        yield* slices;
        mark = { ...generation.at, flush: mark.flush + 1, hash, digest: sum.value() };
        yield markRows(mark, identity);
      })(),
    );
    this.#mark = mark;
    this.#generations.shift();
    state.flushed();
    if (generation.boundary) this.boundaries.take(mark, () => kv.snapshot());
    generation.wanted?.resolve({ sn, digest: mark.digest });
    this.#room?.resolve();
    this.#room = null;
    if (this.#wanted !== null) this.#freezeIfAtEnd();
  }

  /** Encodes a generation's rows and counts them into `sum`, resting between slices. */
  async *#slices(generation: Generation, sum: DigestSum): AsyncGenerator<KvOperation[]> {
    let slice: KvOperation[] = [];
    for (const { table, changes } of generation.changes) {
      for (const [id, { before, after }] of changes) {
        table.settle(id, after);
        if (before === null && after === null) continue;
        const key = table.encodeKey(id);
        if (before !== null) sum.remove(key, table.codec.encode(before));
        if (after === null) slice.push({ type: 'del', key });
        else {
          const value = table.codec.encode(after);
          sum.add(key, value);
          slice.push({ type: 'put', key, value });
        }
        if (slice.length < ROWS_PER_SLICE) continue;
        yield slice;
        slice = [];
        await new Promise<void>((resolve) => this.#deps.clock.defer(resolve));
      }
    }
    yield slice;
  }

  #fail(error: UnderstudyError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#dropWaiting(error);
    this.#deps.failed(error);
  }

  #dropWaiting(error: UnderstudyError): void {
    for (const { wanted } of this.#generations) wanted?.reject(error);
    this.#wanted?.reject(error);
    this.#wanted = null;
    this.boundaries.fail(error);
    this.#room?.resolve();
    this.#room = null;
  }
}

function closedError(): UnderstudyError {
  return new UnderstudyError('cancelled', 'the metastore is being closed');
}
