/**
 * One master's copy of the state, with the store under it: what a standby follows with, and what a leader plans on.
 *
 * A replica that fails (its store, its digest, or its place on the journal's chain) is closed, set aside and made anew: from a checkpoint, and
 * the journal behind it.
 */
import { asError, isError, UnderstudyError } from '../base/errors.js';
import type { Sequence } from '../base/ids.js';
import { sleep } from '../base/wait.js';
import { type Batch, type ChainPoint, endOf } from '../journal/journal.js';
import type { KvStore, KvStores } from '../kv/kv-store.js';
import { apply, type Outcome } from '../metadata/apply.js';
import { decodeEntry, type Entry } from '../metadata/entries.js';
import { readMark } from '../metadata/flush-mark.js';
import { State, type StateSettings } from '../metadata/state.js';
import { verifyStore } from '../metadata/verify-store.js';
import { WriteBehind, type WriteBehindSettings } from '../metadata/write-behind.js';
import { type BootstrapDeps, type Bootstrapped, bootstrap, type Unusable } from './bootstrap.js';
import { CommitTrail } from './commit-trail.js';
import { RecentBatches } from './recent-batches.js';

export interface ReplicaSettings extends StateSettings, WriteBehindSettings {
  /** Bytes of committed batches that are kept in memory, to feed standbys from. */
  readonly recentBytesMax: number;
}

export interface ReplicaDeps extends BootstrapDeps {
  readonly stores: KvStores;
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
  readonly recent: RecentBatches;
  readonly trail: CommitTrail;
  readonly #deps: ReplicaDeps;
  readonly #closing = new AbortController();
  readonly #verifying: Promise<void>;
  readonly #unusable: readonly Unusable[];
  readonly #users = new Set<Promise<unknown>>();
  /** From nothing, or from a checkpoint. */
  readonly #beganSound: boolean;
  #checkpointSn = 0;
  #bytesSinceCheckpoint = 0;
  #joinings = 0;
  #broken: UnderstudyError | null = null;
  #isVerified = false;
  #isHurried = false;
  #end: ChainPoint;

  /**
   * Opens the store and goes on from where it stands; a blank one begins with the newest checkpoint. One that is damaged, or of another
   * incarnation of the journal, is set aside first.
   *
   * @throws `failed_precondition`: another process has it open, or it belongs to another cluster. @throws `unavailable`, `cancelled`.
   * @throws `data_loss`: it has to be made anew, and nothing is left to make it from.
   */
  static async open(settings: ReplicaSettings, deps: ReplicaDeps, signal: AbortSignal): Promise<Replica> {
    try {
      return await Replica.#openAsIs(settings, deps, signal);
    } catch (error) {
      if (!isError(error, 'corrupt') && !isError(error, 'diverged')) throw error;
      deps.log.error({ error }, 'the metastore cannot be used; it is set aside and rebuilt from the journal');
      await deps.stores.setAside();
      return Replica.#openAsIs(settings, deps, signal);
    }
  }

  static async #openAsIs(settings: ReplicaSettings, deps: ReplicaDeps, signal: AbortSignal): Promise<Replica> {
    const kv = await deps.stores.open();
    try {
      return new Replica(settings, deps, kv, await bootstrap(kv, deps, signal));
    } catch (error) {
      await kv.close();
      throw error;
    }
  }

  private constructor(settings: ReplicaSettings, deps: ReplicaDeps, kv: KvStore, { isLoaded, unusable }: Bootstrapped) {
    const mark = readMark(kv, deps.identity);
    this.#deps = deps;
    this.#unusable = unusable;
    this.kv = kv;
    this.state = new State(settings, kv, mark);
    this.#beganSound = isLoaded || mark.flush === 0;
    this.#end = { sn: mark.sn as Sequence, hash: mark.hash };
    this.recent = new RecentBatches(settings.recentBytesMax, this.#end);
    this.trail = new CommitTrail(deps.clock, mark.sn);
    this.writeBehind = new WriteBehind(
      settings,
      { state: this.state, kv, clock: deps.clock, identity: deps.identity, failed: deps.failed },
      mark,
    );
    // What was loaded was counted on the way.
    this.#isVerified = isLoaded;
    this.#verifying = isLoaded ? Promise.resolve() : this.#verify();
  }

  /** Raised with each entry of a leader that joins files, or may. */
  get joinings(): number {
    return this.#joinings;
  }

  /** Bytes of the journal since the newest checkpoint was published; of what this replica has applied since it was opened. */
  get bytesSinceCheckpoint(): number {
    return this.#bytesSinceCheckpoint;
  }

  /** What people should know about it; empty when there is nothing. */
  get trouble(): string {
    const kept = this.state.retention().checkpoints;
    const unusable = this.#unusable.filter(({ sn }) => kept.some((checkpoint) => checkpoint.sn === sn));
    return unusable.map(({ sn, error }) => `a checkpoint cannot be used: sn=${sn} reason=${error.message}`).join('; ');
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
    this.committed(endOf(batch), batch.sealed);
  }

  /** A batch that was applied in part: this replica is not what it says it is any longer. */
  #brokenOff(thrown: unknown): UnderstudyError {
    const error = asError(thrown, 'corrupt');
    // It has no damage of its own: then it is the journal that does not fit.
    if (this.#beganSound && error.code === 'corrupt') return error;
    this.#deps.failed(error);
    this.#broken = error;
    return new UnderstudyError('unavailable', 'the replica has failed', { cause: error });
  }

  /** Applies an entry that is not committed yet: a leader's own. @throws what it cannot apply; the state is as before then. */
  apply(entry: Entry): Outcome {
    const before = this.state.position();
    const undoLength = this.state.undoLength();
    try {
      const outcome = apply(entry, this.state);
      if (entry.concat != null || entry.group != null) this.#joinings += 1;
      return outcome;
    } catch (error) {
      this.state.rollBack(before, undoLength);
      throw this.checked(error);
    }
  }

  /** @returns `thrown`, met while looking at the state, as an operating error; where it tells of damage, or of a disk that does not answer, this replica has failed. */
  checked(thrown: unknown): UnderstudyError {
    const error = asError(thrown);
    // Before its first entry a sound replica has no root to show, and says so.
    const isFailure = error.code === 'corrupt' || (error.code === 'unavailable' && this.state.sn > 0);
    if (!isFailure) return error;
    this.#deps.failed(error);
    return new UnderstudyError('unavailable', 'the metastore of this master has failed', { cause: error });
  }

  /** What is applied up to `end`, the end of a batch, is committed. `sealed` is that batch, the caller's again when this returns. */
  committed({ sn, hash }: ChainPoint, sealed: Uint8Array): void {
    const end = { sn, hash };
    this.#end = end;
    this.#countBytes(sealed.length);
    this.recent.add(end, sealed, Math.floor(this.#deps.clock.wallMs()));
    this.trail.add(sn, sealed.length);
    this.writeBehind.committed(end.sn, end.hash);
    this.#deps.advanced(end.sn);
  }

  #countBytes(bytes: number): void {
    const newest = this.state.retention().checkpoints[0]?.sn ?? 0;
    if (newest !== this.#checkpointSn) this.#bytesSinceCheckpoint = 0;
    this.#checkpointSn = newest;
    this.#bytesSinceCheckpoint += bytes;
  }

  /** Waits for what is in flight. What was not flushed is read from the journal again. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.writeBehind.close();
    await this.#verifying;
    await Promise.allSettled(this.#users);
    await this.kv.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Runs `work` with a signal that this replica's closing aborts too; the closing waits for it. */
  during<T>(signal: AbortSignal, work: (either: AbortSignal) => Promise<T>): Promise<T> {
    const running = work(AbortSignal.any([signal, this.#closing.signal]));
    this.#users.add(running);
    return running.finally(() => this.#users.delete(running));
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
    const { clock, log, failed, stores } = this.#deps;
    const { signal } = this.#closing;
    // At leisure it takes a fraction of a core.
    const rest = () => (this.#isHurried ? Promise.resolve() : sleep(clock, VERIFY_PAUSE_MS, signal));
    const snapshot = this.kv.snapshot();
    try {
      const rows = await verifyStore(snapshot, this.writeBehind.mark, rest, signal);
      this.#isVerified = true;
      await stores.proved();
      log.debug({ rows }, 'the metastore adds up');
    } catch (error) {
      if (!signal.aborted) failed(asError(error));
    } finally {
      await snapshot.close();
    }
  }
}
