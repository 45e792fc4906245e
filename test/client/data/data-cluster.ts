/**
 * A namespace that masters serve in this process, and workers with real stores over TCP on loopback, that clients read and write files with.
 */
import type { Files } from '../../../src/base/files.js';
import { silentLog } from '../../../src/base/log.js';
import { systemClock } from '../../../src/base/system-clock.js';
import { systemFiles } from '../../../src/base/system-file.js';
import { systemRandom } from '../../../src/base/system-random.js';
import type { BlockStore, StoredBlock } from '../../../src/blocks/block-store.js';
import { Client } from '../../../src/client/client.js';
import { type ClientSettings, DEFAULT_CLIENT_SETTINGS } from '../../../src/client/client-settings.js';
import { type BlockPlaces, toldPlaces } from '../../../src/client/data/block-places.js';
import { WorkerConnections } from '../../../src/client/data/worker-connections.js';
import { FileSystem } from '../../../src/client/file-system.js';
import type { Network } from '../../../src/rpc/network.js';
import type { CallHandler } from '../../../src/rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../../src/rpc/rpc-connection.js';
import { RPC_SERVER_DEFAULTS, RpcServer } from '../../../src/rpc/rpc-server.js';
import { tcpNetwork } from '../../../src/rpc/tcp-network.js';
import { DATA_SERVICE_DEFAULTS, DataService, type DataServiceSettings } from '../../../src/worker/data-service.js';
import type { TieredStore } from '../../../src/worker/tiered-store.js';
import { MemoryCluster } from '../../master/memory-cluster.js';
import { memoryFolder, type OwnFolder, ownFolder } from '../../servers/own-folder.js';
import { storeOf, tierAt } from '../../worker/stores.js';

const QUOTA_BYTES = 1 << 30;

export interface WorkerOptions {
  readonly settings?: Partial<DataServiceSettings>;
  readonly quotaBytes?: number;
  /** What its service is given instead of its store. */
  readonly store?: (store: BlockStore) => BlockStore;
  /** What stands between its server and its service. */
  readonly handler?: (handler: CallHandler) => CallHandler;
  readonly network?: Network;
}

/** One worker's data service. */
export class TestWorker {
  readonly store: TieredStore;
  readonly service: DataService;
  readonly server: RpcServer;
  readonly #connections: WorkerConnections;

  private constructor(store: TieredStore, service: DataService, server: RpcServer, connections: WorkerConnections) {
    this.store = store;
    this.service = service;
    this.server = server;
    this.#connections = connections;
  }

  static async open(folder: string, options: WorkerOptions): Promise<TestWorker> {
    const { quotaBytes = QUOTA_BYTES, network = tcpNetwork } = options;
    const store = await storeOf([{ ...tierAt(folder), directories: [{ path: folder, quotaBytes }] }]);
    const deps = { clock: systemClock, log: silentLog, network };
    const connect = (address: string, signal: AbortSignal) => connectRpc(RPC_CLIENT_DEFAULTS, deps, address, signal);
    const connections = new WorkerConnections({ clock: systemClock, connect, connectTimeoutMs: 1_000 });
    let server: RpcServer | undefined;
    const service = new DataService(
      { ...DATA_SERVICE_DEFAULTS, ...options.settings },
      {
        ...{ clock: systemClock, log: silentLog, connections },
        store: options.store?.(store) ?? store,
        address: () => server?.address ?? '',
        proof: folder.padEnd(32),
      },
    );
    const serve: CallHandler = (call) => service.serve(call);
    server = await RpcServer.open(
      { ...RPC_SERVER_DEFAULTS, listenAddress: '127.0.0.1:0', closeTimeoutMs: 100 },
      deps,
      options.handler?.(serve) ?? serve,
    );
    return new TestWorker(store, service, server, connections);
  }

  get address(): string {
    return this.server.address;
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.service.close();
    await this.#connections.close();
    await this.store.close();
  }
}

export class DataCluster implements AsyncDisposable {
  readonly masters = new MemoryCluster();
  readonly folder: OwnFolder = ownFolder('data', memoryFolder());
  readonly workers: TestWorker[] = [];
  readonly #clients: FileSystem[] = [];
  #started = 0;

  /** One master. */
  static async open(workers = 1): Promise<DataCluster> {
    const cluster = new DataCluster();
    await cluster.masters.start('a', undefined, { clientsMax: 100 });
    for (let n = 0; n < workers; n++) await cluster.startWorker();
    return cluster;
  }

  async startWorker(options: WorkerOptions = {}): Promise<TestWorker> {
    this.#started += 1;
    const worker = await TestWorker.open(`${this.folder.path}/w${this.#started}`, options);
    this.workers.push(worker);
    return worker;
  }

  /** As if its process were killed: connections end, nothing is told to anybody. */
  async kill(worker: TestWorker): Promise<void> {
    this.workers.splice(this.workers.indexOf(worker), 1);
    await worker.close();
  }

  /** Blocks that any worker has, by their names. */
  get blockCount(): number {
    return this.workers.reduce((sum, { store }) => sum + store.blockCount, 0);
  }

  /** @param overSocket blocks come over connections only. */
  client({
    overSocket = false,
    network = tcpNetwork,
    files = systemFiles,
    ...settings
  }: Partial<ClientSettings> & ClientOptions = {}): FileSystem {
    const ofMasters = this.masters.network.host(`client-${this.#clients.length}`);
    const log = silentLog;
    const connect = (address: string, signal: AbortSignal) =>
      connectRpc(
        RPC_CLIENT_DEFAULTS,
        { clock: systemClock, log, network: address.startsWith('127.') ? network : ofMasters },
        address,
        signal,
      );
    const masters = this.masters.masters.map(({ rpcAddress }) => rpcAddress);
    const given = { ...DEFAULT_CLIENT_SETTINGS, masters, user: 'o', group: 'o', callTimeoutMs: 10_000, ...settings };
    const deps = { clock: systemClock, random: systemRandom, connect, ...(overSocket ? {} : { files }) };
    const client = new Client(given, deps);
    const fs = new FileSystem(client, undefined, this.#places(toldPlaces(client)));
    this.#clients.push(fs);
    return fs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    for (const worker of this.workers) await worker.close();
    await this.masters.close();
    this.folder.remove();
  }

  /** The workers and what they hold, looked up in this process. */
  #places(told: BlockPlaces): BlockPlaces {
    return {
      locate: async (path, offset, length, options) => {
        const located = await told.locate(path, offset, length, options);
        return { ...located, blocks: located.blocks.map((block) => ({ ...block, ...this.#holders(block) })) };
      },
      workers: async () =>
        this.workers.map(({ address, store }) => {
          const [tier] = store.tiers;
          return { address, freeBytes: (tier?.capacityBytes ?? 0) - (tier?.usedBytes ?? 0) };
        }),
    };
  }

  #holders({ inodeId, index }: { readonly inodeId: number; readonly index: number }): { workers: string[]; generation: number } {
    const held = this.workers.map(({ address, store }) => ({ address, block: newestOf(store, inodeId, index) }));
    const generation = Math.max(0, ...held.map(({ block }) => block?.id.generation ?? 0));
    return { workers: held.filter(({ block }) => block?.id.generation === generation).map(({ address }) => address), generation };
  }
}

interface ClientOptions {
  /** Of this host. */
  readonly files?: Files;
  readonly overSocket?: boolean;
  /** To workers. */
  readonly network?: Network;
}

/** @returns bytes that differ everywhere. */
export function someBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0, state = seed; at < length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

function newestOf(store: BlockStore, inodeId: number, index: number): StoredBlock | undefined {
  const copies = [...store.blocks()].filter(({ id }) => id.inodeId === inodeId && id.index === index);
  return copies.sort((a, b) => b.id.generation - a.id.generation)[0];
}
