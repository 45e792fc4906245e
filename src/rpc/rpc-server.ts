/**
 * The server side: listens, takes connections within its bound, and hands every call to one handler. What a client does wrong costs that
 * client its connection and the log one line.
 */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { type Deferred, deferred } from '../base/wait.js';
import type { CallMeter } from './call-meter.js';
import { LINK_DEFAULTS } from './frame-link.js';
import type { ByteStream, Listener, Network } from './network.js';
import type { CallHandler } from './rpc.js';
import { ServerConnection, type ServerConnectionSettings } from './server-connection.js';

export interface RpcServerSettings extends ServerConnectionSettings {
  /** `host:port`; port 0 takes any free one. */
  readonly listenAddress: string;
  /** Connections beyond are told `resource_exhausted` and closed. One that has ended counts for as long as the service works for its calls. */
  readonly connectionsMax: number;
}

/** All but the address. */
export const RPC_SERVER_DEFAULTS: Omit<RpcServerSettings, 'listenAddress'> = {
  ...LINK_DEFAULTS,
  callsInFlightMax: 8_192,
  connectionsMax: 1_024,
};

/** Connections that are being told of the bound are themselves bounded: up to so many times the bound are kept, others are dropped unheard. */
const REFUSED_FACTOR = 2;

export interface RpcServerDeps {
  readonly network: Network;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter?: CallMeter;
  /** What this server is part of: its clients are told, to know it from those of another one. At most 200 bytes. */
  readonly realm?: string;
}

export class RpcServer implements AsyncDisposable {
  readonly #settings: RpcServerSettings;
  readonly #deps: RpcServerDeps;
  readonly #handler: CallHandler;
  readonly #connections = new Set<ServerConnection>();
  /** Connections that count: those that are there, and those that left calls behind. */
  #counted = 0;
  #listener: Listener | undefined;
  #closing: Promise<void> | undefined;
  #empty: Deferred<void> | undefined;

  private constructor(settings: RpcServerSettings, deps: RpcServerDeps, handler: CallHandler) {
    this.#settings = settings;
    this.#deps = deps;
    this.#handler = handler;
  }

  /** @throws `failed_precondition` naming the address when it is in use. */
  static async open(settings: RpcServerSettings, deps: RpcServerDeps, handler: CallHandler): Promise<RpcServer> {
    const server = new RpcServer(settings, deps, handler);
    server.#listener = await deps.network.listen(settings.listenAddress, (stream) => server.#accept(stream));
    return server;
  }

  /** `host:port` as bound. */
  get address(): string {
    return this.#listener?.address ?? this.#settings.listenAddress;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** New connections are refused from now on; those that are there go on. Idempotent. */
  async stopAccepting(): Promise<void> {
    await this.#listener?.close();
  }

  /** Abandons the calls in flight, whose clients see `unavailable`, and closes every connection, in `closeTimeoutMs` at most. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.stopAccepting();
    for (const connection of [...this.#connections]) connection.end(new UnderstudyError('unavailable', 'server is closing'));
    if (this.#connections.size === 0) return;
    this.#empty = deferred();
    await this.#empty.promise;
  }

  #accept(stream: ByteStream): void {
    const { connectionsMax } = this.#settings;
    const others = this.#counted;
    if (others >= REFUSED_FACTOR * connectionsMax) {
      this.#deps.log.warn({ peer: stream.peer, connections: others }, 'connection dropped: too many already');
      stream.destroy();
      return;
    }
    const connection = new ServerConnection(stream, this.#settings, this.#deps, this.#handler, {
      closed: () => {
        this.#connections.delete(connection);
        if (this.#connections.size === 0) this.#empty?.resolve();
      },
      settled: () => {
        this.#counted -= 1;
      },
    });
    this.#connections.add(connection);
    this.#counted += 1;
    if (this.#closing !== undefined) connection.end(new UnderstudyError('unavailable', 'server is closing'));
    else if (others >= connectionsMax) {
      connection.end(new UnderstudyError('resource_exhausted', `too many connections: connectionsMax=${connectionsMax}`));
    }
  }
}
