/**
 * What all processes together were told is committed, and what their states were. As it happens, and again when the world ends:
 *
 * - one batch at each sequence number, and all that was ever committed on the chain at the end (I1, I2);
 * - nothing is answered that is not committed, nor by a leader that may have been superseded when it was asked (I6);
 * - nothing is acknowledged by an epoch that asked for it after a later one had claimed (I2, I3), nor confirmed (I6);
 * - nothing is acknowledged, nor read as committed, before it is durable (I1);
 * - nothing is read as committed before its writer, or who claimed after it, was told so, where that is what makes it readable (I6);
 * - what a master writes into its store was committed before (I6: nothing is applied that a power cut can take back);
 * - what is made known to be kept stays known, so that who has nothing finds where to begin (I10): looked at by each claim;
 * - one digest of the state at each entry (I4); the cluster's time never goes back.
 */
import { boundarySn, type CheckpointRef, type Retention } from '../../src/journal/checkpoints.js';
import type { Batch } from '../../src/journal/journal.js';
import type { JournalObserver, ObservedBatch } from './observed-journal.js';

interface Commit {
  readonly by: string;
  readonly epoch: number;
  readonly endSn: number;
  readonly hash: string;
}

/** @returns whether the batch with this hash would be there after a power cut now; undefined where that cannot be told. */
type IsDurable = (hash: Uint8Array) => boolean | undefined;

/** @returns what a master that has nothing would find to be kept; undefined where that cannot be told. */
type Retained = () => Promise<Retention | undefined>;

export class CommitRecord implements JournalObserver {
  readonly violations: string[] = [];
  /** By the sequence number of the last entry. */
  readonly #commits = new Map<number, Commit>();
  readonly #digests = new Map<number, { by: string; digest: string }>();
  /** Who claimed each epoch. */
  readonly #claims = new Map<number, string>();
  /** When a host last proved that it was not superseded, by the clock of those who ask: it began a confirm, or ended an append. */
  readonly #proofs = new Map<string, number>();
  #isDurable: IsDurable = () => undefined;
  #retained: Retained = async () => undefined;
  /** The highest boundary that was made known. */
  #boundary: { readonly by: string; readonly sn: number } = { by: '', sn: 0 };
  /** The newest that was made known. */
  #kept: readonly CheckpointRef[] = [];
  /** Hashes of batches that were durable once: what is collected later has been. */
  readonly #durable = new Set<string>();
  /** Hashes of batches that a writer or a claim was told are committed. */
  readonly #acknowledged = new Set<string>();
  /** Epochs whose claims may have committed, and have not told of all that they adopted. */
  readonly #adopting = new Set<number>();
  readonly #isReadOnceTold: boolean;
  #highestSn = 0;
  #highestEpoch = 0;

  /** Digests that were compared with one that was known already. */
  digestsCompared = 0;
  /** Batches that were looked for in the storage at the moment at which a process was first told that they are committed. */
  durableChecked = 0;
  /** Claims after a boundary was made known, at which what is kept was looked for. */
  retentionsChecked = 0;
  /** Answers to reads that were held against what their leader had confirmed. */
  readsChecked = 0;
  /** Marks of stores that were compared with what was committed. */
  marksChecked = 0;

  /** @param isReadOnceTold readers find what is committed by marks, which are written once the writer knows; else by itself. */
  constructor(isReadOnceTold = false) {
    this.#isReadOnceTold = isReadOnceTold;
  }

  get highestSn(): number {
    return this.#highestSn;
  }

  get epochs(): number {
    return new Set([...this.#commits.values()].map(({ epoch }) => epoch)).size;
  }

  /** Looks in the storage for each batch that is told to be committed. */
  judgeDurability(isDurable: IsDurable): void {
    this.#isDurable = isDurable;
  }

  /** Looks for what is kept at each claim. */
  judgeRetention(retained: Retained): void {
    this.#retained = retained;
  }

  retained(by: string, retention: Retention): void {
    const sn = boundarySn(retention);
    if (sn > this.#boundary.sn) this.#boundary = { by, sn };
    if ((retention.checkpoints[0]?.sn ?? 0) > (this.#kept[0]?.sn ?? 0)) this.#kept = retention.checkpoints;
  }

  /** Checkpoints that a master which has nothing may begin with, as far as leaders were told that they have made them known. */
  get kept(): readonly CheckpointRef[] {
    return this.#kept;
  }

  async #checkRetained(epoch: number): Promise<void> {
    const { by, sn } = this.#boundary;
    const found = await this.#retained();
    if (found === undefined) return;
    if (sn > 0) this.retentionsChecked++;
    if (boundarySn(found) >= sn) return;
    this.violations.push(`I10: what is kept is not known any more: boundary=${sn} by=${by} found=${boundarySn(found)} epoch=${epoch}`);
  }

  committed(by: string, batch: ObservedBatch): void {
    this.#acknowledged.add(Buffer.from(batch.hash).toString('hex'));
    this.#take(by, batch);
  }

  read(by: string, batch: ObservedBatch): void {
    const hash = Buffer.from(batch.hash).toString('hex');
    const mayBeAdopted = [...this.#adopting].some((epoch) => epoch >= batch.epoch);
    if (this.#isReadOnceTold && !this.#acknowledged.has(hash) && !mayBeAdopted)
      this.violations.push(`I6: applied before it was committed: ${tell({ by, epoch: batch.epoch, endSn: batch.endSn, hash })}`);
    this.#take(by, batch);
  }

  adopting(epoch: number): void {
    if (!this.#claims.has(epoch)) this.#adopting.add(epoch);
  }

  #take(by: string, { epoch, endSn, hash }: ObservedBatch): void {
    const commit = { by, epoch, endSn, hash: Buffer.from(hash).toString('hex') };
    this.#checkDurable(commit, hash);
    const known = this.#commits.get(endSn);
    if (known === undefined) this.#commits.set(endSn, commit);
    else if (known.hash !== commit.hash) this.violations.push(`I2: two batches end at sn ${endSn}: ${tell(known)} and ${tell(commit)}`);
    this.#highestSn = Math.max(this.#highestSn, endSn);
  }

  claimed(by: string, epoch: number): void {
    const other = this.#claims.get(epoch);
    if (other !== undefined) this.violations.push(`I2: epoch ${epoch} was claimed twice: by=${other} by=${by}`);
    this.#claims.set(epoch, by);
    this.#adopting.delete(epoch);
    this.#highestEpoch = Math.max(this.#highestEpoch, epoch);
    this.#checkRetained(epoch).catch((error: unknown) => this.violations.push(`the check itself failed: ${String(error)}`));
  }

  /** @returns what is to be told when the append is acknowledged. */
  appending(by: string, epoch: number): (endSn: number, hash: Uint8Array) => void {
    const claimed = this.#highestEpoch;
    return (endSn, hash) => {
      if (claimed > epoch) {
        this.violations.push(`I2, I3: acknowledged, and begun after epoch ${claimed} was claimed: by=${by} epoch=${epoch} sn=${endSn}`);
      }
      this.committed(by, { epoch, endSn, hash });
    };
  }

  /** @returns what is to be told when the confirm holds. */
  confirming(by: string, epoch: number): () => void {
    const claimed = this.#highestEpoch;
    return () => {
      if (claimed > epoch) this.violations.push(`I3, I6: confirmed, and begun after epoch ${claimed} was claimed: by=${by} epoch=${epoch}`);
    };
  }

  #checkDurable(commit: Commit, hash: Uint8Array): void {
    if (this.#durable.has(commit.hash)) return;
    const isDurable = this.#isDurable(hash);
    if (isDurable === undefined) return;
    this.durableChecked++;
    if (isDurable) this.#durable.add(commit.hash);
    else this.violations.push(`I1: told to be committed before it was durable: ${tell(commit)}`);
  }

  proved(host: string, at: number): void {
    this.#proofs.set(host, Math.max(at, this.#proofs.get(host) ?? 0));
  }

  /** What its asker sent at `askedAt` was answered by `host`, as only a leader may that nobody has superseded. */
  answered(host: string, askedAt: number, what: string): void {
    this.readsChecked++;
    const provedAt = this.#proofs.get(host);
    if (provedAt === undefined || provedAt < askedAt) {
      this.violations.push(
        `I6: ${host} answered ${what} without having confirmed since it was asked: asked=${askedAt} confirmed=${provedAt}`,
      );
    }
  }

  /** `host` answered as of entry `sn`. */
  told(host: string, sn: number, what: string): void {
    if (sn <= this.#highestSn) return;
    this.violations.push(`I6: ${host} answered ${what} as of sn ${sn}, and no more is committed than sn ${this.#highestSn}`);
  }

  /** A store stands at `sn`. */
  written(by: string, sn: number, hash: Uint8Array): void {
    if (sn === 0) return;
    this.marksChecked++;
    const known = this.#commits.get(sn);
    const found = Buffer.from(hash).toString('hex');
    if (known?.hash === found) return;
    const instead = known === undefined ? 'nothing that is known' : tell(known);
    this.violations.push(`I6: ${by} wrote what was not committed: sn=${sn} hash=${found.slice(0, 12)}; committed: ${instead}`);
  }

  state(by: string, sn: number, digest: string): void {
    const known = this.#digests.get(sn);
    if (known === undefined) {
      this.#digests.set(sn, { by, digest });
      return;
    }
    this.digestsCompared++;
    if (known.digest !== digest) this.violations.push(`I4: states differ at sn ${sn}: ${known.by} ${known.digest}, ${by} ${digest}`);
  }

  /** The journal as it is at the end has to hold all that was ever committed, and nothing may lie across it. */
  compareWithChain(chain: readonly Batch[]): void {
    const atEnd = new Map(chain.map((batch) => [batch.firstSn + batch.entries.length - 1, Buffer.from(batch.hash).toString('hex')]));
    for (const commit of this.#commits.values()) {
      if (atEnd.get(commit.endSn) !== commit.hash)
        this.violations.push(`I1, I2: committed, and not on the chain at the end: ${tell(commit)}`);
    }
    for (const [at, { firstSn, timeMs }] of chain.entries()) {
      const beforeMs = chain[at - 1]?.timeMs ?? 0;
      if (timeMs < beforeMs) this.violations.push(`time: it goes back at sn ${firstSn}: from=${beforeMs} to=${timeMs}`);
    }
  }
}

function tell({ by, epoch, endSn, hash }: Commit): string {
  return `sn=${endSn} epoch=${epoch} by=${by} hash=${hash.slice(0, 12)}`;
}
