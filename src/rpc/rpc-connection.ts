/**
 * The client side: one connection with many calls in flight. A call ends by its answer, its deadline, its signal, or the loss of the
 * connection, whichever is first; the server is told of every call that ended early.
 */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { abortError, type Deferred, deferred, orAborted, throwIfAborted } from '../base/wait.js';
import { type OutgoingCall, StreamCall, UnaryCall } from './client-call.js';
import { DeadlineTimer } from './deadline-timer.js';
import { bareFrame, FRAME_HEADER_BYTES, type Frame, type Hello, KIND, PROTOCOL_VERSION, STREAM } from './frame.js';
import { FrameLink, LINK_DEFAULTS, type LinkSettings } from './frame-link.js';
import type { ByteStream, Network } from './network.js';
import type { CallOptions, RpcConnection } from './rpc.js';
import { decodeError } from './rpc-error.js';

export interface RpcClientSettings extends LinkSettings {
  /** Calls that may be unanswered; further ones fail with `resource_exhausted` at once. */
  readonly callsInFlightMax: number;
  /** Bytes of items that a stream may be ahead of the loop over it; one item more may come on top. */
  readonly streamCreditBytes: number;
}

export const RPC_CLIENT_DEFAULTS: RpcClientSettings = {
  ...LINK_DEFAULTS,
  keepAliveIntervalMs: 2_000,
  keepAliveTimeoutMs: 2_000,
  callsInFlightMax: 8_192,
  streamCreditBytes: 1024 * 1024,
};

/** To servers of blocks, whose items are larger: some are under way while one is looked at. */
export const RPC_DATA_CLIENT_DEFAULTS: RpcClientSettings = { ...RPC_CLIENT_DEFAULTS, streamCreditBytes: 4 * 1024 * 1024 };

export interface RpcClientDeps {
  readonly network: Network;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Connects and exchanges hellos.
 *
 * @throws `unavailable`: refused, unreachable, or given up (`network.connect`); otherwise what the server answered, `deadline_exceeded` when it did
 *   not within `handshakeTimeoutMs`, `invalid_argument` when it is no server of ours, `failed_precondition` when its version is another one.
 */
export async function connectRpc(
  settings: RpcClientSettings,
  deps: RpcClientDeps,
  address: string,
  signal: AbortSignal,
): Promise<RpcConnection> {
  const stream = await deps.network.connect(address, signal);
  const connection = new ClientConnection(settings, deps, address, stream);
  try {
    await orAborted(connection.greeted, signal);
    throwIfAborted(connection.lost);
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

const CALL_ID_MAX = 0xffff_ffff;
const TIMEOUT_MS_MAX = 0xffff_ffff;

class ClientConnection implements RpcConnection {
  readonly address: string;
  realm = '';
  readonly #settings: RpcClientSettings;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #link: FrameLink;
  readonly #greeted: Deferred<void> = deferred();
  readonly #gone: Deferred<void> = deferred();
  readonly #lost = new AbortController();
  readonly #calls = new Map<number, OutgoingCall>();
  readonly #deadlines: DeadlineTimer;
  /** Largest frame that the server takes. */
  #frameBytesMax = 0;
  #lastCallId = 0;

  constructor(settings: RpcClientSettings, deps: RpcClientDeps, address: string, stream: ByteStream) {
    this.address = address;
    this.#settings = settings;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#deadlines = new DeadlineTimer(deps.clock, (nowMs) => this.#expire(nowMs));
    this.#greeted.promise.catch(() => {});
    this.#link = new FrameLink(stream, settings, deps.clock, {
      hello: (hello) => this.#hello(hello),
      frame: (frame) => this.#received(frame),
      congestion: () => {},
      closed: (reason) => this.#closed(reason),
    });
    const { frameBytesMax, streamCreditBytes } = settings;
    this.#link.sendHello({ version: PROTOCOL_VERSION, frameBytesMax, streamCreditBytes });
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Resolves when the server has said hello. */
  get greeted(): Promise<void> {
    return this.#greeted.promise;
  }

  call(method: number, body: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(body, options);
      if (refusal !== undefined) return reject(refusal);
      const { signal } = options;
      const callId = this.#nextCallId();
      const deadlineMs = this.#clock.monotonicMs() + options.timeoutMs;
      if (signal === undefined) return this.#start(callId, new UnaryCall(deadlineMs, resolve, reject), method, body, options);
      const giveUp = () => this.#giveUp(callId, abortError(signal));
      const release = <T>(settle: (value: T) => void) => {
        return (value: T) => {
          signal.removeEventListener('abort', giveUp);
          settle(value);
        };
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#start(callId, new UnaryCall(deadlineMs, release(resolve), release(reject)), method, body, options);
    });
  }

  async *stream(method: number, body: Uint8Array, options: CallOptions): AsyncIterable<Uint8Array> {
    const refusal = this.#refusal(body, options);
    if (refusal !== undefined) throw refusal;
    const { signal } = options;
    const callId = this.#nextCallId();
    const deadlineMs = this.#clock.monotonicMs() + options.timeoutMs;
    const call = new StreamCall(callId, deadlineMs, this.#settings.streamCreditBytes, (frame) => this.#link.send(frame));
    const giveUp = () => this.#giveUp(callId, abortError(signal as AbortSignal));
    signal?.addEventListener('abort', giveUp, { once: true });
    this.#start(callId, call, method, body, options);
    try {
      for (;;) {
        const item = await call.take();
        if (item === undefined) return;
        yield item;
      }
    } finally {
      signal?.removeEventListener('abort', giveUp);
      // Of a stream that came to its end there is nothing to give up, and an error is dear.
      if (this.#calls.has(callId)) this.#giveUp(callId, new UnderstudyError('cancelled', 'loop over the stream was left'));
    }
  }

  /** Fails the calls in flight with `cancelled`, and closes. Idempotent. */
  close(): Promise<void> {
    const reason = new UnderstudyError('cancelled', `connection closed by its owner: address=${this.address}`);
    this.#lose(reason);
    this.#link.end(reason);
    return this.#gone.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Closes at once. */
  destroy(): void {
    this.#link.destroy(new UnderstudyError('cancelled', `connection given up: address=${this.address}`));
  }

  /** @returns why a call cannot even be sent. */
  #refusal(body: Uint8Array, options: CallOptions): Error | undefined {
    if (this.lost.aborted) return unavailable(this.lost.reason, this.address, 'nothing was sent');
    if (options.signal?.aborted) return abortError(options.signal);
    if (!(options.timeoutMs > 0))
      return new UnderstudyError('deadline_exceeded', `no time left for a call: timeoutMs=${options.timeoutMs}`);
    const { callsInFlightMax, outgoingBytesMax } = this.#settings;
    if (this.#calls.size >= callsInFlightMax) return exhausted('too many calls in flight', `callsInFlightMax=${callsInFlightMax}`);
    const bytes = FRAME_HEADER_BYTES + body.length + (options.tail?.length ?? 0);
    if (bytes > this.#frameBytesMax) return exhausted('request is larger than a frame may be', `bytes=${bytes}`);
    if (this.#link.outgoingBytes + bytes <= outgoingBytesMax) return undefined;
    return exhausted('server does not take what it is sent', `outgoingBytesMax=${outgoingBytesMax}`);
  }

  #nextCallId(): number {
    do this.#lastCallId = this.#lastCallId === CALL_ID_MAX ? 1 : this.#lastCallId + 1;
    while (this.#calls.has(this.#lastCallId));
    return this.#lastCallId;
  }

  #start(callId: number, call: OutgoingCall, method: number, body: Uint8Array, options: CallOptions): void {
    this.#calls.set(callId, call);
    this.#deadlines.include(call.deadlineMs);
    const flags = call instanceof StreamCall ? STREAM : 0;
    const extra = options.timeoutMs <= TIMEOUT_MS_MAX ? Math.ceil(options.timeoutMs) : 0;
    const request = { kind: KIND.request, flags, method, callId, extra, body };
    this.#link.send(options.tail === undefined ? request : { ...request, tail: options.tail });
  }

  /** Ends a call that was not answered, and tells the server. */
  #giveUp(callId: number, error: Error): void {
    const call = this.#calls.get(callId);
    if (call === undefined) return;
    this.#calls.delete(callId);
    this.#link.send(bareFrame(KIND.cancel, callId));
    call.failed(error);
  }

  #hello(hello: Hello): void {
    if (hello.version !== PROTOCOL_VERSION) {
      const versions = `version=${hello.version} known=${PROTOCOL_VERSION}`;
      this.#link.destroy(new UnderstudyError('failed_precondition', `server speaks another version of the protocol: ${versions}`));
      return;
    }
    this.#frameBytesMax = hello.frameBytesMax;
    this.realm = hello.realm ?? '';
    this.#greeted.resolve();
  }

  #received(frame: Frame): void {
    const { callId, kind } = frame;
    const fromServer = kind === KIND.reply || kind === KIND.error || kind === KIND.item || kind === KIND.end;
    if (!fromServer) throw new UnderstudyError('invalid_argument', `frame that no server sends: kind=${kind}`);
    const error = kind === KIND.error ? decodeError(frame.body) : undefined;
    if (callId === 0) {
      this.#link.end(error ?? new UnderstudyError('invalid_argument', 'answer to no call'));
      return;
    }
    const call = this.#calls.get(callId);
    // It was given up; the server did not know when it answered.
    if (call === undefined) return;
    if (error !== undefined) {
      this.#calls.delete(callId);
      call.failed(error);
    } else if (call.received(frame)) this.#calls.delete(callId);
  }

  /** @returns the earliest deadline of the calls that are left. */
  #expire(nowMs: number): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const [callId, call] of this.#calls) {
      if (call.deadlineMs > nowMs) earliestMs = Math.min(earliestMs, call.deadlineMs);
      else this.#giveUp(callId, new UnderstudyError('deadline_exceeded', `not answered in time: address=${this.address}`));
    }
    return earliestMs;
  }

  #closed(reason: UnderstudyError | undefined): void {
    const error = reason ?? new UnderstudyError('unavailable', 'server closed the connection');
    this.#lose(error);
    this.#greeted.reject(error);
    this.#gone.resolve();
  }

  /** Fails what is in flight; nothing can be called any more. */
  #lose(reason: UnderstudyError): void {
    if (this.lost.aborted) return;
    this.#deadlines.cancel();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#lost.abort(reason);
    this.#log.debug({ address: this.address, code: reason.code, reason: reason.message, callsInFlight: calls.length }, 'connection lost');
    const error = reason.code === 'cancelled' ? reason : unavailable(reason, this.address, 'the outcome of the call is unknown here');
    for (const call of calls) call.failed(error);
  }
}

function unavailable(reason: unknown, address: string, outcome: string): UnderstudyError {
  const why = reason instanceof Error ? reason.message : String(reason);
  return new UnderstudyError('unavailable', `connection lost, ${outcome}: address=${address} reason=${why}`, { cause: reason });
}

function exhausted(message: string, values: string): UnderstudyError {
  return new UnderstudyError('resource_exhausted', `${message}: ${values}`);
}
