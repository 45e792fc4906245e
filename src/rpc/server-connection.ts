/**
 * One client's connection at the server: hands its calls to the service, within the bounds, and ends them when the client cancels, is out
 * of time, or is gone. While more waits to be sent than the soft bound, nothing is read: who does not take answers asks nothing.
 */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../base/clock.js';
import { asError, type ErrorCode, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { CallMeter } from './call-meter.js';
import { DeadlineTimer } from './deadline-timer.js';
import { bodyFrame, type Frame, type Hello, KIND, PROTOCOL_VERSION } from './frame.js';
import { FrameLink, type LinkSettings } from './frame-link.js';
import type { ByteStream } from './network.js';
import type { CallHandler } from './rpc.js';
import { encodeError } from './rpc-error.js';
import { type CallConnection, IncomingCall } from './server-call.js';

export interface ServerConnectionSettings extends LinkSettings {
  /**
   * Calls of one connection that the service may work for at once, those included that the client has given up; further ones fail with
   * `resource_exhausted`.
   */
  readonly callsInFlightMax: number;
}

interface ServerConnectionDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter?: CallMeter;
  /** What the server is part of; its clients are told. */
  readonly realm?: string;
}

interface ServerConnectionEvents {
  /** Nothing of the connection is left. Once. */
  closed(): void;
  /** Nor does the service work for any of its calls any more. Once, after `closed`. */
  settled(): void;
}

export class ServerConnection implements CallConnection {
  frameBytesMax = 0;
  streamCreditBytes = 0;
  readonly #settings: ServerConnectionSettings;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #meter: CallMeter | undefined;
  readonly #realm: string;
  readonly #handler: CallHandler;
  readonly #link: FrameLink;
  readonly #events: ServerConnectionEvents;
  readonly #calls = new Map<number, IncomingCall>();
  /** Calls that the service works for: those of `#calls`, and those whose callers gave up. */
  #unsettled = 0;
  #closed = false;
  /** Of those who want nothing to be read. */
  #holds = 0;
  #lost: AbortController | undefined;
  /** Calls with an item that waits because the link is congested. */
  readonly #waitingForRoom = new Set<IncomingCall>();
  readonly #deadlines: DeadlineTimer;

  constructor(
    stream: ByteStream,
    settings: ServerConnectionSettings,
    deps: ServerConnectionDeps,
    handler: CallHandler,
    events: ServerConnectionEvents,
  ) {
    this.#settings = settings;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#meter = deps.meter;
    this.#realm = deps.realm ?? '';
    this.#handler = handler;
    this.#events = events;
    this.#deadlines = new DeadlineTimer(deps.clock, (nowMs) => this.#expire(nowMs));
    this.#link = new FrameLink(stream, settings, deps.clock, {
      hello: (hello) => this.#greeted(hello),
      frame: (frame) => this.#received(frame),
      congestion: () => this.#congestion(),
      closed: (reason) => this.#ended(reason),
    });
  }

  get peer(): string {
    return this.#link.peer;
  }

  get congested(): boolean {
    return this.#link.congested;
  }

  /** Made when first asked for. */
  get lost(): AbortSignal {
    if (this.#lost === undefined) {
      this.#lost = new AbortController();
      setMaxListeners(0, this.#lost.signal);
      if (this.#closed) this.#lost.abort();
    }
    return this.#lost.signal;
  }

  send(frame: Frame): void {
    this.#link.send(frame);
  }

  holdReading(): () => void {
    this.#holds += 1;
    this.#link.pause();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#holds -= 1;
      this.#read();
    };
  }

  awaitRoom(call: IncomingCall): void {
    this.#waitingForRoom.add(call);
  }

  forget(callId: number): void {
    this.#calls.delete(callId);
  }

  settled({ method, arrivedMs }: IncomingCall, code: ErrorCode | null): void {
    this.#unsettled -= 1;
    this.#meter?.settled(method, this.#clock.monotonicMs() - arrivedMs, code);
    if (this.#closed && this.#unsettled === 0) this.#events.settled();
  }

  /** Tells the client why, then closes; calls in flight are abandoned. */
  end(reason: UnderstudyError): void {
    this.#link.send(bodyFrame(KIND.error, 0, encodeError(reason)));
    this.#link.end(reason);
    this.#abandonAll(reason);
  }

  #greeted(hello: Hello): void {
    if (hello.version !== PROTOCOL_VERSION) {
      const versions = `version=${hello.version} known=${PROTOCOL_VERSION}`;
      this.end(new UnderstudyError('failed_precondition', `client speaks another version of the protocol: ${versions}`));
      return;
    }
    const { frameBytesMax } = this.#settings;
    this.#link.sendHello({ version: PROTOCOL_VERSION, frameBytesMax, streamCreditBytes: 0, realm: this.#realm });
    this.frameBytesMax = hello.frameBytesMax;
    this.streamCreditBytes = hello.streamCreditBytes;
  }

  #received(frame: Frame): void {
    if (frame.kind === KIND.request) {
      this.#serve(frame);
      return;
    }
    if (frame.kind === KIND.credit) {
      this.#calls.get(frame.callId)?.grant(frame.extra);
      return;
    }
    if (frame.kind !== KIND.cancel) throw new UnderstudyError('invalid_argument', `frame that no client sends: kind=${frame.kind}`);
    const call = this.#calls.get(frame.callId);
    if (call === undefined) return;
    this.#calls.delete(frame.callId);
    call.abandon(new UnderstudyError('cancelled', 'caller cancelled'));
  }

  #serve(request: Frame): void {
    const { callId, extra } = request;
    if (callId === 0 || this.#calls.has(callId)) throw new UnderstudyError('invalid_argument', `call id is taken: callId=${callId}`);
    if (this.#unsettled >= this.#settings.callsInFlightMax) {
      const full = `too many calls in flight on one connection: callsInFlightMax=${this.#settings.callsInFlightMax}`;
      this.send(bodyFrame(KIND.error, callId, encodeError(new UnderstudyError('resource_exhausted', full))));
      return;
    }
    const arrivedMs = this.#clock.monotonicMs();
    const deadlineMs = extra === 0 ? Number.POSITIVE_INFINITY : arrivedMs + extra;
    const call = new IncomingCall(this, request, arrivedMs, deadlineMs);
    this.#calls.set(callId, call);
    this.#unsettled += 1;
    this.#meter?.began();
    this.#deadlines.include(deadlineMs);
    try {
      // A service may be an async function, whose failure would otherwise be nobody's.
      const running: unknown = this.#handler(call);
      if (running instanceof Promise) {
        running.then(
          () => call.returned(),
          (error: unknown) => this.#failed(call, error),
        );
      }
    } catch (error) {
      this.#failed(call, error);
    }
  }

  #failed(call: IncomingCall, error: unknown): void {
    if (!(error instanceof UnderstudyError)) this.#log.error({ error, method: call.method, peer: this.peer }, 'call failed by a defect');
    call.fail(asError(error, 'internal', 'call failed by a defect'));
  }

  #congestion(): void {
    if (this.#link.congested) {
      this.#link.pause();
      return;
    }
    this.#read();
    for (const call of this.#waitingForRoom) {
      if (this.#link.congested) return;
      this.#waitingForRoom.delete(call);
      call.pump();
    }
  }

  /** Reads on, unless somebody wants that nothing is read. */
  #read(): void {
    if (this.#holds === 0 && !this.#link.congested && !this.#closed) this.#link.resume();
  }

  /** @returns the earliest deadline of the calls that are left. */
  #expire(nowMs: number): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const [callId, call] of this.#calls) {
      if (call.deadlineMs > nowMs) {
        earliestMs = Math.min(earliestMs, call.deadlineMs);
        continue;
      }
      const reason = new UnderstudyError('deadline_exceeded', `not answered in time: method=${call.method}`);
      this.#calls.delete(callId);
      call.abandon(reason);
      this.send(bodyFrame(KIND.error, callId, encodeError(reason)));
    }
    return earliestMs;
  }

  #ended(reason: UnderstudyError | undefined): void {
    this.#deadlines.cancel();
    this.#abandonAll(reason ?? new UnderstudyError('cancelled', 'caller closed the connection'));
    const values = { peer: this.peer, ...(reason === undefined ? {} : { code: reason.code, reason: reason.message }) };
    // A client that dies or leaves is everyday life, and so are strays that are no clients: health checks, scanners of ports. A client that
    // breaks a bound or the protocol is not.
    if (reason === undefined || reason.code === 'unavailable' || !this.#link.greeted) this.#log.debug(values, 'connection ended');
    else this.#log.warn(values, 'connection closed: its client broke a bound or the protocol');
    this.#closed = true;
    this.#lost?.abort();
    this.#events.closed();
    if (this.#unsettled === 0) this.#events.settled();
  }

  #abandonAll(reason: UnderstudyError): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#waitingForRoom.clear();
    for (const call of calls) call.abandon(reason);
  }
}
