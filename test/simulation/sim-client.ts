/**
 * One client of the production code on a host of the world.
 */
import type { understudy } from '#proto/understudy.js';
import { Client } from '../../src/client/client.js';
import { DEFAULT_CLIENT_SETTINGS } from '../../src/client/client-settings.js';
import { FileSystem } from '../../src/client/file-system.js';
import { operations } from '../../src/metadata/operations.js';
import type { Network } from '../../src/rpc/network.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { gatedNetwork } from './gated-network.js';
import { type AnswerObserver, observedAnswers } from './observed-answers.js';
import type { SharedElection } from './shared-election.js';
import type { SimProcess } from './sim-process.js';

export interface SimClient {
  readonly files: FileSystem;
  /** What the master at `address` says that its state is; undefined if it does not answer. */
  digestOf(address: string): Promise<{ sn: number; digest: string } | undefined>;
  /** How it says that it is. */
  statusOf(address: string): Promise<understudy.MasterStatusResponse | undefined>;
}

export function openClient(process: SimProcess, network: Network, election: SharedElection, heard: AnswerObserver): SimClient {
  const { clock, random, log } = process;
  const deps = { network: gatedNetwork(process, network), clock, log };
  const connect = async (address: string, signal: AbortSignal) => {
    const connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, address, signal);
    return observedAnswers(connection, heard);
  };
  const directory = election.directory(process);
  const settings = { ...DEFAULT_CLIENT_SETTINGS, user: 'simon', group: 'users', mastersMax: 4, data: DATA };
  const connectWorker = (address: string, signal: AbortSignal) => connectRpc(RPC_CLIENT_DEFAULTS, deps, address, signal);
  const ask = async <T>(address: string, { method, request, response }: Question<T>): Promise<T | undefined> => {
    const giveUp = new AbortController();
    const timer = clock.setTimer(ASK_MS, () => giveUp.abort());
    try {
      await using connection = await connect(address, giveUp.signal);
      return response.decode(await connection.call(method, request.encode({}).finish(), { timeoutMs: ASK_MS }));
    } catch {
      return undefined;
    } finally {
      timer.cancel();
    }
  };
  return {
    files: new FileSystem(new Client(settings, { clock, random, connect, connectWorker, directory })),
    digestOf: (address) => ask(address, operations.digest),
    statusOf: (address) => ask(address, operations.masterStatus),
  };
}

/** A world does not live as long as a real client is patient. */
const DATA = { workerTimeoutMs: 5_000, readRetryMs: 4_000, persistTimeoutMs: 20_000 };

interface Question<T> {
  readonly method: number;
  readonly request: { encode(message: object): { finish(): Uint8Array } };
  readonly response: { decode(body: Uint8Array): T };
}

const ASK_MS = 1_000;
