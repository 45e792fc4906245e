/**
 * `understudy worker`: composes a worker out of the real clock, TCP, this machine's disks and a client of the masters, and runs it until it is told
 * to stop.
 *
 * SIGTERM and SIGINT stop it in order; a second one ends it at once, which loses nothing that was sealed.
 */
import { Command } from 'commander';
import type { Log } from '../base/log.js';
import { systemClock } from '../base/system-clock.js';
import { systemFiles } from '../base/system-file.js';
import { lockFile } from '../base/system-lock.js';
import { systemRandom } from '../base/system-random.js';
import { deferred } from '../base/wait.js';
import { FileSystem } from '../client/file-system.js';
import type { LoadedSettings } from '../config/load-settings.js';
import { operations } from '../metadata/operations.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../rpc/rpc-connection.js';
import { tcpNetwork } from '../rpc/tcp-network.js';
import { PromMetrics } from '../telemetry/prom-metrics.js';
import { UnderStores } from '../underfs/under-stores.js';
import { WorkerWebServer } from '../web/worker-web-server.js';
import { TieredStore } from '../worker/tiered-store.js';
import { UnderMounts } from '../worker/under-mounts.js';
import { Worker } from '../worker/worker.js';
import { readCluster, writeCluster } from '../worker/worker-cluster.js';
import { clientPlaces, openClient } from './connect.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT, sentenceOf } from './exit-code.js';
import { openUnderStore } from './open-under-store.js';
import { dieOfDefects, processLog, stopOnSignal, tellIgnored } from './process-life.js';
import { groupName } from './system-user.js';
import { UserFileSystems } from './user-file-systems.js';
import { directoriesOf, storeSettings, workerSettings } from './worker-settings.js';

export function workerCommand(context: CommandContext, version: string): Command {
  return context.addOptions(new Command('worker').description('run a worker')).action(async () => {
    const loaded = context.load();
    const log = processLog(loaded.settings, context.debug);
    dieOfDefects(log);
    try {
      await runWorker(loaded, version, log);
    } catch (error) {
      log.debug({ error }, 'the worker ends');
      throw new CommandFailed(EXIT.failed, `the worker cannot run: ${sentenceOf(error, false)}`);
    }
  });
}

/** Resolves when the worker was told to stop, and has. */
async function runWorker(loaded: LoadedSettings, version: string, log: Log): Promise<void> {
  const { settings } = loaded;
  tellIgnored(loaded, log);
  const metrics = new PromMetrics(systemClock);
  const deps = { clock: systemClock, random: systemRandom, log, metrics, network: tcpNetwork, files: systemFiles, lock: lockFile };
  await using users = new UserFileSystems(clientPlaces(loaded, ''), log);
  const place = { host: settings.workerWebBindHost, port: settings.workerWebPort };
  await using web = await WorkerWebServer.open(place, { ...deps, version, borrow: users.borrow });
  await using store = await TieredStore.open(storeSettings(settings), deps);
  const directories = directoriesOf(settings);
  const blocksOf = await readCluster(directories, deps);
  const { client, closeDirectory } = await openClient(clientPlaces(loaded, groupName()), log);
  await using fs = new FileSystem(client, closeDirectory);
  await using stores = new UnderStores((uri, options) => openUnderStore(uri, options, settings, deps));
  const mounts = new UnderMounts({ ...deps, stores, listMounts: () => fs.listMounts() });
  await using worker = await Worker.open(workerSettings(settings, version, web.port), {
    ...deps,
    ...{ store, mounts, blocksOf, workerId: store.workerId },
    connect: (address, signal) => connectRpc(RPC_CLIENT_DEFAULTS, deps, address, signal),
    joined: (joined) => writeCluster(directories, joined, deps),
    findMasters: async (signal) => (await client.masters({ signal })).map(({ address }) => address),
    commitPersist: async (written) => void (await client.mutate(operations.commitPersist, written)),
  });
  web.attach(worker);
  const { rpcAddress, id } = worker.identity;
  log.info({ rpcAddress, webPort: web.port, version, id, blocks: store.blockCount, pid: process.pid }, 'worker serves');
  const asked = deferred<void>();
  stopOnSignal(asked.resolve, log);
  await asked.promise;
  await worker.close();
  log.info({ rpcAddress }, 'worker stopped');
}
