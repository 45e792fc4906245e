/**
 * Everything that makes one world other than another, beside its seed: plain data, so that a world can be printed, shrunk and lived again.
 * swarm.ts draws it from a seed; `--settings JSON` changes parts of it.
 */
import type { ScheduledFault } from './schedule.js';

/** Where the journal lives. */
export type Storage = 'folder' | 'bucket';

/** Low and high end of what is drawn each time, in milliseconds. */
export type Range = readonly [lowMs: number, highMs: number];

/** Settings of the masters that change what happens in a short life. */
export interface MasterTuning {
  readonly checkpointPeriodEntries: number;
  readonly checkpointsKept: number;
  readonly heartbeatIntervalMs: number;
  readonly leaderPingTimeoutMs: number;
  readonly expelIntervalMs: number;
  readonly incumbentGraceMs: number;
  readonly digestIntervalBatches: number;
  readonly flushRows: number;
  readonly flushIntervalMs: number;
  readonly inodeCacheMax: number;
  readonly recentBytesMax: number;
  readonly queueMax: number;
}

/** Settings of the workers, and of the files that they hold; likewise. */
export interface WorkerTuning {
  /** A master takes one for lost that says nothing for so long. */
  readonly timeoutMs: number;
  /** One operation of a worker's disk. */
  readonly diskMs: Range;
  readonly quotaBytes: number;
  readonly diskCheckIntervalMs: number;
  readonly scrubBytesPerSecond: number;
  readonly scrubIntervalMs: number;
  /** Between two operations of a client with the contents of files. */
  readonly pauseMs: Range;
}

export interface WorldSettings {
  /** Virtual milliseconds under faults. */
  readonly lifeMs: number;
  readonly masters: number;
  readonly observers: number;
  readonly clients: number;
  readonly workersPerClient: number;
  /** Processes that keep the bytes of files. */
  readonly blockWorkers: number;
  /** Between two operations of a worker. */
  readonly pauseMs: Range;
  readonly storage: Storage;
  /** Of the journal's storage: one step of it. */
  readonly storageMs: Range;
  /** A reader of the journal looks again so often. */
  readonly pollIntervalMs: number;
  /** Of a master's own key-value store: one write. */
  readonly diskMs: Range;
  /** From host to host, each way. */
  readonly networkMs: Range;
  /** Of the election service. */
  readonly sessionTimeoutMs: number;
  readonly master: MasterTuning;
  readonly worker: WorkerTuning;
  readonly faults: readonly ScheduledFault[];
  /** Faults that last take so many times as long as they would. */
  readonly faultStretch: number;
}

/** A calm, quick world: what the shrinker goes to. */
export const PLAIN: WorldSettings = {
  lifeMs: 2_000,
  masters: 2,
  observers: 0,
  clients: 1,
  workersPerClient: 2,
  blockWorkers: 0,
  pauseMs: [1, 30],
  storage: 'folder',
  storageMs: [0.1, 1],
  pollIntervalMs: 5,
  diskMs: [0.1, 1],
  networkMs: [0.1, 0.5],
  sessionTimeoutMs: 2_000,
  master: {
    checkpointPeriodEntries: 30,
    checkpointsKept: 1,
    heartbeatIntervalMs: 100,
    leaderPingTimeoutMs: 1_000,
    expelIntervalMs: 1_000,
    incumbentGraceMs: 2_000,
    digestIntervalBatches: 20,
    flushRows: 200,
    flushIntervalMs: 300,
    inodeCacheMax: 64,
    recentBytesMax: 20_000,
    queueMax: 1_024,
  },
  worker: {
    timeoutMs: 30_000,
    diskMs: [0.05, 0.5],
    quotaBytes: 16 << 20,
    diskCheckIntervalMs: 500,
    scrubBytesPerSecond: 10 << 20,
    scrubIntervalMs: 1_000,
    pauseMs: [1, 60],
  },
  faults: [],
  faultStretch: 1,
};
