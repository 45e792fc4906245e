/**
 * Calls in flight at the client: a unary one settles a promise, a stream queues its items until the loop over them takes them. The queue is
 * bounded by the credit that was given, which is given anew as items are taken; it never keeps more taken items alive than it has waiting ones.
 */
import { UnderstudyError } from '../base/errors.js';
import { bareFrame, type Frame, frameBytes, KIND } from './frame.js';

/** What every call in flight has. */
export interface OutgoingCall {
  readonly deadlineMs: number;
  /** Takes a frame of the call. @returns whether it was the last. @throws `invalid_argument`: a frame that the server may not send. */
  received(frame: Frame): boolean;
  /** Ends it without an answer. */
  failed(error: Error): void;
}

export class UnaryCall implements OutgoingCall {
  readonly deadlineMs: number;
  readonly #resolve: (body: Uint8Array) => void;
  readonly #reject: (error: unknown) => void;

  constructor(deadlineMs: number, resolve: (body: Uint8Array) => void, reject: (error: unknown) => void) {
    this.deadlineMs = deadlineMs;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  received(frame: Frame): boolean {
    if (frame.kind !== KIND.reply) throw unexpected(frame);
    this.#resolve(frame.body);
    return true;
  }

  failed(error: Error): void {
    this.#reject(error);
  }
}

export class StreamCall implements OutgoingCall {
  readonly deadlineMs: number;
  readonly #callId: number;
  readonly #send: (frame: Frame) => void;
  readonly #creditBytesMax: number;
  #creditBytes: number;
  /** Bytes of items that were taken and not given back as credit yet. */
  #takenBytes = 0;
  #items: Frame[] = [];
  #next = 0;
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(callId: number, deadlineMs: number, creditBytes: number, send: (frame: Frame) => void) {
    this.#callId = callId;
    this.deadlineMs = deadlineMs;
    this.#creditBytesMax = creditBytes;
    this.#creditBytes = creditBytes;
    this.#send = send;
  }

  received(frame: Frame): boolean {
    if (frame.kind === KIND.item) {
      if (this.#creditBytes <= 0) throw new UnderstudyError('invalid_argument', `item without credit: callId=${frame.callId}`);
      this.#creditBytes -= frameBytes(frame);
      this.#items.push(frame);
    } else if (frame.kind === KIND.end) this.#ended = true;
    else throw unexpected(frame);
    this.#wake?.();
    return this.#ended;
  }

  failed(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  /** One at a time. Items that arrived come before the error that ended the stream. @returns undefined at the end. */
  async take(): Promise<Uint8Array | undefined> {
    while (this.#next === this.#items.length) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const frame = this.#items[this.#next] as Frame;
    this.#next += 1;
    if (this.#next * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#next);
      this.#next = 0;
    }
    this.#giveBack(frameBytes(frame));
    return frame.body;
  }

  #giveBack(bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#ended || this.#takenBytes * 2 < this.#creditBytesMax) return;
    this.#send(bareFrame(KIND.credit, this.#callId, this.#takenBytes));
    this.#creditBytes += this.#takenBytes;
    this.#takenBytes = 0;
  }
}

function unexpected(frame: Frame): UnderstudyError {
  return new UnderstudyError('invalid_argument', `frame that the call does not expect: kind=${frame.kind} callId=${frame.callId}`);
}
