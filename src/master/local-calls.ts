/**
 * Calls of this master from within its own process: what its web port is asked for passes the same handlers as what comes by RPC, gates and
 * all. Such calls have no session: a change that is sent again is another change. None waits for good: not for a journal that hangs, either.
 */
import type { Clock } from '../base/clock.js';
import { encodeMessage } from '../base/encode-message.js';
import { asError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { type Deferred, deferred } from '../base/wait.js';
import type { MessageType } from '../metadata/operation.js';
import type { CallHandler, ServerCall } from '../rpc/rpc.js';

/** A row of the table of operations. */
interface Callable<Q, QS, R, RS> {
  readonly method: number;
  readonly request: MessageType<Q, QS>;
  readonly response: MessageType<R, RS>;
}

export interface LocalCallOptions {
  /** Who asks, `host:port`, for people. */
  readonly peer: string;
  /** Aborted when nobody waits for the answer any longer; a change may have been made. */
  readonly signal: AbortSignal;
}

/** Calls that may be in flight at once. */
const IN_FLIGHT_MAX = 4_096;
/** Streams among them: a slow reader keeps its listing open, and clients by RPC are to find some that are free (namespace-service.ts). */
const STREAMS_MAX = 128;
/** For the answer, or for the next item of a stream. Clients of HTTP, and what stands between, wait for a minute by habit: they are to be told. */
const ANSWER_MAX_MS = 50_000;

export interface LocalCallsDeps {
  readonly clock: Clock;
  readonly log: Log;
}

export class LocalCalls {
  readonly #handle: CallHandler;
  readonly #deps: LocalCallsDeps;
  #inFlight = 0;
  #streams = 0;

  constructor(handle: CallHandler, deps: LocalCallsDeps) {
    this.#handle = handle;
    this.#deps = deps;
  }

  /**
   * @throws what the master refuses it with; `cancelled`: `signal` was aborted, and the master may still do it; `deadline_exceeded`: likewise, as
   * no answer came in time; `resource_exhausted`: too many are in flight.
   */
  async call<Q, QS, R, RS>(operation: Callable<Q, QS, R, RS>, request: QS, options: LocalCallOptions): Promise<R> {
    const call = this.#begin(operation, request, options);
    return operation.response.decode(await call.answered());
  }

  /** Yields the items of a stream, each when it is asked for; leaving the loop cancels the call. @throws as `call`. */
  async *stream<Q, QS, R, RS>(
    operation: Callable<Q, QS, R, RS>,
    request: QS,
    options: LocalCallOptions,
  ): AsyncGenerator<R, void, undefined> {
    if (this.#streams >= STREAMS_MAX)
      throw new UnderstudyError('resource_exhausted', `too many listings are being read: listings=${this.#streams}`);
    const call = this.#begin(operation, request, options);
    this.#streams += 1;
    try {
      for (let item = await call.next(); item !== null; item = await call.next()) yield operation.response.decode(item);
    } finally {
      this.#streams -= 1;
      call.cancel();
    }
  }

  #begin<Q, QS, R, RS>(operation: Callable<Q, QS, R, RS>, request: QS, options: LocalCallOptions): LocalCall {
    if (this.#inFlight >= IN_FLIGHT_MAX)
      throw new UnderstudyError('resource_exhausted', `too many requests are in flight: requests=${this.#inFlight}`);
    this.#inFlight += 1;
    const call = new LocalCall(operation.method, encodeMessage(operation.request, request), options, {
      clock: this.#deps.clock,
      settled: () => {
        this.#inFlight -= 1;
      },
    });
    try {
      // A handler may be an async function, whose failure would otherwise be nobody's.
      const running: unknown = this.#handle(call);
      if (running instanceof Promise)
        running.then(
          () => call.returned(),
          (error: unknown) => this.#failed(call, error),
        );
    } catch (error) {
      this.#failed(call, error);
    }
    return call;
  }

  #failed(call: LocalCall, error: unknown): void {
    if (!(error instanceof UnderstudyError))
      this.#deps.log.error({ error, method: call.method, peer: call.peer }, 'call failed by a defect');
    call.fail(asError(error, 'internal', 'call failed by a defect'));
  }
}

interface LocalCallDeps {
  readonly clock: Clock;
  /** Told once, when the handler is done with it. */
  readonly settled: () => void;
}

class LocalCall implements ServerCall {
  readonly method: number;
  readonly body: Uint8Array;
  readonly peer: string;
  readonly deadlineMs = Number.POSITIVE_INFINITY;
  readonly sessionless = true;
  readonly #answer: Deferred<Uint8Array> = deferred();
  readonly #caller: AbortSignal;
  readonly #clock: Clock;
  readonly #settled: () => void;
  readonly #callerGone = () => this.cancel();
  #controller: AbortController | undefined;
  #gone: UnderstudyError | undefined;
  #isSettled = false;
  #item: { readonly body: Uint8Array; readonly taken: Deferred<void> } | null = null;
  #arrived: Deferred<void> | null = null;

  constructor(method: number, body: Uint8Array, { peer, signal }: LocalCallOptions, { clock, settled }: LocalCallDeps) {
    this.method = method;
    this.body = body;
    this.peer = peer;
    this.#caller = signal;
    this.#clock = clock;
    this.#settled = settled;
    // Of a stream that nobody reads to its end.
    this.#answer.promise.catch(() => {});
    if (signal.aborted) this.cancel();
    else signal.addEventListener('abort', this.#callerGone);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#gone !== undefined) this.#controller.abort(this.#gone);
    }
    return this.#controller.signal;
  }

  reply(body: Uint8Array = EMPTY): void {
    if (this.#settle()) this.#answer.resolve(body);
  }

  fail(error: UnderstudyError): void {
    if (this.#settle()) this.#answer.reject(error);
  }

  async item(body: Uint8Array, tail?: Uint8Array): Promise<void> {
    if (this.#gone !== undefined) throw this.#gone;
    const taken = deferred<void>();
    this.#item = { body: tail === undefined ? body : Buffer.concat([body, tail]), taken };
    this.#arrived?.resolve();
    await taken.promise;
  }

  /** @throws what the call fails with. */
  answered(): Promise<Uint8Array> {
    return this.#inTime(this.#answer.promise);
  }

  /** @returns the next item, null at the end. @throws what the call fails with. */
  async next(): Promise<Uint8Array | null> {
    if (this.#item === null && !this.#isSettled && this.#gone === undefined) {
      this.#arrived = deferred();
      await this.#inTime(this.#arrived.promise);
      this.#arrived = null;
    }
    const item = this.#item;
    this.#item = null;
    item?.taken.resolve();
    if (item !== null) return item.body;
    await this.#answer.promise;
    return null;
  }

  /** The async handler has returned. With its caller gone it has nothing to say any more. */
  returned(): void {
    if (this.#gone !== undefined) this.#settle();
  }

  /** Nobody waits any longer; the handler may go on. */
  cancel(): void {
    this.#abandon(new UnderstudyError('cancelled', 'the caller is gone'));
  }

  async #inTime<T>(awaited: Promise<T>): Promise<T> {
    const late = `the master did not answer in time, and a change may have been made: ms=${ANSWER_MAX_MS}`;
    const timer = this.#clock.setTimer(ANSWER_MAX_MS, () => this.#abandon(new UnderstudyError('deadline_exceeded', late)));
    try {
      return await awaited;
    } finally {
      timer.cancel();
    }
  }

  #abandon(why: UnderstudyError): void {
    if (this.#isSettled || this.#gone !== undefined) return;
    this.#gone = why;
    this.#controller?.abort(this.#gone);
    this.#item?.taken.reject(this.#gone);
    this.#item = null;
    this.#answer.reject(this.#gone);
    this.#arrived?.resolve();
  }

  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#caller.removeEventListener('abort', this.#callerGone);
    this.#settled();
    this.#arrived?.resolve();
    return true;
  }
}

const EMPTY = new Uint8Array();
