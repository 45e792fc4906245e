/**
 * The clients of a recorded history, in one process: each has an address of its own, so that the network may be cut for one and not for another while
 * they fight over the same names; each has workers and a watcher.
 */
import { silentLog } from '../../src/base/log.js';
import { systemRandom } from '../../src/base/system-random.js';
import { Client } from '../../src/client/client.js';
import { DEFAULT_CLIENT_SETTINGS } from '../../src/client/client-settings.js';
import { FileSystem } from '../../src/client/file-system.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { tcpNetworkFrom } from '../../src/rpc/tcp-network.js';
import { HistoryWatcher } from '../history/history-watcher.js';
import { Recorder } from '../history/recorder.js';
import { FileSink } from '../history/sinks.js';
import { Workload } from '../history/workload.js';
import { drawMix } from '../history/workload-mix.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import type { ClientTask } from './client-process.js';
import { machineClock } from './monotonic-clock.js';

const WORKERS_PER_CLIENT = 3;
const MIX = { arenaOperations: [150, 600], thinkMs: [10, 80] } as const;
const WATCHES = { watchMs: [200, 5_000], entriesBack: 500 } as const;

export async function runClients({ file, seed, user, masters, addresses }: ClientTask, stopped: Promise<void>): Promise<void> {
  const random = new SeededRandom(seed, 'clients');
  const sink = new FileSink(file);
  const recorder = new Recorder(sink, machineClock, { clock: 'CLOCK_MONOTONIC', about: { seed } });
  const workload = new Workload(drawMix(random.fork('mix'), MIX), recorder);
  const files = addresses.map((address) => connect(address, user, masters));
  const working = files.flatMap((fs, client) => {
    const name = `c${client + 1}`;
    const depsOf = (part: string) => ({ files: fs, clock: machineClock, random: random.fork(part) });
    const workers = Array.from({ length: WORKERS_PER_CLIENT }, (_, worker) => {
      const process = `${name}.${worker + 1}`;
      // One of each client's only looks: nothing else tells it that its leader is superseded.
      return workload.work(process, process, depsOf(process), worker === 0);
    });
    return [...workers, new HistoryWatcher(`${name}.watch`, depsOf(`${name}.watch`), recorder).run(workload, WATCHES)];
  });
  await stopped;
  workload.stopping = true;
  await Promise.all(working);
  const [judge] = files;
  if (judge !== undefined) await workload.finish('judge.1', { files: judge, clock: machineClock });
  await Promise.all(files.map((fs) => fs.close()));
  await sink.close();
}

/** A client whose connections come from `address`; it finds the leader among `masters`. */
function connect(address: string, user: string, masters: readonly string[]): FileSystem {
  const deps = { clock: machineClock, random: systemRandom, log: silentLog, network: tcpNetworkFrom(address) };
  const client = new Client(
    { ...DEFAULT_CLIENT_SETTINGS, user, group: user, masters },
    { ...deps, connect: (master, signal) => connectRpc(RPC_CLIENT_DEFAULTS, deps, master, signal) },
  );
  return new FileSystem(client);
}
