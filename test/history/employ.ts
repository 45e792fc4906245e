/** The work of real clients for a recorded history: each has some workers, of which one only looks, and a watcher. */
import type { Clock } from '../../src/base/clock.js';
import type { FileSystem } from '../../src/client/file-system.js';
import type { SeededRandom } from '../simulation/seeded-random.js';
import { HistoryWatcher } from './history-watcher.js';
import type { Workload } from './workload.js';

const WORKERS_PER_CLIENT = 3;
const WATCHES = { watchMs: [200, 4_000], entriesBack: 500 } as const;

/** Lets all clients work until the workload stops. @returns what resolves when they have. */
export async function employ(workload: Workload, clients: readonly FileSystem[], clock: Clock, random: SeededRandom): Promise<void> {
  const working = clients.flatMap((files, client) => {
    const name = `c${client + 1}`;
    const depsOf = (process: string) => ({ files, clock, random: random.fork(process) });
    const workers = Array.from({ length: WORKERS_PER_CLIENT }, (_, worker) => {
      const process = `${name}.${worker + 1}`;
      // Nothing else tells one that only looks that its leader is superseded.
      return workload.work(process, process, depsOf(process), worker === 0);
    });
    const watcher = new HistoryWatcher(`${name}.watch`, depsOf(`${name}.watch`), workload.recorder);
    return [...workers, watcher.run(workload, WATCHES)];
  });
  await Promise.all(working);
}
