/**
 * Calls any operation of the table (src/metadata/operations.ts) at the cluster, whatever becomes of single masters.
 *
 * A call is sent again, under its one deadline, until somebody answers it. Mutations are exactly-once (I5): each carries the client's id
 * and a call id of its own, so that a later attempt gets the first one's answer. Attempts of a call follow each other: an answer to an
 * earlier attempt is never believed once a later one was sent. When the fate of a mutation cannot be told, the error says so
 * (`deadline_exceeded`, `session_expired`, `cancelled`: "it may have happened"); it is never run again silently.
 */

import { setMaxListeners } from 'node:events';
import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../base/clock.js';
import { encodeMessage } from '../base/encode-message.js';
import { asError, isError, UnderstudyError, withPath } from '../base/errors.js';
import type { Files } from '../base/files.js';
import type { Random } from '../base/random.js';
import type { LeaderDirectory } from '../election/election.js';
import type { MessageType } from '../metadata/operation.js';
import { decodeResponse } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import { askMaster, type MasterAnswer } from './ask-masters.js';
import { CallAttempts, NeverRan } from './call-attempts.js';
import { CallBudget } from './call-budget.js';
import { type ClientSession, ClientSessions, type Registration } from './client-session.js';
import type { ClientSettings } from './client-settings.js';
import { type Connect, Connections, type MasterConnection } from './connections.js';
import { LeaderFinder, type LeaderPlace } from './leader-finder.js';
import { LeaderLink } from './leader-link.js';
import { MasterPool } from './master-pool.js';
import type { Route } from './route.js';

export interface ClientDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly connect: Connect;
  /** To workers, where the bytes of files are; `connect` unless given. */
  readonly connectWorker?: Connect;
  /** Of this host: to read blocks without the worker in between. Absent: they come over its connection. */
  readonly files?: Files;
  /** Stays its owner's to close. Needed where `settings.masters` is empty. */
  readonly directory?: LeaderDirectory;
}

export interface ClientCallOptions {
  /** For the whole call, all attempts together. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** How fresh a read has to be. Linearizable (it sees all that was acknowledged before it began) unless less is asked for, here or in `ClientSettings.reads`. */
export interface ReadOptions extends ClientCallOptions {
  /** As `ClientSettings.reads`, for this one. */
  readonly reads?: 'leader' | 'anywhere';
  /** Any master may answer that has applied this entry: the `sn` of an earlier answer. */
  readonly atLeastSn?: number;
  /** Any master may answer, as far as it has come. */
  readonly stale?: boolean;
  /** Told with the answer, or each page of it: who gave it, and how new it is. */
  readonly told?: (info: ReadInfo) => void;
}

export interface ReadInfo {
  /** `host:port` of the master that answered. */
  readonly master: string;
  /** The answer holds as of this entry. */
  readonly sn: number;
  /**
   * How far the master knew itself to be behind: entries that it had heard of and not applied, and milliseconds since it last had all it knew
   * of. Undefined: the answer was the newest.
   */
  readonly behind: { readonly entries: number; readonly ms: number } | undefined;
}

/** What answers have in common. */
interface Dated {
  readonly sn?: number;
  readonly behind?: understudy.Behind.$Properties | null;
}

interface Answered {
  readonly body: Uint8Array;
  /** `host:port` of the master that gave it. */
  readonly master: string;
}

interface AskedPages {
  readonly route: Route;
  readonly method: number;
  readonly body: () => Uint8Array;
  readonly asked: () => object;
  /** What gives it the whole of its time again when a master fails: pages that came, or only an attempt as long as that; null: nothing. */
  readonly renewed: 'pages' | 'time' | null;
  /** It is not over when it ends. */
  readonly endless: boolean;
}

/** What requests of all reads have beside the question. */
interface Asking {
  freshness?: unknown;
  user?: unknown;
}

interface Callable<RequestShape, Response> {
  readonly method: number;
  readonly request: Pick<MessageType<unknown, RequestShape>, 'encode'>;
  readonly response: Pick<MessageType<Response, unknown>, 'decode'>;
}

/** An attempt's number, and what it sends. */
type Body = (attempt: number) => Uint8Array;

/** A mutation is sent under this many new sessions at most: masters that forget a client at once are at fault. */
const SESSIONS_MAX = 3;

export class Client implements AsyncDisposable {
  readonly settings: ClientSettings;
  readonly deps: ClientDeps;
  readonly #life = new AbortController();
  readonly #connections: Connections;
  readonly #finder: LeaderFinder;
  readonly #leader: LeaderLink;
  readonly #pool: MasterPool;
  /** The newest entry that an answer has told of. */
  #seenSn = 0;
  readonly #sessions: ClientSessions;

  constructor(settings: ClientSettings, deps: ClientDeps) {
    if (deps.directory === undefined && settings.masters.length === 0) {
      throw new UnderstudyError('invalid_argument', 'neither a leader directory nor a list of masters is given');
    }
    // Each call that waits listens to it.
    setMaxListeners(0, this.#life.signal);
    this.settings = settings;
    this.deps = deps;
    this.#connections = new Connections(settings, deps.clock, deps.connect);
    this.#finder = new LeaderFinder(settings, deps.clock, this.#connections, deps.directory);
    const linkDeps = { clock: deps.clock, random: deps.random, connections: this.#connections, finder: this.#finder };
    this.#leader = new LeaderLink(settings, linkDeps);
    this.#pool = new MasterPool(settings, linkDeps);
    this.#sessions = new ClientSessions(() => this.#register(), settings.waitingCallsMax);
  }

  /**
   * Changes something; resolves when that is committed. Calls may overlap; up to the masters' window are sent, further ones wait.
   *
   * @throws what the master refused it with: nothing happened.
   * @throws `deadline_exceeded`, `cancelled`, `session_expired`, `outcome_unknown`, `internal`: it may have happened. `unavailable`: nothing happened.
   * @throws `resource_exhausted`: too many calls wait already; nothing happened.
   */
  async mutate<RequestShape extends { caller?: unknown }, Response extends Dated>(
    operation: Callable<RequestShape, Response>,
    request: Omit<RequestShape, 'caller'>,
    options: ClientCallOptions = {},
  ): Promise<Response> {
    const budget = this.#budget(options.timeoutMs ?? this.settings.callTimeoutMs, options.signal);
    try {
      for (let sessions = 1; ; sessions += 1) {
        try {
          const response = decodeResponse(operation.response, await this.#sendSigned(operation, request as RequestShape, budget));
          this.#saw(response.sn);
          return response;
        } catch (error) {
          if (!(error instanceof NeverRan)) throw about(request, error);
          if (sessions === SESSIONS_MAX) throw about(request, error.cause);
        }
      }
    } finally {
      budget.release();
    }
  }

  /** Asks the namespace, in the name of the client's user. @throws what the master refused it with; `deadline_exceeded`, `unavailable`, `cancelled`. */
  async query<RequestShape extends Asking, Response extends Dated>(
    operation: Callable<RequestShape, Response>,
    request: Omit<RequestShape, keyof Asking>,
    options: ReadOptions = {},
  ): Promise<Response> {
    const budget = this.#budget(options.timeoutMs ?? this.settings.callTimeoutMs, options.signal);
    try {
      const freshness = this.#freshness(options);
      const asked = this.#question(operation, request, freshness);
      const { body, master } = await this.#send(this.#routeOf(freshness), operation.method, () => asked, budget, false);
      const response = decodeResponse(operation.response, body);
      this.#told(master, response, options);
      return response;
    } catch (error) {
      throw about(request, error);
    } finally {
      budget.release();
    }
  }

  /**
   * Asks for something that comes in pages; leaving the loop gives the rest up. `rest` says what is still to be asked: at first, and
   * whenever a master failed in the middle. Where no time-out is given, each time without a page may take as long as a call.
   *
   * @throws as `query`.
   */
  async *stream<RequestShape extends Asking, Page extends Dated>(
    operation: Callable<RequestShape, Page>,
    rest: () => Omit<RequestShape, keyof Asking>,
    options: ReadOptions = {},
  ): AsyncGenerator<Page, void, undefined> {
    const route = this.#routeOf(this.#freshness(options));
    // The rest is to be no older than the pages that came.
    const body = () => this.#question(operation, rest(), this.#freshness(options));
    const asking = {
      route,
      method: operation.method,
      body,
      asked: rest,
      renewed: options.timeoutMs === undefined ? 'pages' : null,
      endless: false,
    } as const;
    for await (const { body: bytes, master } of this.#pages(asking, this.#streamBudget(options))) {
      const page = decodeResponse(operation.response, bytes);
      this.#told(master, page, options);
      yield page;
    }
  }

  /** As `stream`, of something that is no read of the namespace as of one moment: from the leader. */
  async *streamFromLeader<RequestShape extends Asking, Item>(
    operation: Callable<RequestShape, Item>,
    request: Omit<RequestShape, keyof Asking>,
    options: ClientCallOptions = {},
  ): AsyncGenerator<Item, void, undefined> {
    const body = () => this.#question(operation, request, undefined);
    // It begins anew elsewhere: that it began to answer is no progress.
    const renewed = options.timeoutMs === undefined ? 'time' : null;
    const asking = { route: this.#leader, method: operation.method, body, asked: () => request, renewed, endless: false } as const;
    for await (const item of this.#pages(asking, this.#streamBudget(options))) yield decodeResponse(operation.response, item.body);
  }

  /**
   * As `stream`, of something that never ends, from any master. Its time-out is for how long no master may answer.
   *
   * @throws as `query`.
   */
  async *follow<RequestShape extends Asking, Item>(
    operation: Callable<RequestShape, Item>,
    rest: () => Omit<RequestShape, keyof Asking>,
    options: ClientCallOptions = {},
  ): AsyncGenerator<Item, void, undefined> {
    const body = () => this.#question(operation, rest(), undefined);
    const asking = { route: this.#pool, method: operation.method, body, asked: rest, renewed: 'pages', endless: true } as const;
    for await (const item of this.#pages(asking, this.#streamBudget(options))) yield decodeResponse(operation.response, item.body);
  }

  /**
   * Asks the master at `address` for something that concerns masters, not the namespace: once, and with no other master in its place.
   *
   * @throws what the master refused it with; `unavailable`: it cannot be reached, or has gone and may have done it; `deadline_exceeded`,
   *   `cancelled`: it may have done it.
   */
  async ask<RequestShape, Response>(
    address: string,
    { method, request, response }: Callable<RequestShape, Response>,
    message: RequestShape,
    options: ClientCallOptions = {},
  ): Promise<Response> {
    const budget = this.#budget(options.timeoutMs ?? this.settings.lookTimeoutMs, options.signal);
    try {
      const connection = await this.#connections.open(address, budget.waitSignal);
      const attempt = budget.attemptOptions(budget.totalMs);
      return decodeResponse(response, await connection.call(method, encodeMessage(request, message), attempt));
    } finally {
      budget.release();
    }
  }

  /** Looks for the leader, once, and makes sure that it serves. @returns where it is, or undefined if nobody serves now. */
  async leader(options: ClientCallOptions = {}): Promise<LeaderPlace | undefined> {
    const budget = this.#budget(options.timeoutMs ?? this.settings.lookTimeoutMs, options.signal);
    try {
      let { address } = await this.#finder.look(budget.waitSignal);
      let { status } = await askMaster(this.#connections, address, budget);
      if (status !== undefined && status.state !== 'ACTIVE' && status.leader !== '') {
        // It has handed the lead over, and what was found does not say so yet.
        address = status.leader;
        ({ status } = await askMaster(this.#connections, address, budget));
      }
      if (status?.state !== 'ACTIVE') return undefined;
      return { address, webAddress: status.webAddress, epoch: status.epoch };
    } catch (error) {
      budget.throwIfGivenUp();
      if (isError(error, 'unavailable') || isError(error, 'deadline_exceeded')) return undefined;
      throw error;
    } finally {
      budget.release();
    }
  }

  /** Asks every master that is known how it is; one that does not answer in time says so in its place. @throws `unavailable`: none is known. */
  async masters(options: ClientCallOptions = {}): Promise<readonly MasterAnswer[]> {
    const budget = this.#budget(options.timeoutMs ?? this.settings.lookTimeoutMs, options.signal);
    try {
      const addresses = await this.#finder.masters(budget.waitSignal);
      const answers = await Promise.all(addresses.map((address) => askMaster(this.#connections, address, budget)));
      budget.throwIfGivenUp();
      return answers;
    } finally {
      budget.release();
    }
  }

  /** As the masters know this client now; undefined before its first change. */
  get session(): Pick<ClientSession, 'clientId' | 'leaseTimeoutMs'> | undefined {
    return this.#sessions.current;
  }

  /** Gives up what is under way (`cancelled`), tells the masters to forget this client (best effort, bounded), and lets go. Idempotent. */
  async close(): Promise<void> {
    if (this.#life.signal.aborted) return;
    this.#life.abort(new UnderstudyError('cancelled', 'the client was closed'));
    this.#leader.close();
    this.#pool.close();
    const session = this.#sessions.current;
    const connection = this.#leader.current;
    if (session !== undefined && connection !== undefined) await this.#sayGoodbye(session, connection);
    this.#connections.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Streams, and where a master fails streams what `body` asks for then from another. @param budget is released here. */
  async *#pages(
    { route, method, body, asked, renewed, endless }: AskedPages,
    budget: CallBudget,
  ): AsyncGenerator<Answered, void, undefined> {
    const attempts = new CallAttempts(this.settings, this.deps, budget, false);
    const { clock } = this.deps;
    route.begin();
    try {
      for (;;) {
        const connection = route.current ?? (await this.#findRoute(route, budget, attempts));
        const beganMs = clock.monotonicMs();
        let answered = false;
        try {
          const limit = renewed === null ? budget.attemptOptions(budget.totalMs) : budget.endlessOptions();
          for await (const page of connection.stream(method, body(), limit)) {
            answered = true;
            route.answered();
            attempts.reset();
            yield { body: page, master: connection.address };
          }
          if (!endless) return;
          throw new UnderstudyError('unavailable', 'a stream without an end ended');
        } catch (error) {
          this.#saw(asError(error).sn);
          const isLong = clock.monotonicMs() - beganMs >= budget.totalMs;
          if (renewed !== null && (isLong || (answered && renewed === 'pages'))) budget.renew();
          await attempts.failed(route, connection, asError(error));
        }
      }
    } catch (error) {
      throw about(asked(), error);
    } finally {
      route.end();
      budget.release();
    }
  }

  #question<Shape extends Asking>(operation: Callable<Shape, unknown>, request: Omit<Shape, keyof Asking>, freshness: unknown): Uint8Array {
    return encodeMessage(operation.request, { ...(request as Shape), freshness, user: this.settings.user });
  }

  #streamBudget({ timeoutMs = this.settings.callTimeoutMs, signal }: ClientCallOptions): CallBudget {
    return this.#budget(timeoutMs, signal);
  }

  #budget(totalMs: number, signal: AbortSignal | undefined): CallBudget {
    const budget = new CallBudget(this.deps.clock, totalMs, this.#life.signal, signal);
    budget.throwIfGivenUp();
    return budget;
  }

  /** @returns what is to be asked of any master; undefined: the leader's answer, the newest. */
  #freshness({ stale, atLeastSn = 0, reads }: ReadOptions): understudy.Freshness.$Properties | undefined {
    if (stale === true) return { stale };
    const anywhere = (reads ?? this.settings.reads) === 'anywhere';
    if (reads === 'leader' || (!anywhere && atLeastSn === 0)) return undefined;
    const sn = anywhere ? Math.max(atLeastSn, this.#seenSn) : atLeastSn;
    return sn === 0 ? { stale: true } : { atLeastSn: sn, waitMs: this.settings.standbyWaitMs };
  }

  #routeOf(freshness: understudy.Freshness.$Properties | undefined): Route {
    return freshness === undefined ? this.#leader : this.#pool;
  }

  #saw(sn: number | undefined): void {
    if (sn !== undefined && sn > this.#seenSn) this.#seenSn = sn;
  }

  #told(master: string, { sn = 0, behind }: Dated, options: ReadOptions): void {
    this.#saw(sn);
    this.#pool.told(master, behind == null);
    options.told?.({ master, sn, behind: behind == null ? undefined : { entries: behind.entries ?? 0, ms: behind.ms ?? 0 } });
  }

  /** Sends a mutation under the current session. @throws `NeverRan`. */
  async #sendSigned<Shape, Response>(operation: Callable<Shape, Response>, request: Shape, budget: CallBudget): Promise<Uint8Array> {
    const { session, callId } = this.#tryEnter() ?? (await this.#enter(budget));
    const body = (attempt: number) => encodeMessage(operation.request, this.#signed(request, session, callId, attempt));
    try {
      return (await this.#send(this.#leader, operation.method, body, budget, true)).body;
    } catch (error) {
      if (error instanceof NeverRan || isError(error, 'session_expired')) this.#sessions.expire(session);
      throw error;
    } finally {
      session.window.leave(callId);
    }
  }

  /** Sends one call as often as it takes, and resolves with its answer. */
  async #send(route: Route, method: number, body: Body, budget: CallBudget, mutation: boolean): Promise<Answered> {
    let attempts: CallAttempts | undefined;
    route.begin();
    try {
      for (;;) {
        const connection = route.current ?? (await this.#findRoute(route, budget, attempts));
        try {
          const limitMs = route.attemptMsMax ?? this.settings.attemptTimeoutMs;
          const answer = await connection.call(method, body(attempts?.number ?? 1), budget.attemptOptions(limitMs));
          route.answered();
          return { body: answer, master: connection.address };
        } catch (error) {
          this.#saw(asError(error).sn);
          attempts ??= new CallAttempts(this.settings, this.deps, budget, mutation);
          await attempts.failed(route, connection, asError(error));
        }
      }
    } finally {
      route.end();
    }
  }

  async #findRoute(route: Route, budget: CallBudget, attempts: CallAttempts | undefined): Promise<MasterConnection> {
    try {
      return await route.find(budget);
    } catch (error) {
      throw (attempts ?? new CallAttempts(this.settings, this.deps, budget, false)).final(asError(error));
    }
  }

  #tryEnter(): { session: ClientSession; callId: number } | undefined {
    const session = this.#sessions.current;
    const callId = session?.window.tryEnter();
    return session === undefined || callId === undefined ? undefined : { session, callId };
  }

  /** Waits for a session, and for a place in its window. */
  async #enter(budget: CallBudget): Promise<{ session: ClientSession; callId: number }> {
    try {
      for (;;) {
        const session = await this.#sessions.open(budget);
        const callId = await session.window.enter(budget.waitSignal);
        if (callId !== undefined) return { session, callId };
      }
    } catch (error) {
      const problem = this.#leader.problem?.message ?? 'calls before it are not answered';
      const last = isError(error, 'deadline_exceeded') ? new UnderstudyError('unavailable', `not sent: ${problem}`) : asError(error);
      throw new CallAttempts(this.settings, this.deps, budget, true).final(last);
    }
  }

  #signed<Shape>(request: Shape, { clientId, window }: ClientSession, callId: number, attempt: number): Shape {
    const { user, group } = this.settings;
    return { ...request, caller: { clientId, callId, attempt, lowestUnanswered: window.lowestUnanswered, user, group } };
  }

  /** Asks for a new identity. Repeating this is harmless: an identity that nobody uses expires. */
  async #register(): Promise<Registration> {
    const budget = this.#budget(this.settings.callTimeoutMs, undefined);
    const { method, request, response } = operations.registerClient;
    const body = encodeMessage(request, {});
    try {
      return decodeResponse(response, (await this.#send(this.#leader, method, () => body, budget, false)).body);
    } finally {
      budget.release();
    }
  }

  async #sayGoodbye({ clientId }: ClientSession, connection: MasterConnection): Promise<void> {
    const { method, request } = operations.closeClient;
    try {
      await connection.call(method, encodeMessage(request, { clientId }), { timeoutMs: this.settings.closeTimeoutMs });
    } catch {
      // A client that is not heard of again expires.
    }
  }
}

/** @returns `error` with the path that `request` names, where it tells none of its own. */
function about(request: { readonly path?: unknown; readonly from?: unknown }, error: unknown): unknown {
  const path = request.path || request.from;
  return isError(error) && error.path === undefined && typeof path === 'string' ? withPath(error, path) : error;
}
