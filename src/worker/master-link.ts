/**
 * A worker's session with one master, whichever role that has: made again whenever it ends, each master's by itself.
 *
 *   connect -> register -> all blocks, where this master does not know them -> each change, in order, as it comes
 *                       \-> a heartbeat, always one: the master holds it for a second, or until it has commands
 *
 * A master that misses a change, or whose digest differs, says `again`: then the session begins anew on the same master.
 */
import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../base/clock.js';
import { encodeMessage } from '../base/encode-message.js';
import { asError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Random } from '../base/random.js';
import { deferred, orAborted, sleep, throwIfAborted } from '../base/wait.js';
import type { StoredBlock, TierUse } from '../blocks/block-store.js';
import type { MessageType } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import type { RpcConnection } from '../rpc/rpc.js';
import type { ChangeLog } from './change-log.js';
import type { BlocksOf } from './worker-cluster.js';

/** Tells why a file was not persisted. */
export type PersistFailed = (failure: understudy.PersistFailure.$Properties) => void;

export interface MasterLinkDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** @throws `unavailable`. */
  readonly connect: (address: string, signal: AbortSignal) => Promise<RpcConnection>;
  readonly changes: ChangeLog;
  readonly identity: understudy.WorkerIdentity.$Properties;
  readonly tiers: () => readonly TierUse[];
  readonly isLeaving: () => boolean;
  /** Does what the leader commands; called again only once that has ended. Done twice, a command is done once. */
  readonly execute: (commands: readonly understudy.WorkerCommand[], failed: PersistFailed) => Promise<void>;
  /** A master names others, itself among them. */
  readonly heardOf: (masters: readonly string[]) => void;
  /** @throws `failed_precondition`: the master is not of this worker's cluster. */
  readonly checkCluster: (clusterId: string) => void;
  /** @returns the incarnation of the journal that its blocks are of; empty: of none yet. */
  readonly incarnationId: () => string;
  /** A master has taken this worker. @throws `failed_precondition`: another one has since, which is not of the same journal. */
  readonly taken: (by: BlocksOf) => Promise<void>;
  /** @returns whether the master, which is known as `knownAs`, has a session by that name, too. */
  readonly isDouble: (address: string, knownAs: string) => boolean;
}

/** Blocks in one report: what a master takes in within some milliseconds. */
const PIECE_MAX = 2_048;
/** What comes within this time of a change is told with it. */
const GATHER_MS = 2;
/** Answers with commands that wait for those before them. */
const COMMANDS_WAITING_MAX = 64;
/** Failures to persist that wait for a heartbeat; further ones are not told: what failed is commanded again. */
const FAILURES_MAX = 64;
const CONNECT_TIMEOUT_MS = 2_000;
const CALL_TIMEOUT_MS = 30_000;
const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 2_000;
/** Between two heartbeats where the master answers at once. */
const BEAT_PAUSE_MS = 20;

export class MasterLink {
  readonly address: string;
  readonly #deps: MasterLinkDeps;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  #isRegistered = false;
  #toObey = 0;
  #obeying: Promise<void> = Promise.resolve();
  #pauseMs = PAUSE_MIN_MS;
  #trouble = '';
  #beatNow: (() => void) | null = null;
  #failures: understudy.PersistFailure.$Properties[] = [];

  constructor(address: string, deps: MasterLinkDeps) {
    this.address = address;
    this.#deps = deps;
    this.#done = this.#run();
  }

  /** The master knows this worker, and is told of its changes. */
  get isRegistered(): boolean {
    return this.#isRegistered;
  }

  /** Why there is no session, for people; empty where there is one. */
  get trouble(): string {
    return this.#trouble;
  }

  /** Tells the master how this worker is without waiting for the next heartbeat. */
  announce(): void {
    this.#beatNow?.();
  }

  /** Ends the session. Idempotent. */
  close(): Promise<void> {
    this.#closing.abort(new UnderstudyError('cancelled', 'the worker is stopping'));
    return this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#connectOnce();
      } catch (thrown) {
        if (!signal.aborted) this.#troubled(asError(thrown));
      }
      this.#isRegistered = false;
      await sleep(this.#deps.clock, this.#pause(), signal).catch(() => {});
    }
  }

  #pause(): number {
    const pauseMs = this.#pauseMs * (0.5 + this.#deps.random.float() / 2);
    this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MAX_MS);
    return pauseMs;
  }

  #troubled(error: UnderstudyError): void {
    if (error.message !== this.#trouble)
      this.#deps.log.warn({ master: this.address, error }, 'no session with a master; it is tried again');
    this.#trouble = error.message;
  }

  async #connectOnce(): Promise<void> {
    const { clock, connect, checkCluster } = this.#deps;
    const limit = new AbortController();
    const stop = () => limit.abort(this.#closing.signal.reason);
    const timer = clock.setTimer(CONNECT_TIMEOUT_MS, () => limit.abort(new UnderstudyError('unavailable', 'no connection in time')));
    this.#closing.signal.addEventListener('abort', stop, { once: true });
    let connection: RpcConnection;
    try {
      connection = await connect(this.address, limit.signal);
    } finally {
      timer.cancel();
      this.#closing.signal.removeEventListener('abort', stop);
    }
    try {
      checkCluster(connection.realm ?? '');
      while (!this.#closing.signal.aborted) await this.#session(connection);
    } finally {
      await connection.close();
    }
  }

  /** Resolves when the master wants a new one. @throws as calls do; `failed_precondition`: the master refuses this worker. */
  async #session(connection: RpcConnection): Promise<void> {
    const { identity, tiers, changes, log, incarnationId: ownHistory, taken } = this.#deps;
    const state = { change: changes.newest, oldestChange: changes.oldest, incarnationId: ownHistory() };
    const request = { worker: identity, tiers: tierMessages(tiers()), ...state };
    const { refused, session, knownChange, address, clusterId, incarnationId } = await this.#call(
      connection,
      operations.registerWorker,
      request,
      this.#closing.signal,
    );
    if (refused !== '') throw new UnderstudyError('failed_precondition', `the master refuses this worker: ${refused}`);
    await taken({ clusterId, incarnationId });
    throwIfAborted(this.#closing.signal);
    if (this.#deps.isDouble(this.address, address)) return this.#closing.abort(new UnderstudyError('cancelled', `it is ${address}`));
    log.info({ master: this.address, blocks: changes.count, all: knownChange === 0 }, 'registered with a master');
    this.#isRegistered = true;
    this.#trouble = '';
    const over = new AbortController();
    const stop = () => over.abort(this.#closing.signal.reason);
    this.#closing.signal.addEventListener('abort', stop, { once: true });
    const parts = [this.#tell(connection, session, knownChange, over.signal), this.#beat(connection, session, over.signal)];
    try {
      await Promise.race(parts);
    } finally {
      over.abort(new UnderstudyError('cancelled', 'the session is over'));
      this.#closing.signal.removeEventListener('abort', stop);
      await Promise.allSettled(parts);
    }
  }

  /** Tells of all blocks where none are known, then of each change. Resolves when the master wants a new session. */
  async #tell(connection: RpcConnection, session: number, known: number, signal: AbortSignal): Promise<void> {
    const { changes, clock } = this.#deps;
    let told = known === 0 ? await this.#tellAll(connection, session, signal) : known;
    while (told !== null) {
      if (told === changes.newest) {
        await this.#nextChange(signal);
        await sleep(clock, GATHER_MS, signal);
      }
      const next = changes.since(told, PIECE_MAX);
      if (next === undefined) return;
      const change: number = told + next.length;
      const { again } = await this.#call(
        connection,
        operations.reportBlocks,
        { session, change, changes: next.map(changeMessage) },
        signal,
      );
      this.#pauseMs = PAUSE_MIN_MS;
      told = again ? null : change;
    }
  }

  /** @returns the number of the change as of which all is told; null where the master wants a new session. */
  async #tellAll(connection: RpcConnection, session: number, signal: AbortSignal): Promise<number | null> {
    const { changes } = this.#deps;
    const change = changes.newest;
    for (const piece of changes.listing(PIECE_MAX)) {
      const request = { session, all: true, last: piece.length < PIECE_MAX, change, changes: piece.map(changeMessage) };
      const { again } = await this.#call(connection, operations.reportBlocks, request, signal);
      if (again) return null;
    }
    return change;
  }

  async #nextChange(signal: AbortSignal): Promise<void> {
    const changed = deferred<void>();
    const unwatch = this.#deps.changes.watch(changed.resolve);
    try {
      await orAborted(changed.promise, signal);
    } finally {
      unwatch();
    }
  }

  /** Resolves when the master wants a new session. */
  async #beat(connection: RpcConnection, session: number, signal: AbortSignal): Promise<void> {
    const { clock, changes, tiers, isLeaving, heardOf } = this.#deps;
    // The master commands a thing once: what any answer commands is obeyed, that of a heartbeat between two of the loop too. False: a new session.
    const beat = async () => {
      const state = { change: changes.newest, blocks: changes.count, digest: changes.digest };
      const request = { session, ...state, tiers: tierMessages(tiers()), leaving: isLeaving(), failures: this.#failures.splice(0) };
      const { again, commands, masters } = await this.#call(connection, operations.workerHeartbeat, request, signal);
      if (again) return false;
      this.#pauseMs = PAUSE_MIN_MS;
      heardOf(masters);
      if (commands.length > 0) this.#obey(commands as understudy.WorkerCommand[]);
      return true;
    };
    this.#beatNow = () => void beat().catch(() => {});
    try {
      for (;;) {
        const startedMs = clock.monotonicMs();
        if (!(await beat())) return;
        if (clock.monotonicMs() - startedMs < BEAT_PAUSE_MS) await sleep(clock, BEAT_PAUSE_MS, signal);
      }
    } finally {
      this.#beatNow = null;
    }
  }

  readonly #failed: PersistFailed = (failure) => {
    if (this.#failures.length >= FAILURES_MAX) return;
    this.#failures.push(failure);
    this.announce();
  };

  /** One after the other; what is too much comes again. */
  #obey(commands: readonly understudy.WorkerCommand[]): void {
    if (this.#toObey >= COMMANDS_WAITING_MAX) return;
    this.#toObey += 1;
    this.#obeying = this.#obeying
      .then(() => this.#deps.execute(commands, this.#failed))
      .catch((error) => this.#deps.log.warn({ master: this.address, error }, 'a command was not carried out; it comes again'))
      .finally(() => {
        this.#toObey -= 1;
      });
  }

  async #call<Request, Answer>(
    connection: RpcConnection,
    operation: {
      readonly method: number;
      readonly request: MessageType<unknown, Request>;
      readonly response: MessageType<Answer, unknown>;
    },
    request: Request,
    signal: AbortSignal,
  ): Promise<Answer> {
    const body = await connection.call(operation.method, encodeMessage(operation.request, request), { timeoutMs: CALL_TIMEOUT_MS, signal });
    return operation.response.decode(body);
  }
}

function changeMessage(block: StoredBlock & { readonly gone?: boolean }): understudy.BlockChange.$Properties {
  return { block: block.id, bytes: block.bytes, gone: block.gone ?? false, tier: block.tier, evictable: block.evictable };
}

function tierMessages(tiers: readonly TierUse[]): understudy.TierUse.$Properties[] {
  return tiers.map((tier) => ({ ...tier }));
}
