/**
 * The clients of a recorded history, in one process: each has an address of its own, so that the network may be cut for one and not for another while
 * they fight over the same names; each has workers and a watcher.
 */
import { employ } from '../history/employ.js';
import { Recorder } from '../history/recorder.js';
import { FileSink } from '../history/sinks.js';
import { Workload } from '../history/workload.js';
import { drawMix } from '../history/workload-mix.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import type { ClientTask } from './client-process.js';
import { connectFrom } from './connect-from.js';
import { machineClock } from './monotonic-clock.js';

const MIX = { arenaOperations: [150, 600], thinkMs: [10, 80] } as const;

export async function runClients({ file, seed, user, masters, addresses }: ClientTask, stopped: Promise<void>): Promise<void> {
  const random = new SeededRandom(seed, 'clients');
  const sink = new FileSink(file);
  const recorder = new Recorder(sink, machineClock, { clock: 'CLOCK_MONOTONIC', about: { seed } });
  const workload = new Workload(drawMix(random.fork('mix'), MIX), recorder);
  const files = addresses.map((address) => connectFrom(address, { user, masters }));
  const working = employ(workload, files, machineClock, random);
  await stopped;
  workload.stopping = true;
  await working;
  const [judge] = files;
  if (judge !== undefined) await workload.finish('judge.1', { files: judge, clock: machineClock });
  await Promise.all(files.map((fs) => fs.close()));
  await sink.close();
}
