/**
 * The client's connections, by the address of the master: made when first asked for, shared, dropped when lost.
 *
 * Bounded by `mastersMax`: the master used least recently is let go.
 * All are to masters of one cluster, that of the first one: answers of two are never mixed.
 */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import { orAborted } from '../base/wait.js';
import type { CallOptions, RpcConnection } from '../rpc/rpc.js';
import type { ClientSettings } from './client-settings.js';

/** Makes a connection to the master at `address`. @throws `unavailable`: refused, unreachable, or not made before `signal` was aborted. */
export type Connect = (address: string, signal: AbortSignal) => Promise<RpcConnection>;

/** The connections to one master, lost and closed together. */
export class MasterConnection {
  readonly address: string;
  readonly #lanes: readonly RpcConnection[];
  #turn = 0;
  #lost = false;

  constructor(address: string, lanes: readonly RpcConnection[]) {
    this.address = address;
    this.#lanes = lanes;
    for (const lane of lanes) {
      if (lane.lost.aborted) this.close();
      else lane.lost.addEventListener('abort', () => this.close(), { once: true });
    }
  }

  /** Whether one of the connections is gone or was closed: the others are then, too. */
  get lost(): boolean {
    return this.#lost || this.#lanes.some((lane) => lane.lost.aborted);
  }

  call(method: number, body: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    return this.#lane().call(method, body, options);
  }

  stream(method: number, body: Uint8Array, options: CallOptions): AsyncIterable<Uint8Array> {
    return this.#lane().stream(method, body, options);
  }

  /** Fails the calls in flight. Idempotent. */
  close(): void {
    if (this.#lost) return;
    this.#lost = true;
    // Closing is best effort on every path that leads here: nobody is left whom its failure would tell anything.
    for (const lane of this.#lanes) lane.close().catch(() => {});
  }

  #lane(): RpcConnection {
    this.#turn = (this.#turn + 1) % this.#lanes.length;
    return this.#lanes[this.#turn] as RpcConnection;
  }
}

export class Connections {
  readonly #settings: ClientSettings;
  readonly #clock: Clock;
  /** Of the first master that told its own; empty until then. */
  #cluster = '';
  readonly #connect: Connect;
  /** The one used least recently first. */
  readonly #open = new Map<string, MasterConnection>();
  readonly #opening = new Map<string, Promise<MasterConnection>>();
  readonly #closing = new AbortController();

  constructor(settings: ClientSettings, clock: Clock, connect: Connect) {
    this.#settings = settings;
    this.#clock = clock;
    this.#connect = connect;
  }

  /** Resolves with the connection to `address`, made if there is none. @throws `unavailable`; as `signal` was aborted. */
  async open(address: string, signal: AbortSignal): Promise<MasterConnection> {
    const known = this.#open.get(address);
    if (known !== undefined && !known.lost) {
      this.#keep(address, known);
      return known;
    }
    let opening = this.#opening.get(address);
    if (opening === undefined) {
      opening = this.#openOnce(address).finally(() => this.#opening.delete(address));
      this.#opening.set(address, opening);
    }
    return orAborted(opening, signal);
  }

  /** Closes all of them, and those being made; calls in flight fail. Idempotent. */
  close(): void {
    this.#closing.abort(new UnderstudyError('cancelled', 'the client was closed'));
    for (const connection of this.#open.values()) connection.close();
    this.#open.clear();
  }

  async #openOnce(address: string): Promise<MasterConnection> {
    const giveUp = new AbortController();
    const stop = () => giveUp.abort(this.#closing.signal.reason);
    const timer = this.#clock.setTimer(this.#settings.connectTimeoutMs, () =>
      giveUp.abort(new UnderstudyError('unavailable', `no connection in time address=${address}`)),
    );
    this.#closing.signal.addEventListener('abort', stop, { once: true });
    if (this.#closing.signal.aborted) stop();
    const lanes: RpcConnection[] = [];
    try {
      while (lanes.length < this.#settings.connectionsPerMaster) lanes.push(await this.#connect(address, giveUp.signal));
      for (const { realm = '' } of lanes) this.#checkCluster(realm, address);
      const connection = new MasterConnection(address, lanes);
      if (this.#closing.signal.aborted) connection.close();
      else this.#keep(address, connection);
      return connection;
    } catch (error) {
      new MasterConnection(address, lanes).close();
      throw error;
    } finally {
      timer.cancel();
      this.#closing.signal.removeEventListener('abort', stop);
    }
  }

  /** @throws `failed_precondition`. */
  #checkCluster(cluster: string, address: string): void {
    if (this.#cluster === '') this.#cluster = cluster;
    if (cluster === '' || cluster === this.#cluster) return;
    const what = 'a master of another cluster answers: a client goes on with the cluster that it began with';
    throw new UnderstudyError('failed_precondition', `${what}: address=${address} cluster=${cluster} began_with=${this.#cluster}`);
  }

  #keep(address: string, connection: MasterConnection): void {
    this.#open.delete(address);
    this.#open.set(address, connection);
    if (this.#open.size <= this.#settings.mastersMax) return;
    const [oldest] = this.#open;
    if (oldest === undefined) return;
    this.#open.delete(oldest[0]);
    oldest[1].close();
  }
}
