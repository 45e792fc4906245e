/**
 * What the RPC suites run in: a network with a clock, real or in memory, and how to let time pass in it.
 */

import type { Clock } from '../../src/base/clock.js';
import type { Log } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { MemoryNetwork } from '../../src/rpc/memory-network.js';
import type { Network } from '../../src/rpc/network.js';
import type { CallHandler, RpcConnection } from '../../src/rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS, type RpcClientSettings } from '../../src/rpc/rpc-connection.js';
import { RPC_SERVER_DEFAULTS, RpcServer, type RpcServerSettings } from '../../src/rpc/rpc-server.js';
import { tcpNetwork } from '../../src/rpc/tcp-network.js';
import { VirtualTime } from '../simulation/virtual-time.js';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly values: Readonly<Record<string, unknown>>;
}

export class World {
  readonly network: Network;
  readonly clock: Clock;
  readonly lines: LogLine[] = [];
  readonly log: Log;
  /** Waits for `promise`, letting time pass. */
  readonly settle: <T>(promise: Promise<T>) => Promise<T>;
  readonly #open: AsyncDisposable[] = [];

  constructor(network: Network, clock: Clock, settle: <T>(promise: Promise<T>) => Promise<T>) {
    this.network = network;
    this.clock = clock;
    this.settle = settle;
    const line = (level: string) => (values: Readonly<Record<string, unknown>>, message: string) => {
      this.lines.push({ level, message, values });
    };
    this.log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  }

  async serve(handler: CallHandler, settings: Partial<RpcServerSettings> = {}): Promise<RpcServer> {
    const server = await RpcServer.open({ ...RPC_SERVER_DEFAULTS, listenAddress: '127.0.0.1:0', ...settings }, this, handler);
    this.#open.push(server);
    return server;
  }

  async connect(address: string, settings: Partial<RpcClientSettings> = {}, signal = new AbortController().signal): Promise<RpcConnection> {
    const connection = await this.settle(connectRpc({ ...RPC_CLIENT_DEFAULTS, ...settings }, this, address, signal));
    this.#open.push(connection);
    return connection;
  }

  /** Waits until `condition` holds. */
  async until(condition: () => boolean, limitMs = 10_000): Promise<void> {
    const endMs = this.clock.monotonicMs() + limitMs;
    await this.settle(
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if (condition()) resolve();
          else if (this.clock.monotonicMs() > endMs) reject(new Error(`condition did not come true: limitMs=${limitMs}`));
          else this.clock.setTimer(2, look);
        };
        look();
      }),
    );
  }

  async elapse(ms: number): Promise<void> {
    await this.settle(new Promise<void>((resolve) => void this.clock.setTimer(ms, resolve)));
  }

  async close(): Promise<void> {
    for (const open of this.#open.reverse()) await this.settle(Promise.resolve(open[Symbol.asyncDispose]()));
  }
}

export function tcpWorld(): World {
  return new World(tcpNetwork, systemClock, (promise) => promise);
}

export interface MemoryWorld {
  readonly world: World;
  readonly hosts: MemoryNetwork;
  readonly time: VirtualTime;
}

/** One host, 127.0.0.1; `latencyMs` each way. */
export function memoryWorld(latencyMs = 1): MemoryWorld {
  const time = new VirtualTime();
  const hosts = new MemoryNetwork(time, () => latencyMs);
  return { world: new World(hosts.host('127.0.0.1'), time, (promise) => drive(time, promise)), hosts, time };
}

/** Lets virtual time pass until `promise` settles. */
export async function drive<T>(time: VirtualTime, promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = () => {
    settled = true;
  };
  promise.then(done, done);
  const endMs = time.monotonicMs() + 3_600_000;
  await time.run(endMs, () => !settled);
  if (!settled) throw new Error('nothing happens any more');
  return promise;
}
