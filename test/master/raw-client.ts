/** A client of a memory cluster that says itself which call and attempt a request is, and never sends anything by itself. */
import type { understudy } from '#proto/understudy.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { operations } from '../../src/metadata/operations.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import type { MemoryCluster } from './memory-cluster.js';

type RpcConnection = Awaited<ReturnType<typeof connectRpc>>;
type Table = typeof operations;
export type MutationName = { [K in keyof Table]: Table[K] extends { kind: 'mutation' } ? K : never }[keyof Table];

export class RawClient {
  readonly #cluster: MemoryCluster;
  readonly #user: string;
  #connection: RpcConnection;
  clientId = 0;
  #calls = 0;

  private constructor(cluster: MemoryCluster, user: string, connection: RpcConnection) {
    this.#cluster = cluster;
    this.#user = user;
    this.#connection = connection;
  }

  /** Registers at the leader `master`. */
  static async register(cluster: MemoryCluster, master: string, user = 'o'): Promise<RawClient> {
    const client = new RawClient(cluster, user, await connect(cluster, master));
    const { method, request, response } = operations.registerClient;
    client.clientId = response.decode(await client.#connection.call(method, request.encode({}).finish(), LIMIT)).clientId;
    return client;
  }

  /** Goes to another master. */
  async goTo(master: string): Promise<void> {
    this.#connection = await connect(this.#cluster, master);
  }

  /** @param callId an earlier one: another attempt of it. */
  async mutate(name: MutationName, body: object, callId = ++this.#calls, attempt = 1): Promise<understudy.MutationResponse> {
    const operation = operations[name];
    const caller = { clientId: this.clientId, callId, attempt, lowestUnanswered: 1, user: this.#user };
    const sent = operation.request.encode({ ...body, caller } as never).finish();
    return operation.response.decode(await this.#connection.call(operation.method, sent, LIMIT));
  }

  /** The last call once more, as a client does that had no answer. */
  again(name: MutationName, body: object): Promise<understudy.MutationResponse> {
    return this.mutate(name, body, this.#calls, 2);
  }

  async locations(path: string): Promise<understudy.GetBlockLocationsResponse> {
    const { method, request, response } = operations.getBlockLocations;
    return response.decode(await this.#connection.call(method, request.encode({ path, user: this.#user }).finish(), LIMIT));
  }

  async status(path: string): Promise<understudy.GetStatusResponse> {
    const { method, request, response } = operations.getStatus;
    return response.decode(await this.#connection.call(method, request.encode({ path, user: this.#user }).finish(), LIMIT));
  }

  /** @returns what is in the directory, and whether below. */
  async list(path: string, recursive = false): Promise<understudy.ListEntry.$Properties[]> {
    const { method, request, response } = operations.listStatus;
    const entries: understudy.ListEntry.$Properties[] = [];
    const body = request.encode({ path, recursive, user: this.#user }).finish();
    for await (const page of this.#connection.stream(method, body, LIMIT)) entries.push(...response.decode(page).entries);
    return entries;
  }

  async mounts(): Promise<understudy.ListMountsResponse> {
    const { method, request, response } = operations.listMounts;
    return response.decode(await this.#connection.call(method, request.encode({ user: this.#user }).finish(), LIMIT));
  }

  async free(path: string, forced = false): Promise<understudy.FreeResponse> {
    const { method, request, response } = operations.free;
    return response.decode(await this.#connection.call(method, request.encode({ path, forced, user: this.#user }).finish(), LIMIT));
  }

  async closeSession(): Promise<void> {
    const { method, request } = operations.closeClient;
    await this.#connection.call(method, request.encode({ clientId: this.clientId }).finish(), LIMIT);
  }

  /** @returns why a mutation is refused. */
  async refusalOf(name: MutationName, body: object): Promise<{ code?: string; errno?: string; message?: string }> {
    return await this.mutate(name, body).then(
      () => ({}),
      (error) => error,
    );
  }
}

const LIMIT = { timeoutMs: 8_000 };

function connect(cluster: MemoryCluster, master: string): Promise<RpcConnection> {
  const deps = { network: cluster.network.host('client'), clock: systemClock, log: silentLog };
  return connectRpc(RPC_CLIENT_DEFAULTS, deps, `${master}:19998`, AbortSignal.timeout(2_000));
}
