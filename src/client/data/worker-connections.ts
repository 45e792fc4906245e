/**
 * Connections to workers, by address: made when first asked for, shared, dropped when lost.
 *
 * Bounded by `CONNECTIONS_MAX`: one that nobody uses just then is closed for another, the one used least recently first.
 */
import type { Clock } from '../../base/clock.js';
import { asError, UnderstudyError } from '../../base/errors.js';
import { orAborted } from '../../base/wait.js';
import type { CallOptions, RpcConnection } from '../../rpc/rpc.js';
import type { Connect } from '../connections.js';

const CONNECTIONS_MAX = 256;
/** One that could not be reached is asked last for so long. */
const SUSPECT_MS = 3_000;

export interface WorkerConnectionsDeps {
  readonly clock: Clock;
  readonly connect: Connect;
  readonly connectTimeoutMs: number;
}

export class WorkerConnection {
  readonly address: string;
  /** Calls in flight. */
  calls = 0;
  readonly #rpc: RpcConnection;

  constructor(address: string, rpc: RpcConnection) {
    this.address = address;
    this.#rpc = rpc;
  }

  get lost(): AbortSignal {
    return this.#rpc.lost;
  }

  /** @throws as `RpcConnection.call`. */
  async call(method: number, body: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    this.calls += 1;
    try {
      return await this.#rpc.call(method, body, options);
    } finally {
      this.calls -= 1;
    }
  }

  /** @throws as `RpcConnection.stream`. */
  async *stream(method: number, body: Uint8Array, options: CallOptions): AsyncGenerator<Uint8Array, void, undefined> {
    this.calls += 1;
    try {
      yield* this.#rpc.stream(method, body, options);
    } finally {
      this.calls -= 1;
    }
  }

  /** Fails the calls in flight. Idempotent. */
  close(): Promise<void> {
    return this.#rpc.close();
  }
}

export class WorkerConnections {
  readonly #deps: WorkerConnectionsDeps;
  /** The one used least recently first. */
  readonly #open = new Map<string, WorkerConnection>();
  readonly #opening = new Map<string, Promise<WorkerConnection>>();
  readonly #suspectSince = new Map<string, number>();
  readonly #life = new AbortController();

  constructor(deps: WorkerConnectionsDeps) {
    this.#deps = deps;
  }

  /** Resolves with the connection to `address`, made if there is none. @throws `unavailable`, `resource_exhausted`; as `signal` was aborted. */
  async open(address: string, signal?: AbortSignal): Promise<WorkerConnection> {
    const known = this.#open.get(address);
    if (known !== undefined && !known.lost.aborted) {
      this.#open.delete(address);
      this.#open.set(address, known);
      return known;
    }
    let opening = this.#opening.get(address);
    if (opening === undefined) {
      opening = this.#connect(address).finally(() => this.#opening.delete(address));
      this.#opening.set(address, opening);
    }
    return orAborted(opening, signal);
  }

  /** It could not be reached, or was lost, a short while ago. */
  isSuspect(address: string): boolean {
    const since = this.#suspectSince.get(address);
    if (since === undefined) return false;
    if (this.#deps.clock.monotonicMs() - since < SUSPECT_MS) return true;
    this.#suspectSince.delete(address);
    return false;
  }

  /** Calls in flight fail. Idempotent. */
  async close(): Promise<void> {
    this.#life.abort(new UnderstudyError('cancelled', 'the client was closed'));
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map((connection) => connection.close()));
  }

  async #connect(address: string): Promise<WorkerConnection> {
    const giveUp = new AbortController();
    const stop = () => giveUp.abort(this.#life.signal.reason);
    const { clock, connect, connectTimeoutMs } = this.#deps;
    const late = new UnderstudyError('unavailable', `no connection in time: address=${address}`);
    const timer = clock.setTimer(connectTimeoutMs, () => giveUp.abort(late));
    this.#life.signal.addEventListener('abort', stop, { once: true });
    try {
      this.#makeRoom();
      const connection = new WorkerConnection(address, await connect(address, giveUp.signal));
      if (this.#life.signal.aborted) {
        await connection.close();
        throw asError(this.#life.signal.reason);
      }
      this.#keep(connection);
      return connection;
    } catch (error) {
      this.#suspect(address);
      throw error;
    } finally {
      timer.cancel();
      this.#life.signal.removeEventListener('abort', stop);
    }
  }

  #keep(connection: WorkerConnection): void {
    const { address } = connection;
    this.#suspectSince.delete(address);
    this.#open.set(address, connection);
    connection.lost.addEventListener(
      'abort',
      () => {
        if (this.#open.get(address) !== connection) return;
        this.#open.delete(address);
        this.#suspect(address);
      },
      { once: true },
    );
  }

  #suspect(address: string): void {
    if (this.#suspectSince.size >= CONNECTIONS_MAX) this.#suspectSince.clear();
    this.#suspectSince.set(address, this.#deps.clock.monotonicMs());
  }

  /** @throws `resource_exhausted`: all are in use. */
  #makeRoom(): void {
    if (this.#open.size + this.#opening.size < CONNECTIONS_MAX) return;
    const idle = [...this.#open.values()].find(({ calls }) => calls === 0);
    if (idle === undefined)
      throw new UnderstudyError('resource_exhausted', `too many workers are talked to at once: max=${CONNECTIONS_MAX}`);
    this.#open.delete(idle.address);
    // Nobody is left whom its failure would tell anything.
    idle.close().catch(() => {});
  }
}
