/**
 * The figures to reach on two cores, master and client together, by the name of the figure.
 */
export interface Target {
  readonly atLeast?: number;
  readonly below?: number;
  readonly p50BelowMs?: number;
  /** The target is one for this many files. */
  readonly files?: number;
}

/** Session time-out of the takeovers by ZooKeeper. */
export const SESSION_TIMEOUT_MS = 4_000;

const MILLION = 1_000_000;

export const TARGETS: Readonly<Record<string, Target>> = {
  'create-1': { p50BelowMs: 0.5 },
  'create-256': { atLeast: 20_000 },
  'create-2048': { atLeast: 30_000 },
  's3-create-2048-slow': { atLeast: 10_000 },
  'complete-two-calls': { atLeast: 15_000 },
  'complete-one-call': { atLeast: 25_000 },
  'add-blocks': { atLeast: 5_000 },
  'checked-create': { atLeast: 25_000 },
  'checked-status': { atLeast: 60_000 },
  'get-status': { atLeast: 100_000 },
  'load-folder': { atLeast: 50_000 },
  'store-bytes': { below: 350 },
  'remove-full': { below: 5, files: MILLION },
  'list-1000': { atLeast: 400_000 },
  rename: { atLeast: 25_000 },
  remove: { atLeast: 25_000 },
  'replay-seconds': { below: 14, files: MILLION },
  'checkpoint-seconds': { below: 15, files: MILLION },
  'checkpoint-create-p99': { below: 2 },
  'bootstrap-seconds': { below: 15, files: MILLION },
  'memory-full': { below: 700, files: MILLION },
  'data-write': { atLeast: 500 },
  'data-read-ratio': { atLeast: 0.8 },
  'data-read-socket': { atLeast: 800 },
  'data-read-lent': { atLeast: 800 },
  'data-random': { p50BelowMs: 2 },
  'data-small-write': { atLeast: 4_000 },
  'data-small-read': { atLeast: 8_000 },
  'data-client-memory': { below: 300 },
  'data-worker-memory': { below: 300 },
  'data-takeover-close': { below: 1_000 },
  'worker-register': { below: 10 },
  'worker-register-others': { below: 20 },
  'worker-register-turn': { below: 20 },
  'worker-register-memory': { below: 100 },
  'web-status-creates': { atLeast: 3_000 },
  'web-status-cost': { atLeast: 0.9 },
  'webhdfs-status': { atLeast: 5_000 },
  'webhdfs-list': { atLeast: 150 },
  'scrape-cost': { below: 5 },
  'standby-lag': { below: 10 },
  'standby-lag-s3': { below: 10 },
  'standby-achieved': { atLeast: 0.95 },
  'standby-cost': { below: 1.15 },
  'takeover-zookeeper-sigkill': { below: 600, p50BelowMs: 300 },
  'takeover-zookeeper-large-sigkill': { below: 600, p50BelowMs: 300 },
  'takeover-zookeeper-sigterm': { below: 100 },
  'takeover-zookeeper-transfer': { below: 100 },
  'takeover-zookeeper-large-transfer': { below: 100 },
  'takeover-embedded-sigkill': { below: 600, p50BelowMs: 300 },
  'takeover-embedded-sigterm': { below: 100 },
  'takeover-embedded-transfer': { below: 100 },
};
