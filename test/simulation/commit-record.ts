/**
 * What all processes together were told is committed, and what their states were: one batch at each sequence number (I2), one digest of the
 * state at each (I4), and everything of it still on the chain at the end (I1).
 */
import type { Batch } from '../../src/journal/journal.js';
import type { CommitObserver } from './gated-seams.js';

interface Commit {
  readonly by: string;
  readonly epoch: number;
  readonly endSn: number;
  readonly hash: string;
}

export class CommitRecord implements CommitObserver {
  readonly violations: string[] = [];
  /** By the sequence number of the last entry. */
  readonly #commits = new Map<number, Commit>();
  readonly #digests = new Map<number, { by: string; digest: string }>();
  #highestSn = 0;

  /** Digests that were compared with one that was known already. */
  digestsCompared = 0;

  get highestSn(): number {
    return this.#highestSn;
  }

  get epochs(): number {
    return new Set([...this.#commits.values()].map(({ epoch }) => epoch)).size;
  }

  committed(by: string, epoch: number, _firstSn: number, endSn: number, hash: Uint8Array): void {
    const commit = { by, epoch, endSn, hash: Buffer.from(hash).toString('hex') };
    const known = this.#commits.get(endSn);
    if (known === undefined) this.#commits.set(endSn, commit);
    else if (known.hash !== commit.hash) this.violations.push(`I2: two batches end at sn ${endSn}: ${tell(known)} and ${tell(commit)}`);
    this.#highestSn = Math.max(this.#highestSn, endSn);
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
  }
}

function tell({ by, epoch, endSn, hash }: Commit): string {
  return `sn=${endSn} epoch=${epoch} by=${by} hash=${hash.slice(0, 12)}`;
}
