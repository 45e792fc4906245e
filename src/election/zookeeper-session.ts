/**
 * A ZooKeeper session that is replaced when it is lost, over the npm client.
 *
 * - A connection that breaks is the client's to mend: same session, `connected` again. Only the server's word ends a session: `lost`, once,
 *   and a new session is begun. `id` tells them apart.
 * - A client that has not connected for a while is replaced by a new one *with the same session* and with names resolved again: the C client
 *   neither follows a name to a new address nor always survives a failed start.
 * - A watch fires once, as `changed`; after `connected` the owner looks again and sets what it needs, as a new client knows none.
 * - At most `OPERATIONS_MAX` operations are under way; each ends with its connection at the latest.
 */
import type { Clock } from '../base/clock.js';
import { asError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Random } from '../base/random.js';
import { type Deferred, deferred, orAborted, sleep } from '../base/wait.js';
import { EPHEMERAL, loadZooKeeperClient, SEQUENTIAL, SESSION_EXPIRED, type ZooKeeperClient, zooKeeperError } from './zookeeper-client.js';
import { parseServers, resolveServers, type ZooKeeperServers } from './zookeeper-servers.js';

const OPERATIONS_MAX = 256;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2_000;
/** A client that has not connected within this many session time-outs is replaced. */
const STUCK_TIMEOUTS = 2;

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
}

/** Called from within the client: they only take note. */
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
  readonly #Client: new () => ZooKeeperClient;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #client: ZooKeeperClient | undefined;
  #connected: Deferred<void> | undefined = deferred();
  #failure: UnderstudyError | undefined;
  #credentials: { client_id: string; client_password: string } | undefined;
  #operations = 0;

  private constructor(
    settings: ZooKeeperSessionSettings,
    deps: ZooKeeperSessionDeps,
    events: ZooKeeperSessionEvents,
    Client: new () => ZooKeeperClient,
  ) {
    this.#settings = settings;
    this.#deps = deps;
    this.#events = events;
    this.#servers = parseServers(settings.servers);
    this.#Client = Client;
    this.#loop = this.#run();
  }

  /** Does not wait for the service. @throws `invalid_argument`: the list of servers; `failed_precondition`: the client is not installed. */
  static async open(
    settings: ZooKeeperSessionSettings,
    deps: ZooKeeperSessionDeps,
    events: ZooKeeperSessionEvents,
  ): Promise<ZooKeeperSession> {
    return new ZooKeeperSession(settings, deps, events, await loadZooKeeperClient());
  }

  /** The session's id while there is one, connected or not. */
  get id(): string | undefined {
    return this.#credentials?.client_id;
  }

  get isConnected(): boolean {
    return this.#connected === undefined;
  }

  /** Why it could not connect, for messages; undefined while connected. */
  get failure(): UnderstudyError | undefined {
    return this.#failure;
  }

  /** Resolves while connected. @throws what `signal` was aborted with. */
  connected(signal: AbortSignal): Promise<void> {
    return orAborted(this.#connected?.promise ?? Promise.resolve(), signal);
  }

  /** @returns the path of the new node, its sequence included. @throws `already_exists`, `not_found` (no parent), `unavailable` (it may have happened). */
  create(path: string, data: string, kind: 'persistent' | 'ephemeral' | 'ephemeral sequential'): Promise<string> {
    const flags = kind === 'persistent' ? 0 : kind === 'ephemeral' ? EPHEMERAL : EPHEMERAL | SEQUENTIAL;
    return this.#do('create', path, (client, full, then) =>
      client.a_create(full, data, flags, (code, _text, made) => then(code, () => made.slice(this.#servers.chroot.length))),
    );
  }

  /** Makes the persistent node `path` and all above it, where missing. */
  async makePath(path: string): Promise<void> {
    const names = `${this.#servers.chroot}${path}`.split('/').slice(1);
    for (let depth = 1; depth <= names.length; depth++) {
      const full = `/${names.slice(0, depth).join('/')}`;
      await this.#do<boolean>('create', full, (client, _path, then) =>
        client.a_create(full, '', 0, (code) => then(code === -110 ? 0 : code, () => true)),
      );
    }
  }

  /** @returns whether it was there. */
  remove(path: string): Promise<boolean> {
    return this.#do('delete', path, (client, full, then) =>
      client.a_delete_(full, -1, (code) => then(code === -101 ? 0 : code, () => code === 0)),
    );
  }

  /** @returns the names below `path`, in no order. @throws `not_found`. */
  children(path: string): Promise<readonly string[]> {
    return this.#do('list', path, (client, full, then) =>
      client.a_get_children(full, false, (code, _text, names) => then(code, () => names ?? [])),
    );
  }

  /** @returns undefined where there is no such node. */
  read(path: string): Promise<NodeContents | undefined> {
    return this.#do('get', path, (client, full, then) =>
      client.a_get(full, false, (code, _text, stat, data) =>
        then(code === -101 ? 0 : code, () =>
          code === 0 ? { data: data ?? Buffer.alloc(0), mine: stat !== null && stat.ephemeralOwner === this.id } : undefined,
        ),
      ),
    );
  }

  /** Asks for one `changed` when the node appears, changes or goes. @returns whether it is there now. */
  watch(path: string): Promise<boolean> {
    return this.#do('watch', path, (client, full, then) =>
      client.a_exists(full, true, (code) => then(code === -101 ? 0 : code, () => code === 0)),
    );
  }

  /** Ends the session at once, where connected; else the servers end it by its time-out. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new UnderstudyError('cancelled', 'zookeeper session closed'));
    await this.#loop;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #do<T>(
    operation: string,
    path: string,
    start: (client: ZooKeeperClient, full: string, then: (code: number, value: () => T) => void) => number,
  ): Promise<T> {
    const client = this.#client;
    if (client === undefined || this.#connected !== undefined) {
      const cause = this.#failure;
      return Promise.reject(new UnderstudyError('unavailable', `not connected to zookeeper: servers=${this.#settings.servers}`, { cause }));
    }
    if (this.#operations >= OPERATIONS_MAX) {
      return Promise.reject(new UnderstudyError('resource_exhausted', `too many zookeeper operations under way: limit=${OPERATIONS_MAX}`));
    }
    this.#operations += 1;
    const { promise, resolve, reject } = deferred<T>();
    const then = (code: number, value: () => T) => {
      if (code === 0) resolve(value());
      else reject(zooKeeperError(code, operation, path));
    };
    const code = start(client, `${this.#servers.chroot}${path}`, then);
    if (code !== 0) reject(zooKeeperError(code, operation, path));
    return promise.finally(() => {
      this.#operations -= 1;
    });
  }

  async #run(): Promise<void> {
    const { clock, log, random } = this.#deps;
    const { signal } = this.#closing;
    let retryMs = RETRY_FIRST_MS;
    while (!signal.aborted) {
      const known = this.#failure?.message;
      try {
        if (await this.#useOneClient()) retryMs = RETRY_FIRST_MS;
      } catch (error) {
        this.#failure = asError(error, 'unavailable', 'cannot connect to zookeeper');
      }
      if (signal.aborted) return;
      if (this.#failure !== undefined && this.#failure.message !== known) log.warn({ error: this.#failure }, 'no connection to zookeeper');
      await sleep(clock, retryMs * (0.5 + random.float()), signal).catch(() => {});
      retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
    }
  }

  /** Until its session is lost, it is stuck, or this is closed. @returns whether it was connected. */
  async #useOneClient(): Promise<boolean> {
    const addresses = await orAborted(resolveServers(this.#servers.servers, this.#deps.log), this.#closing.signal);
    const client = new this.#Client();
    const ended = deferred<void>();
    const stuck = this.#watchdog(() => ended.resolve());
    let wasConnected = false;
    const disconnected = () => {
      this.#connected ??= deferred();
    };
    client.on('connect', () => {
      if (this.#client !== client) return;
      wasConnected = true;
      stuck.stop();
      this.#entered(client);
    });
    client.on('connecting', () => {
      if (this.#client !== client) return;
      disconnected();
      stuck.start();
    });
    client.on('close', (_client, code) => {
      disconnected();
      if (code === SESSION_EXPIRED) this.#expired();
      else if (code !== 0) this.#failure = zooKeeperError(code, 'connect', this.#settings.servers);
      ended.resolve();
    });
    for (const event of ['created', 'deleted', 'changed', 'child'] as const) {
      client.on(event, (_client, path) => this.#events.changed(String(path).slice(this.#servers.chroot.length)));
    }
    this.#client = client;
    client.init({
      connect: addresses,
      timeout: this.#settings.sessionTimeoutMs,
      host_order_deterministic: false,
      response_counter_limit: 0x7fffffff,
      ...this.#credentials,
    });
    stuck.start();
    await orAborted(ended.promise, this.#closing.signal).catch(() => {});
    stuck.stop();
    disconnected();
    this.#client = undefined;
    // Not from within one of its own callbacks.
    await new Promise<void>((resolve) => this.#deps.clock.defer(resolve));
    client.close();
    return wasConnected;
  }

  #entered(client: ZooKeeperClient): void {
    const granted = client.timeout;
    if (this.#credentials?.client_id !== client.client_id) {
      this.#deps.log.info({ session: client.client_id, sessionTimeoutMs: granted }, 'zookeeper session begun');
    }
    this.#credentials = { client_id: client.client_id, client_password: client.client_password };
    this.#failure = undefined;
    this.#connected?.resolve();
    this.#connected = undefined;
    this.#events.connected();
  }

  #expired(): void {
    const session = this.#credentials?.client_id;
    this.#credentials = undefined;
    if (session === undefined) return;
    this.#deps.log.warn({ session }, 'zookeeper session expired');
    this.#events.lost(`zookeeper session expired: session=${session}`);
  }

  #watchdog(bite: () => void): { start(): void; stop(): void } {
    let timer: { cancel(): void } | undefined;
    const stop = () => {
      timer?.cancel();
      timer = undefined;
    };
    const limitMs = STUCK_TIMEOUTS * this.#settings.sessionTimeoutMs;
    const start = () => {
      timer ??= this.#deps.clock.setTimer(limitMs, () => {
        this.#failure = new UnderstudyError('unavailable', `zookeeper does not answer: servers=${this.#settings.servers}`);
        bite();
      });
    };
    return { start, stop };
  }
}
