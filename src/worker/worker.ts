/**
 * A worker: keeps blocks in its store, serves their bytes, and has a session with every master of its cluster.
 *
 * Stopping is in order: the masters hear that it leaves and name it to nobody any more; what is being read and written comes to its end, for a
 * bounded time; then the port closes, and the sessions end.
 */
import type { Clock } from '../base/clock.js';
import { asError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { type Metrics, noMetrics } from '../base/metrics.js';
import type { Random } from '../base/random.js';
import { sleep } from '../base/wait.js';
import type { BlockStore } from '../blocks/block-store.js';
import { dataOperations } from '../blocks/data-operations.js';
import type { Connect } from '../client/connections.js';
import { WorkerConnections } from '../client/data/worker-connections.js';
import { CallMeter } from '../rpc/call-meter.js';
import type { Network } from '../rpc/network.js';
import type { ServerCall } from '../rpc/rpc.js';
import { RpcServer, type RpcServerSettings } from '../rpc/rpc-server.js';
import { ChangeLog } from './change-log.js';
import { DATA_SERVICE_DEFAULTS, DataService, type FetchBlock } from './data-service.js';
import { MasterLinks } from './master-links.js';
import { PersistFiles, type WrittenPart } from './persist-file.js';
import { UnderFetch, type UnderFetchSettings } from './under-fetch.js';
import type { UnderMounts } from './under-mounts.js';
import type { BlocksOf } from './worker-cluster.js';
import { WorkerCommands, type WorkerCommandsSettings } from './worker-commands.js';
import { measureWorker } from './worker-metrics.js';

export interface WorkerSettings extends RpcServerSettings, UnderFetchSettings, WorkerCommandsSettings {
  /** As others reach it; port 0 stands for the one that was bound. */
  readonly rpcAddress: string;
  readonly webAddress: string;
  readonly version: string;
  /** For what is under way when it is told to stop. */
  readonly drainMaxMs: number;
}

export interface WorkerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics?: Metrics;
  readonly network: Network;
  /** As `mounts` and `connect`, its owner's to close. */
  readonly store: BlockStore;
  readonly mounts: UnderMounts;
  readonly connect: Connect;
  /** Kept on its disks. */
  readonly workerId: string;
  readonly blocksOf: BlocksOf;
  /** Keeps what the blocks are of; ends before the first of its masters hears of any. */
  readonly joined: (of: BlocksOf) => Promise<void>;
  /** @throws `unavailable`: nobody knows where the masters are. */
  readonly findMasters: (signal: AbortSignal) => Promise<readonly string[]>;
  readonly commitPersist: (written: WrittenPart) => Promise<void>;
}

/** Who it is, as it tells masters. */
export interface WorkerNames {
  readonly id: string;
  readonly incarnation: string;
  readonly rpcAddress: string;
  readonly webAddress: string;
  readonly version: string;
}

const CONNECT_TIMEOUT_MS = 3_000;
const DRAIN_LOOK_MS = 20;

export class Worker implements AsyncDisposable {
  readonly identity: WorkerNames;
  readonly startedMs: number;
  readonly store: BlockStore;
  readonly data: DataService;
  readonly #settings: WorkerSettings;
  readonly #deps: WorkerDeps;
  readonly #server: RpcServer;
  readonly #connections: WorkerConnections;
  readonly #fetch: UnderFetch;
  readonly #commands: WorkerCommands;
  readonly #changes: ChangeLog;
  readonly #links: MasterLinks;
  #closing: Promise<void> | undefined;

  /** Serves at once; the sessions with the masters begin. @throws `failed_precondition`: the port is in use. */
  static async open(settings: WorkerSettings, deps: WorkerDeps): Promise<Worker> {
    let worker: Worker | undefined;
    const meter = new CallMeter(deps.metrics ?? noMetrics, METHOD_NAMES);
    const serve = (call: ServerCall) => worker?.data.serve(call);
    const server = await RpcServer.open(settings, { ...deps, meter }, serve);
    worker = new Worker(settings, deps, server);
    return worker;
  }

  private constructor(settings: WorkerSettings, deps: WorkerDeps, server: RpcServer) {
    const { clock, random, log, store, mounts, connect, workerId, blocksOf } = deps;
    this.#settings = settings;
    this.#deps = deps;
    this.#server = server;
    this.store = store;
    this.startedMs = clock.wallMs();
    this.identity = {
      id: workerId,
      incarnation: Buffer.from(random.bytes(16)).toString('hex'),
      rpcAddress: settings.rpcAddress.replace(/:0$/, server.address.slice(server.address.lastIndexOf(':'))),
      webAddress: settings.webAddress,
      version: settings.version,
    };
    this.#connections = new WorkerConnections({ clock, connect, connectTimeoutMs: CONNECT_TIMEOUT_MS });
    this.#fetch = new UnderFetch(settings, deps);
    const connections = this.#connections;
    const fetch: FetchBlock = (wanted, signal) => this.#fetch.fetch(wanted, signal);
    this.data = new DataService(DATA_SERVICE_DEFAULTS, {
      ...{ clock, log, store, connections },
      address: () => this.identity.rpcAddress,
      proof: this.identity.incarnation,
      fetch,
    });
    const persists = new PersistFiles({ ...deps, connections, mounts, fetch, commit: deps.commitPersist });
    this.#commands = new WorkerCommands(settings, { log, store, connections, persists });
    this.#changes = new ChangeLog(store);
    this.#links = new MasterLinks({
      ...{ clock, random, log, connect, changes: this.#changes, identity: this.identity },
      tiers: () => store.tiers,
      execute: (commands, failed) => this.#commands.execute(commands, failed),
      findMasters: deps.findMasters,
      blocksOf,
      joined: deps.joined,
    });
    measureWorker(this, deps.metrics ?? noMetrics);
  }

  get state(): 'LIVE' | 'LEAVING' {
    return this.#closing === undefined ? 'LIVE' : 'LEAVING';
  }

  /** `host:port` of those that it has a session with. */
  get masters(): readonly string[] {
    return this.#links.list().flatMap(({ address, isRegistered }) => (isRegistered ? [address] : []));
  }

  get connections(): number {
    return this.#server.connections;
  }

  /** For people; empty: blocks can be read and written here, and a master knows. */
  get whyNotReady(): string {
    if (this.state === 'LEAVING') return 'this worker is being stopped';
    if (this.store.tiers.every(({ directories, failedDirectories }) => directories === failedDirectories))
      return 'no disk of this worker works';
    return this.masters.length > 0 ? '' : 'no master knows this worker';
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#links.leave();
    await this.#drain();
    await this.#server.close();
    await Promise.all([this.data.close(), this.#fetch.close(), this.#commands.close()]);
    await this.#links.close();
    await this.#connections.close();
    this.#changes.close();
  }

  async #drain(): Promise<void> {
    const { clock, log } = this.#deps;
    const endMs = clock.monotonicMs() + this.#settings.drainMaxMs;
    await this.#server.stopAccepting().catch((error) => log.warn({ error: asError(error) }, 'the port does not close in order'));
    while (this.data.reads + this.data.writings > 0 && clock.monotonicMs() < endMs) await sleep(clock, DRAIN_LOOK_MS);
  }
}

const METHOD_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(dataOperations).map(([name, { method }]) => [method, name]));
