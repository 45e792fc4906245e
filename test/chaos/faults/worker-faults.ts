/** Workers that are killed, stopped or told to end; their disks that go, come back, fill up, refuse writes or are replaced; and blocks that rot. */

import { Unwritable } from '../../servers/storage.js';
import type { SeededRandom } from '../../simulation/seeded-random.js';
import type { ChaosWorker } from '../chaos-worker.js';
import type { Fault } from '../fault.js';
import type { WorkerDisk } from '../worker-disk.js';
import { WORKER_AWAY_MAX_MS, WORKER_TIMEOUT_MS, type World } from '../world.js';

const LONGER_THAN_ITS_TIMEOUT = [WORKER_TIMEOUT_MS + 500, WORKER_AWAY_MAX_MS] as const;
const ROTTEN_MAX = 8;

type Choose = (world: World, random: SeededRandom) => readonly ChaosWorker[];

const oneWorker: Choose = ({ workers }, random) => [random.pick(workers)];
const everyWorker: Choose = ({ workers }) => workers;

/** Ends workers; while they are gone, something may become of their disks. */
function ended(
  choose: Choose,
  signal: NodeJS.Signals,
  spoil: (worker: ChaosWorker, world: World, random: SeededRandom) => void = () => {},
): Fault['begin'] {
  return async (world, random) => {
    const workers = choose(world, random);
    for (const worker of workers) worker.hold(signal);
    return async () => {
      await Promise.all(workers.map((worker) => worker.ended()));
      try {
        for (const worker of workers) spoil(worker, world, random);
      } finally {
        for (const worker of workers) worker.release();
      }
    };
  };
}

function stopped(choose: Choose): Fault['begin'] {
  return async (world, random) => {
    const continues = choose(world, random).map((worker) => worker.stop());
    return () => {
      for (const resume of continues) resume();
    };
  };
}

/** Of one disk. @param begin returns what undoes it. */
function onDisk(begin: (disk: WorkerDisk) => () => void): Fault['begin'] {
  return async ({ workers }, random) => begin(random.pick(random.pick(workers).disks));
}

const replaceDisk = (worker: ChaosWorker, { copies }: World, random: SeededRandom) => copies.replace(random.pick(worker.disks));

function replaceAllDisks(worker: ChaosWorker, { copies }: World): void {
  for (const disk of worker.disks) copies.replace(disk);
}

const kinds: readonly Fault[] = [
  { name: 'worker killed', lastsMs: [500, 5_000], begin: ended(oneWorker, 'SIGKILL') },
  { name: 'worker killed, back at once', lastsMs: [0, 50], begin: ended(oneWorker, 'SIGKILL') },
  { name: 'all workers killed', lastsMs: [0, 2_000], begin: ended(everyWorker, 'SIGKILL') },
  { name: 'worker told to end', lastsMs: [500, 3_000], begin: ended(oneWorker, 'SIGTERM') },
  { name: 'worker stopped', lastsMs: LONGER_THAN_ITS_TIMEOUT, begin: stopped(oneWorker) },
  { name: 'worker stopped briefly', lastsMs: [50, 1_500], begin: stopped(oneWorker) },
  { name: 'all workers stopped', lastsMs: [500, 2 * WORKER_TIMEOUT_MS], begin: stopped(everyWorker) },
  { name: "worker's disk away", lastsMs: [500, 6_000], begin: onDisk((disk) => disk.takeAway()) },
  {
    name: "worker's disk full",
    lastsMs: [1_000, 5_000],
    begin: onDisk((disk) => {
      disk.fill();
      return () => disk.clear();
    }),
  },
  { name: "worker's disk read-only", lastsMs: [500, 4_000], begin: onDisk((disk) => new Unwritable(disk.place).close) },
  { name: 'worker killed, disk replaced', lastsMs: [0, 3_000], begin: ended(oneWorker, 'SIGKILL', replaceDisk) },
  { name: 'worker killed, all its disks replaced', lastsMs: [0, 3_000], begin: ended(oneWorker, 'SIGKILL', replaceAllDisks) },
  {
    name: 'blocks rot',
    lastsMs: [0, 1_000],
    async begin({ workers, copies }, random) {
      for (let count = 1 + random.below(ROTTEN_MAX); count > 0; count--) copies.rot(random.pick(workers), random);
      return () => {};
    },
  },
];

/** None of them is to keep the namespace from changing. */
export const workerFaults: readonly Fault[] = kinds.map((kind) => ({ ...kind, promisedMs: 0, hits: 'files' }));
