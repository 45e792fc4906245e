/**
 * The program's side: a leadership on a replica, with a journal in memory that takes, loses or keeps each batch as it is told.
 */
import { UnderstudyError } from '../../src/base/errors.js';
import type { Sequence } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { type Deferred, deferred } from '../../src/base/wait.js';
import type { Appended, Batch, JournalWriter } from '../../src/journal/journal.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { expireInodes } from '../../src/master/expire-inodes.js';
import type { HousekeepingDeps, HousekeepingStep } from '../../src/master/housekeeping-step.js';
import { Leadership, type Submission } from '../../src/master/leadership.js';
import { reapTrees } from '../../src/master/reap-trees.js';
import { recoverLeases } from '../../src/master/recover-leases.js';
import type { Replica } from '../../src/master/replica.js';
import { encodeEntry } from '../../src/metadata/entries.js';
import { FEATURES } from '../../src/metadata/features.js';
import type { NamespaceSettings } from '../../src/metadata/plan.js';
import { openReplica, stillClock } from '../metadata/journaled-state.js';

interface InFlight {
  readonly entries: readonly Uint8Array[];
  readonly timeMs: number;
  readonly end: Deferred<Appended>;
}

export class Leader {
  readonly #settings: NamespaceSettings;
  readonly batches: Batch[] = [];
  readonly #stores = new MemoryStores();
  readonly #flushRows: number;
  #replica: Replica | null = null;
  #failures: unknown[] = [];
  #leadership: Leadership | null = null;
  #inFlight: InFlight | null = null;
  #epoch = 0;
  nowMs: number;

  private constructor(settings: NamespaceSettings, flushRows: number, nowMs: number) {
    this.#settings = settings;
    this.#flushRows = flushRows;
    this.nowMs = nowMs;
  }

  static async open(settings: NamespaceSettings, flushRows: number, nowMs: number): Promise<Leader> {
    const leader = new Leader(settings, flushRows, nowMs);
    await leader.#openReplica();
    await leader.#claim();
    return leader;
  }

  get replica(): Replica {
    if (this.#replica === null) throw new Error('closed');
    return this.#replica;
  }

  get leadership(): Leadership {
    if (this.#leadership === null) throw new Error('does not lead');
    return this.#leadership;
  }

  /** What this replica said is wrong with it. */
  get failures(): readonly unknown[] {
    return this.#failures;
  }

  submit(submission: Submission): void {
    this.leadership.submit(submission);
  }

  /** Sends what is pending as one batch, where none is in flight. */
  async seal(): Promise<boolean> {
    await turns();
    return this.#inFlight !== null;
  }

  /** The batch in flight is committed; what was pending behind it is in flight then. */
  async commit(): Promise<void> {
    const flying = this.#inFlight;
    if (flying === null) return;
    this.#inFlight = null;
    const batch = this.#keep(flying);
    flying.end.resolve({ sn: (batch.firstSn + batch.entries.length - 1) as Sequence, hash: batch.hash, sealed: new Uint8Array(0) });
    await turns();
    while (this.replica.writeBehind.full) await this.replica.writeBehind.room();
  }

  /** Commits until nothing is pending. */
  async commitAll(): Promise<void> {
    for (await turns(); this.#inFlight !== null; ) await this.commit();
  }

  /** Fails to append what is in flight; the next leader finds it in the journal, or not. */
  async fail(isKept: boolean): Promise<void> {
    await turns();
    const flying = this.#inFlight;
    this.#inFlight = null;
    if (flying === null) this.leadership.close(new UnderstudyError('outcome_unknown', 'failed'));
    else {
      flying.end.reject(new UnderstudyError('outcome_unknown', 'failed'));
      await turns();
      if (isKept) await this.replica.applyBatch(this.#keep(flying));
    }
    await this.#claim();
  }

  /** Ends this master with what is pending, and begins again with its store as it is then. */
  async restart(how: 'closed' | 'killed' | 'power', pick: number): Promise<void> {
    this.#inFlight = null;
    this.leadership.close(new UnderstudyError('cancelled', 'closing'));
    await turns();
    if (how !== 'closed') this.#stores.crash(how, (limit) => pick % (limit + 1));
    else await this.replica.close();
    await this.#openReplica();
    for (const batch of this.batches) if (batch.firstSn > this.replica.end.sn) await this.replica.applyBatch(batch);
    await this.#claim();
  }

  /** Runs the housekeeping for as long as it has something to do. */
  async keepHouse(): Promise<void> {
    const deps = {
      replica: this.replica,
      leadership: this.leadership,
      clock: this.#clock(),
      log: silentLog,
    } as unknown as HousekeepingDeps;
    const all = { ...deps, clockWatch: { isOff: () => false } as never, peers: () => [] };
    await this.#repeat(expireInodes({ ttlCheckIntervalMs: 0 }, all), 1);
    await this.#repeat(recoverLeases({ leaseTimeoutMs: Number.MAX_SAFE_INTEGER, leaseRecovery: 'complete' }, all), 1);
    await this.#repeat(reapTrees(all), 2);
  }

  /** Until it has found nothing to do so many times in a row, or says that it has been all round. It looks at what has reached the store. */
  async #repeat(step: HousekeepingStep, idleRounds: number): Promise<void> {
    for (let idle = 0; idle < idleRounds; ) {
      await this.replica.writeBehind.digest();
      const restMs = await this.#during(step());
      idle = restMs === 0 && idleRounds > 1 ? 0 : idle + 1;
    }
  }

  async close(): Promise<void> {
    this.leadership.close(new UnderstudyError('cancelled', 'closing'));
    await this.replica.close();
  }

  async #during<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    work.then(over, over);
    while (!isOver) {
      await turns();
      await this.commit();
    }
    return work;
  }

  async #openReplica(): Promise<void> {
    const opened = await openReplica(this.#stores, this.#flushRows);
    this.#replica = opened.replica;
    this.#failures = opened.failures;
  }

  async #claim(): Promise<void> {
    const { replica } = this;
    this.#epoch += 1;
    const features = FEATURES.map(({ name, since }) => ({ name, since }));
    const claim = { epoch: this.#epoch, host: `leader:${this.#epoch}`, owner: 'root', group: 'wheel', features };
    const bytes = encodeEntry({ timeMs: this.nowMs, claim });
    await replica.applyBatch(this.#keep({ entries: [bytes], timeMs: this.nowMs }));
    this.#leadership = new Leadership(
      { batchBytesMax: 4 * 1024 * 1024, queueMax: 1_000, digestIntervalBatches: 20, namespace: this.#settings },
      { replica, writer: this.#writer(), clock: this.#clock(), ended() {} },
    );
  }

  #keep({ entries, timeMs }: Pick<InFlight, 'entries' | 'timeMs'>): Batch {
    const previous = this.batches.at(-1);
    const firstSn = (previous === undefined ? 1 : previous.firstSn + previous.entries.length) as Sequence;
    const hash = Buffer.alloc(32);
    hash.writeUInt32BE(this.batches.length + 1, 28);
    const previousHash = previous?.hash ?? new Uint8Array(32);
    const batch = { epoch: this.#epoch as never, firstSn, entries, previousHash, hash, timeMs, sealed: new Uint8Array(0) };
    this.batches.push(batch);
    return batch;
  }

  #writer(): JournalWriter {
    const append = (entries: readonly Uint8Array[], timeMs: number): Promise<Appended> => {
      this.#inFlight = { entries: [...entries], timeMs, end: deferred() };
      return this.#inFlight.end.promise;
    };
    return { append, confirm: () => Promise.resolve(), dead: new AbortController().signal } as unknown as JournalWriter;
  }

  #clock() {
    return { ...stillClock, wallMs: () => this.nowMs, monotonicMs: () => this.nowMs };
  }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
