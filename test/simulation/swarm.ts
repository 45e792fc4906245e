/**
 * Draws a world's settings from its seed. Each seed has some kinds of fault on and others off, more or less of them, more or less load, fast or
 * slow parts: worlds that all have everything look alike, and hide what only shows where something is missing (swarm testing).
 */
import { FAULT_NAMES, type FaultName } from './faults/kinds.js';
import { drawSchedule } from './schedule.js';
import { SeededRandom } from './seeded-random.js';
import { type MasterTuning, PLAIN, type Range, type WorldSettings } from './world-settings.js';

const KIND_IS_ON = 0.6;

/** @param only these kinds of fault, all of them; by default a choice among all. */
export function drawSettings(seed: number, only?: readonly FaultName[]): WorldSettings {
  const random = new SeededRandom(seed, 'swarm');
  const cast = random.fork('cast');
  const speeds = random.fork('speeds');
  const faults = random.fork('faults');
  const lifeMs = Math.round(cast.between(1_000, 12_000));
  const slowest = cast.between(5, 150);
  const kinds = only ?? chosenKinds(faults.fork('kinds'));
  return {
    lifeMs,
    masters: cast.pick([2, 3, 3, 3, 4]),
    observers: cast.chance(0.2) ? 1 : 0,
    clients: cast.pick([1, 2, 2, 3]),
    workersPerClient: cast.pick([1, 2, 4, 4, 6]),
    pauseMs: [0.2, round(slowest)],
    storage: seed % 2 === 1 ? 'bucket' : 'folder',
    storageMs: range(speeds, [0.02, 0.2], [0.3, 40]),
    pollIntervalMs: round(speeds.between(1, 100)),
    diskMs: range(speeds, [0.05, 0.1], [0.2, 50]),
    networkMs: range(speeds, [0.02, 0.5], [0.5, 20]),
    sessionTimeoutMs: round(speeds.between(500, 6_000)),
    master: drawTuning(random.fork('master')),
    faults: drawSchedule(faults.fork('schedule'), { kinds, perSecond: faults.between(0.3, 7), lifeMs }),
    faultStretch: round(faults.between(0.2, 1.5)),
  };
}

function chosenKinds(random: SeededRandom): readonly FaultName[] {
  const kinds = FAULT_NAMES.filter(() => random.chance(KIND_IS_ON));
  return kinds.length === 0 ? FAULT_NAMES : kinds;
}

/** As a rule a master is as the plain one; where it differs, its bounds are small enough that a short life meets them. */
function drawTuning(random: SeededRandom): MasterTuning {
  const { master } = PLAIN;
  const either = (plain: number, low: number, high: number) => (random.chance(0.5) ? plain : Math.round(random.between(low, high)));
  return {
    checkpointPeriodEntries: either(master.checkpointPeriodEntries, 8, 500),
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
