/**
 * What a fork's journal is to hold: another cluster's state as one checkpoint, under a cluster id of its own, and behind it what begins the fork:
 * a claim, in the epoch after the last one there; the entry that says what it is a fork of; and a retention, which names that checkpoint. Where
 * the other journal did not have the feature yet, an entry before it switches that on.
 */
import type { Clock } from '../base/clock.js';
import { epoch, sequence } from '../base/ids.js';
import type { Random } from '../base/random.js';
import type { Retention } from '../journal/checkpoints.js';
import type { Batch } from '../journal/journal.js';
import type { EpochPoint, JournalContents } from '../journal/journal-contents.js';
import { encodeCheckpoint } from './checkpoint-writer.js';
import { type CarriedCheckpoint, closingBatches, retentionOf } from './closing-batches.js';
import type { Entry } from './entries.js';
import { FEATURES, type Features } from './features.js';
import type { Fork } from './fork.js';
import { STATE_RANGE } from './keys.js';
import type { StateAt } from './state-at.js';

interface Forking {
  readonly fork: Fork;
  /** Its head has the cluster id of the fork. */
  readonly checkpoint: CarriedCheckpoint;
  /** Of the other journal. */
  readonly features: Features;
  readonly claim: ForkDeps['claim'];
  /** 16 random bytes. */
  readonly writerId: Uint8Array;
  /** @returns the checkpoint's bytes. */
  readonly read: () => AsyncIterable<Uint8Array>;
}

export interface ForkDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Who forks. */
  readonly claim: { readonly host: string; readonly owner: string; readonly group: string };
  /** Keeps the checkpoint until the fork is made: its length stands in the log. @throws what `chunks` throws. */
  keep(chunks: AsyncIterable<Uint8Array>): Promise<{ readonly bytes: number; readonly read: () => AsyncIterable<Uint8Array> }>;
}

const CHUNK_ROWS = 500;

/** @param sourceId the other cluster, whose state this is. @throws `corrupt`: its rows do not add up. */
export async function forkState(sourceId: string, { kv, mark, features }: StateAt, deps: ForkDeps): Promise<JournalContents> {
  const { clock, random, claim, keep } = deps;
  const hex = (bytes: number): string => Buffer.from(random.bytes(bytes)).toString('hex');
  const { flush: _, ...place } = mark;
  const head = { ...place, clusterId: `cluster-${hex(8)}` };
  const snapshot = kv.snapshot();
  try {
    const chunks = encodeCheckpoint(head, snapshot.rows(STATE_RANGE, CHUNK_ROWS), () => Promise.resolve());
    const { bytes, read } = await keep(chunks);
    const fork = { clusterId: sourceId, sn: mark.sn, forkedMs: Math.floor(clock.wallMs()) };
    const checkpoint = { head, id: hex(16), bytes };
    return new ForkedContents({ fork, checkpoint, read, features, claim, writerId: random.bytes(16) });
  } finally {
    await snapshot.close();
  }
}

class ForkedContents implements JournalContents {
  readonly clusterId: string;
  readonly forkedFrom: string;
  readonly begin: EpochPoint;
  readonly #forking: Forking;

  constructor(forking: Forking) {
    const { clusterId, sn, hash, epoch: last } = forking.checkpoint.head;
    this.clusterId = clusterId;
    this.forkedFrom = `${forking.fork.clusterId}@${sn}`;
    this.begin = { epoch: epoch(last), point: { sn: sequence(sn), hash } };
    this.#forking = forking;
  }

  async *batches(): AsyncGenerator<Batch> {
    const { fork, checkpoint, features, claim, writerId } = this.#forking;
    const timeMs = Math.max(fork.forkedMs, checkpoint.head.timeMs);
    const claimed = epoch(this.begin.epoch + 1);
    const missing = FEATURES.filter(({ name, kinds }) => kinds.includes('fork') && !features.has(name));
    const enabling = missing.map(({ name, since }): Entry => ({ enableFeatures: { features: [{ name, since }] } }));
    const retention = retentionOf(this.begin, checkpoint, timeMs);
    const entries: Entry[] = [{ claim: { epoch: claimed, ...claim } }, ...enabling, { fork: { fork } }, { retention }];
    yield* closingBatches(this.begin.point, entries, { epoch: claimed, writerId, timeMs });
  }

  async retention(): Promise<Retention> {
    const { head, id } = this.#forking.checkpoint;
    return { checkpoints: [{ sn: sequence(head.sn), id }], boundary: this.begin };
  }

  checkpoint(): AsyncIterable<Uint8Array> {
    return this.#forking.read();
  }
}
