/**
 * Replays batches into a store outside of any master: for tools that check, resolve or cut a journal.
 *
 * It goes on from what the store holds: nothing, or a loaded checkpoint. Memory is bounded as a master's is: changes go to the store in
 * generations. The digests that the journal tells on the way are compared as on a standby.
 */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import { type Sequence, sequence } from '../base/ids.js';
import { type Batch, type ChainPoint, endOf } from '../journal/journal.js';
import type { KvStore } from '../kv/kv-store.js';
import { apply } from './apply.js';
import { type Digest, digestText, sameDigest } from './digest.js';
import { decodeEntry, type Entry } from './entries.js';
import { type JournalIdentity, readMark } from './flush-mark.js';
import { State } from './state.js';
import { type DigestAt, WriteBehind } from './write-behind.js';

/** A leader tells of one of the newest boundaries. */
const BOUNDARIES_KEPT = 8;
const SETTINGS = { inodeCacheMax: 100_000, flushRows: 50_000, flushIntervalMs: 60_000 };

export interface ReplayDeps {
  readonly clock: Clock;
  readonly identity: JournalIdentity;
}

/** Told of each entry before it is applied: the state is as that entry found it. */
export type EntryWatch = (entry: Entry, sn: Sequence) => void;

export class Replay implements AsyncDisposable {
  readonly state: State;
  readonly #writeBehind: WriteBehind;
  /** The state's digest where the journal announces that it will tell the leader's. */
  readonly #taken = new Map<number, Digest>();
  #end: ChainPoint;
  /** How many digests of the leader's were told, and were the state's. */
  digestsCompared = 0;
  /** The last entry up to which the state is known to have been the leader's, from a digest that it told. */
  comparedSn = 0;

  /** @param kv stays the caller's, to be closed after this. @throws as `readMark`. */
  constructor(kv: KvStore, deps: ReplayDeps) {
    const mark = readMark(kv, deps.identity);
    this.state = new State(SETTINGS, kv, mark);
    this.#end = { sn: sequence(mark.sn), hash: mark.hash };
    this.#taken.set(mark.sn, mark.digest);
    // What fails is told by the next call here.
    this.#writeBehind = new WriteBehind(SETTINGS, { ...deps, state: this.state, kv, failed: () => undefined }, mark);
  }

  /** The end of the last batch applied. */
  get end(): ChainPoint {
    return this.#end;
  }

  /**
   * Applies the batch that follows `end`. One call at a time; none after one that failed.
   *
   * @throws `corrupt`: the batch does not fit the state, or the state differs from what the journal says that the leader's was.
   * @throws `failed_precondition`: it needs a newer version. @throws `unavailable`: the store failed.
   */
  async apply(batch: Batch, watch?: EntryWatch): Promise<void> {
    while (this.#writeBehind.full && this.#writeBehind.failure === null) await this.#writeBehind.room();
    this.#throwFailure();
    if (batch.firstSn !== this.#end.sn + 1 || Buffer.compare(batch.previousHash, this.#end.hash) !== 0) {
      throw new UnderstudyError('corrupt', `a batch does not follow what was replayed: end=${this.#end.sn} first=${batch.firstSn}`);
    }
    for (const [at, bytes] of batch.entries.entries()) {
      const sn = sequence(batch.firstSn + at);
      const entry = decodeEntry(bytes, sn);
      watch?.(entry, sn);
      apply(entry, this.state);
    }
    const { digestDue, expectedDigest } = this.state;
    this.#writeBehind.atBatchEnd();
    this.#end = endOf(batch);
    this.#writeBehind.committed(this.#end.sn, this.#end.hash);
    if (expectedDigest !== null) this.#compare(expectedDigest);
    if (digestDue) await this.#take();
  }

  /** @returns the digest of the state at `end`. @throws as `apply`. */
  async digest(): Promise<DigestAt> {
    const digest = await this.#writeBehind.digest();
    this.#throwFailure();
    return digest;
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#writeBehind.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #take(): Promise<void> {
    this.#taken.set(this.#end.sn, (await this.digest()).digest);
    if (this.#taken.size > BOUNDARIES_KEPT) this.#taken.delete(this.#taken.keys().next().value as number);
  }

  #compare(told: Digest & { readonly ofSn: number }): void {
    this.#throwFailure();
    const taken = this.#taken.get(told.ofSn);
    if (taken === undefined) return;
    if (!sameDigest(taken, told)) {
      throw new UnderstudyError(
        'corrupt',
        `the state differs from the leader's: sn=${told.ofSn} digest=${digestText(taken)} leader=${digestText(told)}`,
      );
    }
    this.digestsCompared += 1;
    this.comparedSn = told.ofSn;
  }

  #throwFailure(): void {
    if (this.#writeBehind.failure !== null) throw this.#writeBehind.failure;
  }
}
