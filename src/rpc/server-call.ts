/**
 * One call at the server. Ends once: by its answer, or because its caller is gone; whatever the service does later does nothing, except that
 * the call counts until then as one that the service still works for.
 *
 * A stream sends an item when its caller has credit and the connection is not congested, and holds at most one item that waits: so one
 * slow reader keeps nobody else on the connection waiting, and costs one item.
 */
import { type ErrorCode, UnderstudyError } from '../base/errors.js';
import { type Deferred, deferred } from '../base/wait.js';
import { bareFrame, bodyFrame, FRAME_HEADER_BYTES, type Frame, frameBytes, KIND, STREAM } from './frame.js';
import type { ServerCall } from './rpc.js';
import { encodeError } from './rpc-error.js';

/** What a call needs of its connection. */
export interface CallConnection {
  readonly peer: string;
  /** Aborted when the connection is gone. */
  readonly lost: AbortSignal;
  readonly congested: boolean;
  /** Largest frame that the caller takes, header included. */
  readonly frameBytesMax: number;
  /** Bytes of credit that a stream starts with. */
  readonly streamCreditBytes: number;
  send(frame: Frame): void;
  /** Reads nothing more until what it returns is called. */
  holdReading(): () => void;
  /** Calls `call.pump` when the connection is no longer congested, in the order of asking. */
  awaitRoom(call: IncomingCall): void;
  /** The call has ended. */
  forget(callId: number): void;
  /** The service works no longer for one of the calls. @param code of its error, or why its caller gave up; null: it was answered. */
  settled(call: IncomingCall, code: ErrorCode | null): void;
}

const NO_BYTES = new Uint8Array(0);
const SENT: Promise<void> = Promise.resolve();

export class IncomingCall implements ServerCall {
  readonly method: number;
  readonly body: Uint8Array;
  readonly deadlineMs: number;
  /** When it arrived, on this machine's monotonic clock. */
  readonly arrivedMs: number;
  readonly #connection: CallConnection;
  readonly #callId: number;
  readonly #isStream: boolean;
  #creditBytes: number;
  #waiting: { readonly frame: Frame; readonly sent: Deferred<void> } | undefined;
  #ended = false;
  #settled = false;
  #gone: UnderstudyError | undefined;
  #controller: AbortController | undefined;

  constructor(connection: CallConnection, request: Frame, arrivedMs: number, deadlineMs: number) {
    this.#connection = connection;
    this.#callId = request.callId;
    this.#isStream = request.flags === STREAM;
    this.#creditBytes = connection.streamCreditBytes;
    this.method = request.method;
    this.body = request.body;
    this.arrivedMs = arrivedMs;
    this.deadlineMs = deadlineMs;
  }

  get peer(): string {
    return this.#connection.peer;
  }

  get connectionLost(): AbortSignal {
    return this.#connection.lost;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#gone !== undefined) this.#controller.abort(this.#gone);
    }
    return this.#controller.signal;
  }

  holdReading(): () => void {
    return this.#connection.holdReading();
  }

  reply(body?: Uint8Array): void {
    if (this.#ended) return this.#settle(null);
    if (this.#isStream) {
      if (this.#waiting !== undefined) {
        this.fail(misuse('stream ended before its last item had left', this.method));
        return;
      }
      if (body !== undefined && body.length > 0) {
        this.fail(mismatch('method answers with one body, not a stream', this.method));
        return;
      }
      this.#settle(null);
      this.#end(bareFrame(KIND.end, this.#callId));
      return;
    }
    const answer = body ?? NO_BYTES;
    if (!this.#fits(answer)) {
      this.fail(tooLarge(answer.length));
      return;
    }
    this.#settle(null);
    this.#end(bodyFrame(KIND.reply, this.#callId, answer));
  }

  fail(error: UnderstudyError): void {
    this.#settle(error.code);
    if (!this.#ended) this.#end(bodyFrame(KIND.error, this.#callId, encodeError(error)));
  }

  item(body: Uint8Array, tail?: Uint8Array, left?: () => void): Promise<void> {
    if (this.#gone !== undefined) return Promise.reject(callerGone(this.#gone));
    if (this.#ended) return Promise.reject(misuse('item after the end of its stream', this.method));
    if (!this.#isStream) return Promise.reject(mismatch('method answers with a stream', this.method));
    if (this.#waiting !== undefined) return Promise.reject(misuse('item before the one before it had left', this.method));
    const frame = bodyFrame(KIND.item, this.#callId, body, tail, left);
    if (frameBytes(frame) > this.#connection.frameBytesMax) return Promise.reject(tooLarge(body.length + (tail?.length ?? 0)));
    if (this.#creditBytes > 0 && !this.#connection.congested) {
      this.#sendItem(frame);
      return SENT;
    }
    const sent = deferred<void>();
    this.#waiting = { frame, sent };
    this.pump();
    return sent.promise;
  }

  /** The caller has room for `bytes` more. */
  grant(bytes: number): void {
    this.#creditBytes += bytes;
    this.pump();
  }

  /** Sends the item that waits, if it may. */
  pump(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#creditBytes <= 0) return;
    if (this.#connection.congested) {
      this.#connection.awaitRoom(this);
      return;
    }
    this.#waiting = undefined;
    this.#sendItem(waiting.frame);
    waiting.sent.resolve();
  }

  /** The service's async handler has returned. With its caller gone it has nothing to say any more. */
  returned(): void {
    if (this.#gone !== undefined) this.#settle(null);
  }

  /** The caller cancelled, is out of time, or is lost. Does not tell it. */
  abandon(reason: UnderstudyError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#gone = reason;
    if (this.#waiting !== undefined) this.#drop(callerGone(reason));
    this.#controller?.abort(reason);
  }

  #settle(code: ErrorCode | null): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#connection.settled(this, this.#gone?.code ?? code);
  }

  #sendItem(frame: Frame): void {
    this.#creditBytes -= frameBytes(frame);
    this.#connection.send(frame);
  }

  #end(frame: Frame): void {
    this.#ended = true;
    this.#connection.forget(this.#callId);
    this.#connection.send(frame);
    if (this.#waiting !== undefined) this.#drop(misuse('stream ended before its last item had left', this.method));
  }

  /** Gives up the item that waits. */
  #drop(error: UnderstudyError): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    // The service may not be waiting for it.
    waiting?.sent.promise.catch(() => {});
    waiting?.sent.reject(error);
  }

  #fits(body: Uint8Array): boolean {
    return body.length <= this.#connection.frameBytesMax - FRAME_HEADER_BYTES;
  }
}

function callerGone(reason: UnderstudyError): UnderstudyError {
  return new UnderstudyError('cancelled', `caller is gone: ${reason.message}`, { cause: reason });
}

function misuse(message: string, method: number): UnderstudyError {
  return new UnderstudyError('internal', `${message}: method=${method}`);
}

function mismatch(message: string, method: number): UnderstudyError {
  return new UnderstudyError('failed_precondition', `${message}: method=${method}`);
}

function tooLarge(bytes: number): UnderstudyError {
  return new UnderstudyError('resource_exhausted', `answer is larger than a frame may be: bodyBytes=${bytes}`);
}
