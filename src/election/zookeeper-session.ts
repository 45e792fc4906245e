/**
 * A ZooKeeper session that is replaced when it is lost, on one connection after the other.
 *
 * - A connection that breaks is replaced, by whichever server takes the session: same session, `connected` again. Only a server's word ends a
 *   session: `lost`, once, and a new one is begun. `id` tells them apart.
 * - A watch fires once, as `changed`; after `connected` the owner looks again and sets what it needs, as a new connection knows none.
 * - Each operation ends with its connection at the latest.
 */
import type { Clock } from '../base/clock.js';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Random } from '../base/random.js';
import { type Deferred, deferred, orAborted, sleep } from '../base/wait.js';
import type { Network } from '../rpc/network.js';
import { ZooKeeperConnection } from './zookeeper-connection.js';
import { parseServers, type ZooKeeperServers } from './zookeeper-servers.js';
import type { SessionCredentials } from './zookeeper-wire.js';

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2_000;
/** Closing does not wait longer for a server that is silent: the session ends by its time-out then. */
const CLOSE_WAIT_MS = 1_000;

export interface ZooKeeperSessionSettings {
  /** `h1:2181,h2:2181/chroot` */
  readonly servers: string;
  /** What is asked for; servers grant between 2 and 20 of their ticks. */
  readonly sessionTimeoutMs: number;
}

export interface ZooKeeperSessionDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly network: Network;
}

/** Called from within the session: they only take note. */
export interface ZooKeeperSessionEvents {
  /** Operations can be tried again, on the same session or a new one. */
  connected(): void;
  /** The session is over and with it its ephemeral nodes. */
  lost(reason: string): void;
  /** A watch on this path has fired. */
  changed(path: string): void;
}

export interface NodeContents {
  readonly data: Buffer;
  /** Whether it is ephemeral and this session's. */
  readonly mine: boolean;
}

export class ZooKeeperSession implements AsyncDisposable {
  readonly #settings: ZooKeeperSessionSettings;
  readonly #deps: ZooKeeperSessionDeps;
  readonly #events: ZooKeeperSessionEvents;
  readonly #servers: ZooKeeperServers;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #connection: ZooKeeperConnection | undefined;
  #connected: Deferred<void> = deferred();
  #failure: UnderstudyError | undefined;
  #credentials: SessionCredentials | undefined;
  #lastZxid = 0n;

  /** Does not wait for the service. @throws `invalid_argument`: the list of servers. */
  constructor(settings: ZooKeeperSessionSettings, deps: ZooKeeperSessionDeps, events: ZooKeeperSessionEvents) {
    this.#settings = settings;
    this.#deps = deps;
    this.#events = events;
    this.#servers = parseServers(settings.servers);
    this.#loop = this.#run();
  }

  /** The session's id while there is one, connected or not. */
  get id(): string | undefined {
    return this.#credentials === undefined ? undefined : hexOf(this.#credentials);
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** Why it could not connect, for messages; undefined while connected. */
  get failure(): UnderstudyError | undefined {
    return this.#failure;
  }

  /** Resolves while connected. @throws what `signal` was aborted with. */
  connected(signal: AbortSignal): Promise<void> {
    return orAborted(this.#connected.promise, signal);
  }

  /** @returns the path of the new node, its sequence included. @throws `already_exists`, `not_found` (no parent), `unavailable` (it may have happened). */
  async create(path: string, data: string, kind: 'persistent' | 'ephemeral' | 'ephemeral sequential'): Promise<string> {
    const made = await this.#use().create(this.#full(path), data, kind);
    return made.slice(this.#servers.chroot.length);
  }

  /** Makes the persistent node `path` and all above it, where missing. */
  async makePath(path: string): Promise<void> {
    const names = this.#full(path).split('/').slice(1);
    for (let depth = 1; depth <= names.length; depth++) {
      try {
        await this.#use().create(`/${names.slice(0, depth).join('/')}`, '', 'persistent');
      } catch (error) {
        if (!isError(error, 'already_exists')) throw error;
      }
    }
  }

  /** @returns whether it was there. */
  async remove(path: string): Promise<boolean> {
    return this.#use().remove(this.#full(path));
  }

  /** @returns the names below `path`, in no order. @throws `not_found`. */
  async children(path: string): Promise<readonly string[]> {
    return this.#use().children(this.#full(path));
  }

  /** @returns undefined where there is no such node. */
  async read(path: string): Promise<NodeContents | undefined> {
    const connection = this.#use();
    const node = await connection.read(this.#full(path));
    return node === undefined ? undefined : { data: node.data, mine: node.owner === connection.credentials.id };
  }

  /** Asks for one `changed` when the node appears, changes or goes. @returns whether it is there now. */
  async watch(path: string): Promise<boolean> {
    return this.#use().watch(this.#full(path));
  }

  /** Ends the session at once, where connected; else the servers end it by its time-out. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new UnderstudyError('cancelled', 'zookeeper session closed'));
    await this.#loop;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #full(path: string): string {
    return path === '/' && this.#servers.chroot !== '' ? this.#servers.chroot : `${this.#servers.chroot}${path}`;
  }

  #use(): ZooKeeperConnection {
    if (this.#connection !== undefined) return this.#connection;
    throw new UnderstudyError('unavailable', `not connected to zookeeper: servers=${this.#settings.servers}`, { cause: this.#failure });
  }

  /** Tries all servers, in an order by chance, round after round with pauses. */
  async #run(): Promise<void> {
    const { clock, log, random } = this.#deps;
    const { signal } = this.#closing;
    let retryMs = RETRY_FIRST_MS;
    // The owner is still being made.
    await Promise.resolve();
    while (!signal.aborted) {
      const known = this.#failure?.message;
      if (await this.#tryAll()) retryMs = RETRY_FIRST_MS;
      // A store that went back in time would else be refused for good.
      else this.#lastZxid = 0n;
      if (signal.aborted) return;
      if (this.#failure !== undefined && this.#failure.message !== known) log.warn({ error: this.#failure }, 'no connection to zookeeper');
      await sleep(clock, retryMs * (0.5 + random.float()), signal).catch(() => {});
      retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
    }
  }

  /** @returns whether one took the session, or said that it has ended; that connection is over then. */
  async #tryAll(): Promise<boolean> {
    for (const server of this.#inAnyOrder()) {
      try {
        await this.#useServer(server);
        return true;
      } catch (error) {
        this.#failure = asError(error, 'unavailable', 'cannot connect to zookeeper');
      }
      if (this.#closing.signal.aborted) return false;
    }
    return false;
  }

  #inAnyOrder(): string[] {
    const { random } = this.#deps;
    const drawn = this.#servers.servers.map((server) => ({ server, at: random.float() }));
    return drawn.sort((a, b) => a.at - b.at).map(({ server }) => server);
  }

  /** Until the connection breaks, or this is closed. @throws where the server takes no session. */
  async #useServer(server: string): Promise<void> {
    const connection = await this.#connect(server);
    if (connection === undefined) return this.#expired();
    this.#connection = connection;
    this.#entered(connection);
    const { signal } = this.#closing;
    const broke = await orAborted(connection.ended, signal).catch(() => undefined);
    this.#connected = deferred();
    this.#connection = undefined;
    this.#lastZxid = connection.lastZxid;
    if (signal.aborted) await connection.close(CLOSE_WAIT_MS);
    else this.#failure = asError(broke, 'unavailable');
  }

  async #connect(server: string): Promise<ZooKeeperConnection | undefined> {
    const { sessionTimeoutMs } = this.#settings;
    const start = { sessionTimeoutMs, credentials: this.#credentials, lastZxid: this.#lastZxid };
    // Every server has its turn before the session ends, a single one twice.
    const limitMs = sessionTimeoutMs / Math.max(this.#servers.servers.length, 1.5);
    const limit = new AbortController();
    const silent = () => limit.abort(new UnderstudyError('unavailable', `zookeeper does not answer: server=${server}`));
    const timer = this.#deps.clock.setTimer(limitMs, silent);
    const changed = (path: string) => this.#events.changed(path.slice(this.#servers.chroot.length));
    try {
      return await ZooKeeperConnection.open(this.#deps, server, start, changed, AbortSignal.any([limit.signal, this.#closing.signal]));
    } finally {
      timer.cancel();
    }
  }

  #entered(connection: ZooKeeperConnection): void {
    const { credentials, sessionTimeoutMs } = connection;
    if (this.#credentials?.id !== credentials.id) {
      this.#deps.log.info({ session: hexOf(credentials), sessionTimeoutMs }, 'zookeeper session begun');
    }
    this.#credentials = credentials;
    this.#failure = undefined;
    this.#connected.resolve();
    this.#events.connected();
  }

  #expired(): void {
    const session = this.id;
    this.#credentials = undefined;
    if (session === undefined) return;
    this.#deps.log.warn({ session }, 'zookeeper session expired');
    this.#events.lost(`zookeeper session expired: session=${session}`);
  }
}

const hexOf = ({ id }: SessionCredentials): string => BigInt.asUintN(64, id).toString(16);
