/**
 * Draws a world's settings from its seed. Each seed has some kinds of fault on and others off, more or less of them, more or less load, fast or
 * slow parts: worlds that all have everything look alike, and hide what only shows where something is missing (swarm testing).
 */
import { FAULT_NAMES, type FaultName } from './faults/kinds.js';
import { drawSchedule } from './schedule.js';
import { SeededRandom } from './seeded-random.js';
import { type MasterTuning, PLAIN, type Range, type WorldSettings } from './world-settings.js';

/** Of all kinds of fault, so large a part is on: where it is only a few, each comes often. */
const KINDS_ON = [0.05, 0.2, 0.6] as const;
/** What leaves a leader at work beside its successor: most rules of the journals are about that. In some worlds nothing else happens. */
const DEPOSING: readonly FaultName[] = [
  'strand the leader with a client',
  'cut the leader from the journal, and depose it',
  'pause a master',
  'expire a session',
];
const ONLY_DEPOSING = 0.2;
const LIFE_MS = [400, 6_000] as const;
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
  const kinds = chosenKinds(faults.fork('kinds'));
  return {
    lifeMs,
    masters: cast.pick([2, 3, 3, 3, 4]),
    observers: cast.chance(0.2) ? 1 : 0,
    clients,
    workersPerClient,
    pauseMs: [PAUSE_MS_MIN, round(longestPauseMs(meanPauseMs))],
    storage,
    storageMs: range(speeds, [0.02, 0.2], [0.3, 40]),
    pollIntervalMs: round(storage === 'bucket' ? speeds.between(5, 250) : speeds.between(2, 60)),
    diskMs: range(speeds, [0.05, 0.1], [0.2, 50]),
    networkMs: range(speeds, [0.02, 0.5], [0.5, 20]),
    sessionTimeoutMs: round(speeds.between(500, 6_000)),
    master: drawTuning(random.fork('master')),
    faults: drawSchedule(faults.fork('schedule'), { kinds, perSecond: faults.between(0.3, 7), lifeMs }),
    faultStretch: round(faults.between(0.2, 1.5)),
  };
}

function chosenKinds(random: SeededRandom): readonly FaultName[] {
  if (random.chance(ONLY_DEPOSING)) return DEPOSING;
  const part = random.pick(KINDS_ON);
  const kinds = FAULT_NAMES.filter(() => random.chance(part));
  return kinds.length === 0 ? FAULT_NAMES : kinds;
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

function range(random: SeededRandom, low: Range, high: Range): Range {
  return [round(random.between(...low)), round(random.between(...high))];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
