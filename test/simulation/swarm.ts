/**
 * Draws a world's settings from its seed. Each seed has some kinds of fault on and others off, more or less of them, more or less load, fast or
 * slow parts: worlds that all have everything look alike, and hide what only shows where something is missing (swarm testing).
 */
import { FAULT_NAMES, type FaultName, WORKER_FAULT_NAMES } from './faults/kinds.js';
import { drawSchedule, merged, type ScheduledFault } from './schedule.js';
import { SeededRandom } from './seeded-random.js';
import { type MasterTuning, PLAIN, type Range, type Storage, type WorkerTuning, type WorldSettings } from './world-settings.js';

/** Of all kinds of fault, so large a part is on: where it is only a few, each comes often. */
const KINDS_ON = [0.05, 0.2, 0.6] as const;
/** What leaves a leader at work beside its successor: most rules of the journals are about that. In some worlds nothing else happens. */
const DEPOSING: readonly FaultName[] = [
  'strand the leader with a client',
  'cut the leader from the journal, and depose it',
  'pause a master',
  'expire a session',
];
/** The same, of a bucket. */
const DEPOSING_AT_BUCKET: readonly FaultName[] = [
  ...DEPOSING,
  'hold what the journal answers the leader, and depose it',
  'stall a claim, and let the leader go on',
];
const ONLY_DEPOSING = 0.2;
/** What leaves of a folder's writes a part: what the rules about syncs and torn pages are for. The same. */
const LOSING: readonly FaultName[] = ['fail syncs of the journal', 'cut all power amid a write to the journal', 'kill a master'];
const ONLY_LOSING = 0.15;
const LIFE_MS = [400, 6_000] as const;
/** Share of the worlds in which there are workers. */
const WITH_WORKERS = 0.5;
/** Operations that the clients of a world together begin in a second, were they answered at once: from calm to hard. */
const OPERATIONS_PER_SECOND = [15, 250] as const;
const PAUSE_MS_MIN = 0.2;

export function drawSettings(seed: number): WorldSettings {
  const random = new SeededRandom(seed, 'swarm');
  const cast = random.fork('cast');
  const speeds = random.fork('speeds');
  const faults = random.fork('faults');
  const lifeMs = Math.round(cast.between(...LIFE_MS));
  const clients = cast.pick([1, 2, 2, 3]);
  const workersPerClient = cast.pick([1, 2, 4, 4, 6]);
  const meanPauseMs = (1_000 * clients * workersPerClient) / cast.between(...OPERATIONS_PER_SECOND);
  const storage = seed % 2 === 1 ? 'bucket' : 'folder';
  const kinds = chosenKinds(faults.fork('kinds'), storage);
  const perSecond = faults.between(0.3, 7);
  const bytes = random.fork('bytes');
  const blockWorkers = bytes.chance(WITH_WORKERS) ? bytes.pick([2, 3, 3]) : 0;
  const ofWorkers = blockWorkers === 0 ? [] : drawWorkerFaults(bytes.fork('faults'), lifeMs);
  return {
    lifeMs,
    masters: cast.pick([2, 3, 3, 3, 4]),
    observers: cast.chance(0.2) ? 1 : 0,
    clients,
    workersPerClient,
    blockWorkers,
    pauseMs: [PAUSE_MS_MIN, round(longestPauseMs(meanPauseMs))],
    storage,
    storageMs: range(speeds, [0.02, 0.2], [0.3, 40]),
    pollIntervalMs: round(storage === 'bucket' ? speeds.between(5, 250) : speeds.between(2, 60)),
    diskMs: range(speeds, [0.05, 0.1], [0.2, 50]),
    networkMs: range(speeds, [0.02, 0.5], [0.5, 20]),
    sessionTimeoutMs: round(speeds.between(500, 6_000)),
    master: drawTuning(random.fork('master')),
    worker: blockWorkers === 0 ? PLAIN.worker : drawWorkers(bytes.fork('tuning')),
    faults: merged(drawSchedule(faults.fork('schedule'), { kinds, perSecond, lifeMs }), ofWorkers),
    faultStretch: round(faults.between(0.2, 1.5)),
  };
}

function chosenKinds(random: SeededRandom, storage: Storage): readonly FaultName[] {
  if (random.chance(ONLY_DEPOSING)) return storage === 'bucket' ? DEPOSING_AT_BUCKET : DEPOSING;
  if (storage === 'folder' && random.chance(ONLY_LOSING)) return LOSING;
  const part = random.pick(KINDS_ON);
  const kinds = FAULT_NAMES.filter(() => random.chance(part));
  return kinds.length === 0 ? FAULT_NAMES : kinds;
}

/** What befalls workers, beside what befalls all: little of it in many worlds, so that what masters do to them is seen by itself. */
function drawWorkerFaults(random: SeededRandom, lifeMs: number): ScheduledFault[] {
  const part = random.pick([0, ...KINDS_ON]);
  const kinds = WORKER_FAULT_NAMES.filter(() => random.chance(part));
  return drawSchedule(random.fork('schedule'), { kinds, perSecond: random.between(0.2, 4), lifeMs });
}

/** @returns the longest pause of those that are drawn by their logarithm and whose mean is this. */
function longestPauseMs(meanMs: number): number {
  let longest = meanMs;
  for (let round = 0; round < 20; round++) longest = PAUSE_MS_MIN + meanMs * Math.log(longest / PAUSE_MS_MIN);
  return longest;
}

/** As a rule a master is as the plain one; where it differs, its bounds are small enough that a short life meets them. */
function drawTuning(random: SeededRandom): MasterTuning {
  const { master } = PLAIN;
  const either = (plain: number, low: number, high: number) => (random.chance(0.5) ? plain : Math.round(random.between(low, high)));
  return {
    checkpointPeriodEntries: either(master.checkpointPeriodEntries, 6, 200),
    checkpointsKept: either(master.checkpointsKept, 1, 4),
    heartbeatIntervalMs: either(master.heartbeatIntervalMs, 20, 500),
    leaderPingTimeoutMs: either(master.leaderPingTimeoutMs, 300, 4_000),
    expelIntervalMs: either(master.expelIntervalMs, 200, 4_000),
    incumbentGraceMs: either(master.incumbentGraceMs, 100, 4_000),
    digestIntervalBatches: either(master.digestIntervalBatches, 2, 100),
    flushRows: either(master.flushRows, 8, 1_000),
    flushIntervalMs: either(master.flushIntervalMs, 20, 1_000),
    inodeCacheMax: either(master.inodeCacheMax, 4, 1_000),
    recentBytesMax: either(master.recentBytesMax, 2_000, 200_000),
    queueMax: either(master.queueMax, 4, 64),
  };
}

function drawWorkers(random: SeededRandom): WorkerTuning {
  const { worker } = PLAIN;
  const either = (plain: number, low: number, high: number) => (random.chance(0.5) ? plain : Math.round(random.between(low, high)));
  return {
    timeoutMs: either(worker.timeoutMs, 3_000, 10_000),
    diskMs: range(random, [0.02, 0.1], [0.1, 20]),
    quotaBytes: either(worker.quotaBytes, 1 << 20, 16 << 20),
    diskCheckIntervalMs: either(worker.diskCheckIntervalMs, 100, 5_000),
    scrubBytesPerSecond: random.chance(0.3) ? 0 : either(worker.scrubBytesPerSecond, 1 << 18, 64 << 20),
    scrubIntervalMs: either(worker.scrubIntervalMs, 1_000, 10_000),
    pauseMs: [worker.pauseMs[0], round(random.between(20, 500))],
  };
}

function range(random: SeededRandom, low: Range, high: Range): Range {
  return [round(random.between(...low)), round(random.between(...high))];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
