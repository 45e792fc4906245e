/**
 * One master's copy of the state, with the store under it: what a standby follows with, and what a leader plans on.
 *
 * A replica that fails (its store, its digest, or its place on the journal's chain) is closed, set aside and made anew from the journal.
 */
import type { Clock } from '../base/clock.js';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import type { Sequence } from '../base/ids.js';
import type { Log } from '../base/log.js';
import { sleep } from '../base/wait.js';
import { type Batch, type ChainPoint, endOf } from '../journal/journal.js';
import type { KvStore, KvStores } from '../kv/kv-store.js';
import { apply } from '../metadata/apply.js';
import { decodeEntry, type Entry } from '../metadata/entries.js';
import { type JournalIdentity, readMark } from '../metadata/flush-mark.js';
import type { Inode } from '../metadata/records.js';
import { State, type StateSettings } from '../metadata/state.js';
import { verifyStore } from '../metadata/verify-store.js';
import { WriteBehind, type WriteBehindSettings } from '../metadata/write-behind.js';

export interface ReplicaSettings extends StateSettings, WriteBehindSettings {}

export interface ReplicaDeps {
  readonly stores: KvStores;
  readonly identity: JournalIdentity;
  readonly clock: Clock;
  readonly log: Log;
  /** Told each time more is applied and committed. */
  readonly advanced: (sn: number) => void;
  /** Told once, when this replica can no longer be trusted or written. */
  readonly failed: (error: UnderstudyError) => void;
}

/** Rest after each chunk of the count. */
const VERIFY_PAUSE_MS = 4;

export class Replica implements AsyncDisposable {
  readonly kv: KvStore;
  readonly state: State;
  readonly writeBehind: WriteBehind;
  readonly #deps: ReplicaDeps;
  readonly #closing = new AbortController();
  readonly #verifying: Promise<void>;
  readonly #beganEmpty: boolean;
  #broken: UnderstudyError | null = null;
  #isVerified = false;
  #isHurried = false;
  #end: ChainPoint;

  /**
   * Opens the store and goes on from where it stands. One that is damaged, or of another incarnation of the journal, is set aside first.
   *
   * @throws `failed_precondition`: another process has it open, or it belongs to another cluster. @throws `unavailable`.
   */
  static async open(settings: ReplicaSettings, deps: ReplicaDeps): Promise<Replica> {
    try {
      return await Replica.#openAsIs(settings, deps);
    } catch (error) {
      if (!isError(error, 'corrupt') && !isError(error, 'diverged')) throw error;
      deps.log.error({ error }, 'the metastore cannot be used; it is set aside and rebuilt from the journal');
      return Replica.openAnew(settings, deps);
    }
  }

  /** Sets the store aside and begins an empty one. */
  static async openAnew(settings: ReplicaSettings, deps: ReplicaDeps): Promise<Replica> {
    await deps.stores.setAside();
    return Replica.#openAsIs(settings, deps);
  }

  static async #openAsIs(settings: ReplicaSettings, deps: ReplicaDeps): Promise<Replica> {
    const kv = await deps.stores.open();
    try {
      return new Replica(settings, deps, kv);
    } catch (error) {
      await kv.close();
      throw error;
    }
  }

  private constructor(settings: ReplicaSettings, deps: ReplicaDeps, kv: KvStore) {
    const mark = readMark(kv, deps.identity);
    this.#deps = deps;
    this.kv = kv;
    this.state = new State(settings, kv, mark);
    this.#beganEmpty = mark.flush === 0;
    this.#end = { sn: mark.sn as Sequence, hash: mark.hash };
    this.writeBehind = new WriteBehind(
      settings,
      { state: this.state, kv, clock: deps.clock, identity: deps.identity, failed: deps.failed },
      mark,
    );
    this.#verifying = this.#verify();
  }

  /** The last batch that is applied and known to be committed. */
  get end(): ChainPoint {
    return this.#end;
  }

  /**
   * Applies a committed batch. Waits first while the write-behind is full.
   *
   * @throws `corrupt`: the journal does not fit. @throws `failed_precondition`: it needs a newer version.
   * @throws `unavailable`: this replica has failed, and has said so.
   */
  async applyBatch(batch: Batch): Promise<void> {
    while (this.writeBehind.full && this.writeBehind.failure === null && !this.#closing.signal.aborted) await this.writeBehind.room();
    const failure = this.#broken ?? this.writeBehind.failure;
    if (failure !== null) throw new UnderstudyError('unavailable', 'the replica has failed', { cause: failure });
    if (this.#closing.signal.aborted) throw new UnderstudyError('cancelled', 'the replica is closed');
    if (batch.firstSn !== this.#end.sn + 1) {
      throw new UnderstudyError('corrupt', `a batch does not follow what was applied: applied=${this.#end.sn} first=${batch.firstSn}`);
    }
    const entries = batch.entries.map((bytes, at) => decodeEntry(bytes, batch.firstSn + at));
    try {
      for (const entry of entries) apply(entry, this.state);
    } catch (thrown) {
      throw this.#brokenOff(thrown);
    }
    this.writeBehind.atBatchEnd();
    this.committed(endOf(batch));
  }

  /** A batch that was applied in part: this replica is not what it says it is any longer. */
  #brokenOff(thrown: unknown): UnderstudyError {
    const error = asError(thrown, 'corrupt');
    // What was begun from nothing has no damage of its own: then it is the journal that does not fit.
    if (this.#beganEmpty && error.code === 'corrupt') return error;
    this.#deps.failed(error);
    this.#broken = error;
    return new UnderstudyError('unavailable', 'the replica has failed', { cause: error });
  }

  /** Applies an entry that is not committed yet: a leader's own. @throws what it cannot apply; the state is as before then. */
  apply(entry: Entry): Inode | null {
    const before = this.state.position();
    const undoLength = this.state.undoLength();
    try {
      return apply(entry, this.state);
    } catch (error) {
      this.state.rollBack(before, undoLength);
      throw this.checked(error);
    }
  }

  /** @returns `thrown`, met while looking at the state, as an operating error; where it tells of damage, or of a disk that does not answer, this replica has failed. */
  checked(thrown: unknown): UnderstudyError {
    const error = asError(thrown);
    if (error.code !== 'corrupt' && error.code !== 'unavailable') return error;
    this.#deps.failed(error);
    return new UnderstudyError('unavailable', 'the metastore of this master has failed', { cause: error });
  }

  /** What is applied up to `end`, a batch's end, is committed. */
  committed(end: ChainPoint): void {
    this.#end = end;
    this.writeBehind.committed(end.sn, end.hash);
    this.#deps.advanced(end.sn);
  }

  /** Waits for what is in flight. What was not flushed is read from the journal again. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.writeBehind.close();
    await this.#verifying;
    await this.kv.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What was found at opening has been counted anew, and is what its mark says. Only such a replica may lead. */
  get isVerified(): boolean {
    return this.#isVerified;
  }

  /** Resolves when the count has ended: at full speed from now on. */
  async verified(): Promise<void> {
    this.#isHurried = true;
    await this.#verifying;
  }

  /** Counts the digest of what was found at opening anew, beside replay: LevelDB can lose and change rows without an error. */
  async #verify(): Promise<void> {
    const { clock, log, failed } = this.#deps;
    const { signal } = this.#closing;
    // At leisure it takes a fraction of a core.
    const rest = () => (this.#isHurried ? Promise.resolve() : sleep(clock, VERIFY_PAUSE_MS, signal));
    const snapshot = this.kv.snapshot();
    try {
      const rows = await verifyStore(snapshot, this.writeBehind.mark, rest, signal);
      this.#isVerified = true;
      log.debug({ rows }, 'the metastore adds up');
    } catch (error) {
      if (!signal.aborted) failed(asError(error));
    } finally {
      await snapshot.close();
    }
  }
}
