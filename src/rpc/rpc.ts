/**
 * What callers and services see of the RPC layer (src/rpc/frame.ts draws the bytes). Bodies are opaque here.
 */
import type { UnderstudyError } from '../base/errors.js';

/** One call as the server sees it. Replying to a caller that is gone does nothing. */
export interface ServerCall {
  readonly method: number;
  /** The receiver's to keep, and nobody's to change. A view into what arrived with it: copy what is kept for long. */
  readonly body: Uint8Array;
  /** The caller's `host:port`. */
  readonly peer: string;
  /** The caller's deadline on this machine's monotonic clock; Infinity where it set none. */
  readonly deadlineMs: number;
  /** Aborted when the caller cancels, its deadline passes, or its connection is lost. Made when first asked for: unary calls need not pay for it. */
  readonly signal: AbortSignal;
  /** Aborted when the caller's connection is gone; one for all calls of a connection. Absent where a call comes by none. */
  readonly connectionLost?: AbortSignal;
  /** Reads nothing more from the caller's connection until what it returns is called. Absent where a call comes by none. */
  holdReading?(): () => void;
  /** It comes from this very process, and its changes need no session: whoever sends one again makes another. */
  readonly sessionless?: true;
  /** Answers a unary call, or sends the end of a stream. Once. */
  reply(body?: Uint8Array): void;
  /** Ends the call with an error. Once. */
  fail(error: UnderstudyError): void;
  /**
   * Sends one item of a stream. Resolves once it is on its way, which waits for the caller's credit; one at a time.
   *
   * @param tail the rest of its body, which is not copied and must not change any more.
   * @param left told once the tail's memory may be used again; perhaps never.
   * @throws `cancelled` when the caller is gone; `failed_precondition` when it did not ask for a stream; `resource_exhausted` when the item is
   *   larger than a frame may be.
   */
  item(body: Uint8Array, tail?: Uint8Array, left?: () => void): Promise<void>;
}

/**
 * Serves every call of a server. A throw, or the rejection of an async one, fails the call (`internal`, unless it is an operating error).
 * A call counts in `callsInFlightMax` until its handler has replied or failed, also where the caller has given up long ago: every handler has
 * to. (An async one whose caller is gone may return instead.)
 */
export type CallHandler = (call: ServerCall) => void;

export interface CallOptions {
  /** Milliseconds until the call fails with `deadline_exceeded`, here and at the server. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** The rest of the request's body. It is not copied, and must not change until the call has ended. */
  readonly tail?: Uint8Array;
}

/** One connection to one server. */
export interface RpcConnection extends AsyncDisposable {
  readonly address: string;
  /** What the server says that it is part of; empty or absent where it does not say. */
  readonly realm?: string;
  /** Aborted, with the error as its reason, when the connection is gone; calls in flight have failed with `unavailable` then. */
  readonly lost: AbortSignal;
  /**
   * Resolves with the body of the answer. Calls may overlap; answers come in any order.
   *
   * @throws the server's error; `deadline_exceeded`; `cancelled`; `unavailable` when the connection is lost before the answer (the server
   *   may have done it); `resource_exhausted` when too many calls are in flight.
   */
  call(method: number, body: Uint8Array, options: CallOptions): Promise<Uint8Array>;
  /** Yields the items of a server stream; leaving the loop cancels the call. @throws as `call`. */
  stream(method: number, body: Uint8Array, options: CallOptions): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}
