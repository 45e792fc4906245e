/**
 * One client of the production code on a host of the world.
 */
import { Client } from '../../src/client/client.js';
import { DEFAULT_CLIENT_SETTINGS } from '../../src/client/client-settings.js';
import { FileSystem } from '../../src/client/file-system.js';
import { operations } from '../../src/metadata/operations.js';
import type { Network } from '../../src/rpc/network.js';
import type { RpcConnection } from '../../src/rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { gatedNetwork } from './gated-network.js';
import type { SharedElection } from './shared-election.js';
import type { SimProcess } from './sim-process.js';

export interface SimClient {
  readonly files: FileSystem;
  /** What the master at `address` says that its state is; undefined if it does not answer. */
  digestOf(address: string): Promise<{ sn: number; digest: string } | undefined>;
}

/** Changes what clients send: a defect that the checks have to find. */
export type CallSabotage = (method: number, body: Uint8Array) => Uint8Array;

export function openClient(process: SimProcess, network: Network, election: SharedElection, sabotage: CallSabotage | undefined): SimClient {
  const { clock, random, log } = process;
  const deps = { network: gatedNetwork(process, network), clock, log };
  const connect = async (address: string, signal: AbortSignal) => {
    const connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, address, signal);
    return sabotage === undefined ? connection : sabotaged(connection, sabotage);
  };
  const directory = election.directory(process);
  const settings = { ...DEFAULT_CLIENT_SETTINGS, user: 'simon', group: 'users', mastersMax: 4 };
  return {
    files: new FileSystem(new Client(settings, { clock, random, connect, directory })),
    async digestOf(address) {
      const { method, request, response } = operations.digest;
      const giveUp = new AbortController();
      const timer = clock.setTimer(1_000, () => giveUp.abort());
      try {
        await using connection = await connect(address, giveUp.signal);
        const { sn, digest } = response.decode(await connection.call(method, request.encode({}).finish(), { timeoutMs: 1_000 }));
        return { sn, digest };
      } catch {
        return undefined;
      } finally {
        timer.cancel();
      }
    },
  };
}

function sabotaged(connection: RpcConnection, sabotage: CallSabotage): RpcConnection {
  const close = () => connection.close();
  return {
    address: connection.address,
    lost: connection.lost,
    call: (method, body, options) => connection.call(method, sabotage(method, body), options),
    stream: (method, body, options) => connection.stream(method, body, options),
    close,
    [Symbol.asyncDispose]: close,
  };
}
