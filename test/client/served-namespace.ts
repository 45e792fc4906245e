/**
 * A namespace that masters of the production code serve in this process, and its clients.
 */
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { Client } from '../../src/client/client.js';
import { type ClientSettings, DEFAULT_CLIENT_SETTINGS } from '../../src/client/client-settings.js';
import { FileSystem } from '../../src/client/file-system.js';
import type { MasterSettings } from '../../src/master/master-settings.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { Disk, MemoryCluster } from '../master/memory-cluster.js';

export class ServedNamespace implements AsyncDisposable {
  readonly cluster: MemoryCluster;
  readonly #clients: FileSystem[] = [];

  constructor(cluster = new MemoryCluster()) {
    this.cluster = cluster;
  }

  /** @param names of the masters. */
  static async open(names: readonly string[] = ['a'], settings: Partial<MasterSettings> = {}): Promise<ServedNamespace> {
    const served = new ServedNamespace();
    for (const name of names) {
      await served.cluster.start(name, new Disk(), { clientsMax: 100, ...settings });
    }
    return served;
  }

  /** @returns a client of `user`; `o` owns the root and is superuser. Closed with the rest. */
  client(user = 'o', settings: Partial<ClientSettings> = {}): FileSystem {
    const masters = this.cluster.masters.map(({ rpcAddress }) => rpcAddress);
    const deps = { clock: systemClock, log: silentLog, network: this.cluster.network.host(`client-${this.#clients.length}`) };
    const connect = (address: string, signal: AbortSignal) => connectRpc(RPC_CLIENT_DEFAULTS, deps, address, signal);
    const given = { ...DEFAULT_CLIENT_SETTINGS, masters, user, group: user, callTimeoutMs: 10_000, ...settings };
    const fs = new FileSystem(new Client(given, { clock: systemClock, random: systemRandom, connect }));
    this.#clients.push(fs);
    return fs;
  }

  settled(): Promise<void> {
    return this.cluster.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.cluster.close();
  }
}

/** @returns the items of an iterable, all of them. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
