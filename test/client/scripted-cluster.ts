/**
 * Masters at the RpcConnection seam, each doing what a test's script says, and the calls they saw.
 */
import { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { abortError, orAborted } from '../../src/base/wait.js';
import { Client } from '../../src/client/client.js';
import { type ClientSettings, DEFAULT_CLIENT_SETTINGS } from '../../src/client/client-settings.js';
import { FileSystem } from '../../src/client/file-system.js';
import type { LeaderDirectory } from '../../src/election/election.js';
import { operations } from '../../src/metadata/operations.js';
import type { CallOptions, RpcConnection } from '../../src/rpc/rpc.js';

export interface SeenCall {
  readonly master: string;
  readonly method: number;
  readonly body: Uint8Array;
  /** Breaks the connection, as a killed master does. */
  lose(): void;
}

/** Answers a call, throws its error, or never settles. */
export type Script = (call: SeenCall) => Uint8Array | Promise<Uint8Array>;

export class ScriptedMaster {
  readonly address: string;
  script: Script;
  /** What it says that it is part of. */
  realm = '';
  /** Refuses connections when false. */
  up = true;
  readonly seen: SeenCall[] = [];
  readonly connections = new Set<ScriptedConnection>();
  pages: (call: SeenCall) => AsyncIterable<Uint8Array> = () => {
    throw new UnderstudyError('unimplemented', 'no pages');
  };

  constructor(address: string, script: Script) {
    this.address = address;
    this.script = script;
  }

  /** Breaks all connections and refuses new ones. */
  kill(): void {
    this.up = false;
    for (const connection of this.connections) connection.lose(new UnderstudyError('unavailable', 'killed'));
  }

  /** The callers of the mutations seen, in order. */
  callers(method: number = operations.createFile.method): understudy.Caller.$Properties[] {
    return this.seen.filter((call) => call.method === method).map(({ body }) => understudy.CreateFileRequest.decode(body).caller ?? {});
  }
}

/** Node's timers go no further. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

class ScriptedConnection implements RpcConnection {
  readonly address: string;
  readonly realm: string;
  readonly #master: ScriptedMaster;
  readonly #lost = new AbortController();

  constructor(master: ScriptedMaster) {
    this.address = master.address;
    this.realm = master.realm;
    this.#master = master;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  lose(reason: UnderstudyError): void {
    this.#master.connections.delete(this);
    this.#lost.abort(reason);
  }

  async call(method: number, body: Uint8Array, { timeoutMs, signal }: CallOptions): Promise<Uint8Array> {
    const { call, end, timer } = this.#see(method, body, timeoutMs);
    try {
      return await orAborted(orAborted(Promise.resolve(this.#master.script(call)), end), signal);
    } finally {
      timer.cancel();
    }
  }

  async *stream(method: number, body: Uint8Array, { timeoutMs }: CallOptions): AsyncIterable<Uint8Array> {
    const { call, end, timer } = this.#see(method, body, timeoutMs);
    try {
      for await (const page of this.#master.pages(call)) {
        if (end.aborted) throw abortError(end);
        yield page;
      }
    } finally {
      timer.cancel();
    }
  }

  async close(): Promise<void> {
    this.lose(new UnderstudyError('cancelled', 'closed'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #see(method: number, body: Uint8Array, timeoutMs: number) {
    if (this.lost.aborted) throw new UnderstudyError('unavailable', 'lost');
    const controller = new AbortController();
    const timer = systemClock.setTimer(Math.min(timeoutMs, TIMEOUT_MS_MAX), () =>
      controller.abort(new UnderstudyError('deadline_exceeded', 'late')),
    );
    const call = { master: this.address, method, body, lose: () => this.lose(new UnderstudyError('unavailable', 'connection lost')) };
    this.#master.seen.push(call);
    return { call, end: AbortSignal.any([controller.signal, this.lost]), timer };
  }
}

export const QUICK: ClientSettings = {
  ...DEFAULT_CLIENT_SETTINGS,
  user: 'ada',
  group: 'staff',
  callTimeoutMs: 5_000,
  retryBaseMs: 4,
  retryMaxMs: 20,
  quickRetryBaseMs: 1,
  suspectAfterMs: 20,
  lookTimeoutMs: 100,
  closeTimeoutMs: 50,
};

export class ScriptedCluster {
  readonly masters = new Map<string, ScriptedMaster>();
  connects = 0;

  add(address: string, script: Script): ScriptedMaster {
    const master = new ScriptedMaster(address, script);
    this.masters.set(address, master);
    return master;
  }

  client(settings: Partial<ClientSettings> = {}, directory?: LeaderDirectory): FileSystem {
    const masters = directory === undefined ? [...this.masters.keys()] : [];
    const connect = async (address: string): Promise<RpcConnection> => {
      this.connects += 1;
      const master = this.masters.get(address);
      if (!master?.up) throw new UnderstudyError('unavailable', `refused address=${address}`);
      const connection = new ScriptedConnection(master);
      master.connections.add(connection);
      return connection;
    };
    const deps = { clock: systemClock, random: systemRandom, connect, ...(directory === undefined ? {} : { directory }) };
    return new FileSystem(new Client({ ...QUICK, masters, ...settings }, deps));
  }
}

export const never = (): Promise<never> => new Promise(() => {});

export const fail = (code: ConstructorParameters<typeof UnderstudyError>[0], leader?: string): never => {
  throw new UnderstudyError(code, `scripted ${code}`, leader === undefined ? {} : { leader });
};

/** What a leader does with anything that a test does not care about. */
export function leads(epoch: number, mutation: Script = () => created(1)): Script {
  return (call) => {
    if (call.method === operations.masterStatus.method) return status('ACTIVE', epoch);
    if (call.method === operations.registerClient.method)
      return understudy.RegisterClientResponse.encode({ clientId: 7, window: 4 }).finish();
    if (call.method === operations.closeClient.method) return new Uint8Array();
    return mutation(call);
  };
}

export function follows(leader?: string): Script {
  return (call) => (call.method === operations.masterStatus.method ? status('PASSIVE', 1, leader) : fail('not_leader', leader));
}

export function status(state: string, epoch: number, leader = ''): Uint8Array {
  return understudy.MasterStatusResponse.encode({ state, epoch, leader, webAddress: 'web:1' }).finish();
}

export function created(sn: number): Uint8Array {
  return understudy.MutationResponse.encode({ sn, inode: { id: sn } }).finish();
}
