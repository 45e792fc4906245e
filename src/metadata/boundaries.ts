/**
 * Boundaries: batches' ends, announced in the journal (DigestEntry), at which every master flushes and takes its digest. The leader's digest
 * follows in a later entry, and here the two are compared. At a boundary the store can be looked at, exactly as it stands there.
 */
import { UnderstudyError } from '../base/errors.js';
import { abortError, type Deferred, deferred, throwIfAborted } from '../base/wait.js';
import type { KvSnapshot } from '../kv/kv-store.js';
import { type Digest, digestText, sameDigest } from './digest.js';
import type { FlushMark } from './flush-mark.js';

/** The store as of a boundary. */
export interface BoundaryView {
  readonly mark: FlushMark;
  /** The receiver's to close. */
  readonly snapshot: KvSnapshot;
}

/** What a digest entry says. */
export interface ToldDigest extends Digest {
  readonly ofSn: number;
}

const KEPT = 8;

export class Boundaries {
  readonly #differs: (error: UnderstudyError) => void;
  /** The newest ones: taken here, and told by the leader. */
  readonly #taken = new Map<number, FlushMark>();
  readonly #told = new Map<number, Digest>();
  #wanted: Deferred<BoundaryView> | null = null;
  #awaited: { readonly sn: number; readonly digest: Deferred<Digest> } | null = null;

  /** @param differs told when a digest taken here is not the leader's. */
  constructor(differs: (error: UnderstudyError) => void) {
    this.#differs = differs;
  }

  /** The newest one taken here, for the leader's next digest entry. */
  get newest(): ToldDigest {
    return this.toldOf([...this.#taken.keys()].at(-1) ?? 0) ?? { ofSn: 0, low: 0, high: 0 };
  }

  /** @returns what a digest entry is to say of the boundary at `sn`; undefined where it was not taken here, or long ago. */
  toldOf(sn: number): ToldDigest | undefined {
    const mark = this.#taken.get(sn);
    return mark && { ofSn: sn, ...mark.digest };
  }

  /** Marks of those that were taken here of late. */
  get taken(): readonly FlushMark[] {
    return [...this.#taken.values()];
  }

  /** @returns the mark of the boundary at `sn`, if it was taken here of late. */
  markAt(sn: number): FlushMark | undefined {
    return this.#taken.get(sn);
  }

  /** The store stands at a boundary; nothing is being written. */
  take(mark: FlushMark, snapshot: () => KvSnapshot): void {
    keep(this.#taken, mark.sn, mark);
    this.#compare(mark.sn);
    const wanted = this.#wanted;
    this.#wanted = null;
    wanted?.resolve({ mark, snapshot: snapshot() });
  }

  /** The leader's digest, from a digest entry. */
  tell({ ofSn, low, high }: ToldDigest): void {
    const digest = { low, high };
    keep(this.#told, ofSn, digest);
    this.#compare(ofSn);
    if (this.#awaited?.sn !== ofSn) return;
    this.#awaited.digest.resolve(digest);
    this.#awaited = null;
  }

  /** Resolves with the store as it stands at the next boundary. One such wait at a time. @throws what `signal` was aborted with, or `fail` said. */
  next(signal: AbortSignal): Promise<BoundaryView> {
    throwIfAborted(signal);
    const wanted = deferred<BoundaryView>();
    this.#wanted = wanted;
    return endedBy(signal, wanted, () => {
      if (this.#wanted === wanted) this.#wanted = null;
    });
  }

  /** Resolves with the leader's digest at the boundary `sn`, once an entry has told it. One such wait at a time. @throws as `next`. */
  toldAt(sn: number, signal: AbortSignal): Promise<Digest> {
    throwIfAborted(signal);
    const known = this.#told.get(sn);
    if (known !== undefined) return Promise.resolve(known);
    const awaited = { sn, digest: deferred<Digest>() };
    this.#awaited = awaited;
    return endedBy(signal, awaited.digest, () => {
      if (this.#awaited === awaited) this.#awaited = null;
    });
  }

  /** Ends every wait. */
  fail(error: UnderstudyError): void {
    this.#wanted?.reject(error);
    this.#awaited?.digest.reject(error);
    this.#wanted = this.#awaited = null;
  }

  #compare(sn: number): void {
    const taken = this.#taken.get(sn)?.digest;
    const told = this.#told.get(sn);
    if (taken === undefined || told === undefined || sameDigest(taken, told)) return;
    const values = `sn=${sn} digest=${digestText(taken)} leader=${digestText(told)}`;
    this.#differs(new UnderstudyError('corrupt', `the state differs from the leader's: ${values}`));
  }
}

function endedBy<T>(signal: AbortSignal, wait: Deferred<T>, forget: () => void): Promise<T> {
  const giveUp = () => {
    forget();
    wait.reject(abortError(signal));
  };
  signal.addEventListener('abort', giveUp, { once: true });
  return wait.promise.finally(() => signal.removeEventListener('abort', giveUp));
}

function keep<T>(map: Map<number, T>, sn: number, value: T): void {
  map.set(sn, value);
  if (map.size > KEPT) map.delete(map.keys().next().value as number);
}
