/**
 * Checks all of a journal: every batch against its checksum and the chain, every checkpoint against a replay, and every digest that a leader
 * told against the replay's.
 *
 * The replay begins with nothing, or with the oldest checkpoint where the log below it was collected. At each further checkpoint the two
 * have to agree. Damage ends a replay; the next sound checkpoint behind it begins another. Nothing is written but to a store of its own.
 */
import type { Clock } from '../base/clock.js';
import { asError, isError } from '../base/errors.js';
import { type Sequence, sequence } from '../base/ids.js';
import type { CheckpointRef, Checkpoints } from '../journal/checkpoints.js';
import { type Batch, type ChainPoint, endOf, GENESIS } from '../journal/journal.js';
import type { JournalDamage, JournalSummary, JournalSurvey, StoredCheckpoint } from '../journal/journal-survey.js';
import type { KvStore } from '../kv/kv-store.js';
import type { CheckpointHead } from './checkpoint-format.js';
import { CheckpointReader } from './checkpoint-reader.js';
import { type Digest, digestText, sameDigest } from './digest.js';
import type { JournalIdentity } from './flush-mark.js';
import { loadCheckpoint } from './load-checkpoint.js';
import { Replay } from './replay.js';

export interface VerifyDeps {
  readonly survey: JournalSurvey;
  readonly checkpoints: Checkpoints;
  readonly identity: JournalIdentity;
  readonly clock: Clock;
  /** @returns an empty store; it is used until the check ends. */
  openStore(): Promise<KvStore>;
  /** Told of each problem as it is found. */
  problem(problem: JournalProblem): void;
  progress?(sn: number): void;
  /** The state's digest as of this entry, a batch's last, is told in the verdict. */
  readonly digestAt?: number;
  readonly signal?: AbortSignal;
}

export interface JournalProblem extends Partial<JournalDamage> {
  readonly what: string;
  /** The first entry that is in doubt; 0: all are. Undefined: none (a checkpoint that is bad, beside a sound log). */
  readonly sn?: number;
  /** What an operator can do. */
  readonly advice: string;
}

export interface Verdict {
  /** Everything up to this entry is as it was committed. */
  readonly trustedSn: number;
  readonly committedSn: number;
  /** The last entry of the log; more than `committedSn` where the next claimant will decide. */
  readonly endSn: number;
  readonly isTorn: boolean;
  /** Where the check began: behind this entry. */
  readonly fromSn: number;
  readonly problems: number;
  readonly batches: number;
  readonly entries: number;
  readonly checkpoints: number;
  readonly digests: number;
  /** As of `digestAt`, where the replay came there. */
  readonly digest: Digest | null;
}

/** @throws `unavailable`; what `signal` was aborted with. Damage is told, never thrown. */
export async function verifyJournal(deps: VerifyDeps): Promise<Verdict> {
  const check = new JournalCheck(deps, await deps.survey.summary());
  try {
    return await check.run();
  } finally {
    await check.close();
  }
}

class JournalCheck {
  readonly #deps: VerifyDeps;
  readonly #summary: JournalSummary;
  /** Published ones that have not been come to, oldest first. */
  #checkpoints: StoredCheckpoint[];
  #replay: Replay | undefined;
  /** The last batch that was scanned. */
  #point: ChainPoint | undefined;
  #fromSn = 0;
  #digest: Digest | null = null;
  #doubtSn = Number.POSITIVE_INFINITY;
  #count = { problems: 0, batches: 0, entries: 0, checkpoints: 0, digests: 0 };

  constructor(deps: VerifyDeps, summary: JournalSummary) {
    this.#deps = deps;
    this.#summary = summary;
    this.#checkpoints = publishedOf(summary);
  }

  async run(): Promise<Verdict> {
    const { committedSn } = this.#summary;
    let isTorn = false;
    for await (const step of this.#deps.survey.scan(this.#deps.signal)) {
      if (step.kind === 'batch') await this.#batch(step.batch, step);
      else if (step.kind === 'damage') await this.#damage(step.damage);
      else if (step.kind === 'collected') await this.#beginAt(step.to);
      else isTorn = step.isTorn;
    }
    if (this.#point === undefined && this.#count.problems === 0) await this.#beginAt(GENESIS);
    for (const checkpoint of this.#checkpoints.splice(0)) await this.#offTheLog(checkpoint);
    const digests = this.#count.digests + (this.#replay?.digestsCompared ?? 0);
    const endSn = this.#point?.sn ?? 0;
    const trustedSn = Math.max(Math.min(endSn, this.#doubtSn - 1), 0);
    return { ...this.#count, digests, trustedSn, committedSn, endSn, isTorn, fromSn: this.#fromSn, digest: this.#digest };
  }

  async close(): Promise<void> {
    await this.#endReplay();
  }

  async #batch(batch: Batch, at: { file: string; offset: number }): Promise<void> {
    if (this.#point === undefined) await this.#beginAt({ sn: sequence(batch.firstSn - 1), hash: batch.previousHash });
    this.#count.batches += 1;
    this.#count.entries += batch.entries.length;
    const { firstSn, entries } = batch;
    try {
      await this.#replay?.apply(batch);
    } catch (thrown) {
      const error = asError(thrown, 'corrupt');
      if (!isError(error, 'corrupt') && !isError(error, 'failed_precondition')) throw error;
      const isNewer = error.code === 'failed_precondition';
      const sn = isNewer ? firstSn : (this.#replay?.comparedSn ?? 0) + 1;
      const advice = isNewer
        ? 'check it with the version that wrote it'
        : `entries ${sn} to ${firstSn + entries.length - 1} make another state than their leader had: keep the journal and all metastores, and report it`;
      this.#problem({ what: error.message, ...at, sn, advice });
      await this.#endReplay();
    }
    this.#point = endOf(batch);
    if (this.#point.sn === this.#deps.digestAt) this.#digest = (await this.#replay?.digest())?.digest ?? null;
    await this.#checkpointsHere();
    this.#deps.progress?.(this.#point.sn);
  }

  async #damage(damage: JournalDamage): Promise<void> {
    this.#problem({ ...damage, advice: adviceFor(damage, this.#summary) });
    await this.#endReplay();
    // Where the log goes on, the next batch says.
    if (damage.soundFrom !== undefined) this.#point = undefined;
  }

  /** The log begins here, or goes on here after what is missing. */
  async #beginAt(point: ChainPoint): Promise<void> {
    const isFirst = this.#count.batches === 0;
    await this.#endReplay();
    this.#point = point;
    if (isFirst) this.#fromSn = point.sn;
    if (point.sn === 0) this.#replay = new Replay(await this.#deps.openStore(), this.#deps);
    while ((this.#checkpoints[0]?.sn ?? Number.POSITIVE_INFINITY) < point.sn) await this.#offTheLog(this.#checkpoints.shift() as never);
    await this.#checkpointsHere();
  }

  /** Compares each checkpoint as of `point` with the replay; where there is none, begins one with it. */
  async #checkpointsHere(): Promise<void> {
    const point = this.#point as ChainPoint;
    for (;;) {
      const [checkpoint] = this.#checkpoints;
      if (checkpoint === undefined || checkpoint.sn > point.sn) return;
      this.#checkpoints.shift();
      if (checkpoint.sn < point.sn) {
        this.#badCheckpoint(checkpoint, 'it is of the middle of a batch');
        continue;
      }
      const kv = this.#replay === undefined ? await this.#deps.openStore() : undefined;
      const head = await this.#readCheckpoint(checkpoint, kv);
      if (head === undefined) continue;
      if (Buffer.compare(head.hash, point.hash) !== 0) this.#badCheckpoint(checkpoint, 'it is of another chain than the log');
      else if (kv !== undefined) this.#replay = new Replay(kv, this.#deps);
      else await this.#compare(checkpoint, head);
    }
  }

  async #compare(checkpoint: StoredCheckpoint, head: CheckpointHead): Promise<void> {
    const { digest } = (await this.#replay?.digest()) ?? head;
    if (sameDigest(digest, head.digest)) return;
    const values = `checkpoint=${digestText(head.digest)} replay=${digestText(digest)}`;
    this.#badCheckpoint(checkpoint, `it holds another state than a replay makes: ${values}`);
  }

  /** No batch of the log that was read ends there: only the checkpoint itself can be checked. */
  async #offTheLog(checkpoint: StoredCheckpoint): Promise<void> {
    await this.#readCheckpoint(checkpoint, undefined);
  }

  /** Reads all of it, into `kv` if given. @returns undefined where it is bad, which is told, or was collected meanwhile. */
  async #readCheckpoint(checkpoint: StoredCheckpoint, kv: KvStore | undefined): Promise<CheckpointHead | undefined> {
    const { checkpoints, identity, signal } = this.#deps;
    try {
      await using reader = await CheckpointReader.open(checkpoints.read(refOf(checkpoint), signal));
      if (kv !== undefined) await loadCheckpoint(kv, reader, identity, async () => signal?.throwIfAborted());
      else for await (const _rows of reader.rows()) signal?.throwIfAborted();
      if (reader.head.sn !== checkpoint.sn) throw new Error(`it is of another entry than its name says: its=${reader.head.sn}`);
      this.#count.checkpoints += 1;
      return reader.head;
    } catch (thrown) {
      signal?.throwIfAborted();
      const error = asError(thrown, 'corrupt', 'it cannot be read');
      if (error.code === 'unavailable') throw error;
      const isGone = error.code === 'not_found' && !publishedOf(await this.#deps.survey.summary()).some(({ id }) => id === checkpoint.id);
      if (!isGone) this.#badCheckpoint(checkpoint, error.message);
      return undefined;
    }
  }

  #badCheckpoint(checkpoint: StoredCheckpoint, what: string): void {
    const advice = 'the log is not concerned; masters use another checkpoint: make a new one now (fsadmin journal checkpoint)';
    this.#problem({ what: `a checkpoint is bad: sn=${checkpoint.sn} id=${checkpoint.id}: ${what}`, advice });
  }

  #problem(problem: JournalProblem): void {
    this.#count.problems += 1;
    this.#doubtSn = Math.min(this.#doubtSn, problem.sn ?? Number.POSITIVE_INFINITY);
    this.#deps.problem(problem);
  }

  async #endReplay(): Promise<void> {
    this.#count.digests += this.#replay?.digestsCompared ?? 0;
    await this.#replay?.close();
    this.#replay = undefined;
  }
}

function publishedOf(summary: JournalSummary): StoredCheckpoint[] {
  return summary.checkpoints.filter(({ isPublished }) => isPublished).sort((a, b) => a.sn - b.sn);
}

function refOf({ sn, id }: StoredCheckpoint): CheckpointRef {
  return { sn: sn as Sequence, id };
}

function adviceFor({ sn, soundFrom }: JournalDamage, summary: JournalSummary): string {
  if (sn === 0)
    return 'masters that have applied everything go on: leave them running, make a checkpoint (fsadmin journal checkpoint), take a backup';
  const lost = soundFrom === undefined ? `entry ${sn} and all behind it` : `entries ${sn} to ${soundFrom - 1}`;
  const covering = soundFrom === undefined ? undefined : publishedOf(summary).findLast((checkpoint) => checkpoint.sn >= soundFrom - 1);
  if (covering !== undefined) {
    return `${lost} cannot be read; masters begin behind them, at the checkpoint of sn=${covering.sn}, and are not concerned: take a backup now`;
  }
  const needed = soundFrom === undefined ? summary.committedSn : soundFrom - 1;
  return (
    `${lost} cannot be read; masters that have applied sn=${needed} go on, others cannot catch up: do not restart the former, ` +
    `make a checkpoint from one (fsadmin journal checkpoint). If there is none, restore a backup (understudy restore), which reaches further than sn=${sn - 1}`
  );
}
