/**
 * The bytes of the RPC protocol: frames on an ordered byte stream. All numbers are little-endian.
 *
 *     0        4      5       6        8         12       16
 *     +--------+------+-------+--------+---------+--------+----------------+
 *     | length | kind | flags | method | call id | extra  | body           |
 *     | u32    | u8   | u8    | u16    | u32     | u32    | `length` bytes |
 *     +--------+------+-------+--------+---------+--------+----------------+
 *
 *     hello    client -> server, then back: method = version, extra = magic; body: largest frame that the sender takes (u32), bytes that
 *              each of its streams starts with as credit (u32); a server's: then its realm, UTF-8, one byte of length in front; what
 *              follows is of a later version and ignored
 *     request  client: extra = milliseconds left until the deadline, 0 for none; flag 1: the caller wants a stream
 *     reply    server: the answer to a unary call
 *     error    server: the call failed; body is an understudy.RpcError. With call id 0 the server gives the
 *              connection up, even before hello
 *     item     server: one item of a stream; costs its whole frame of the stream's credit, sent while there is any
 *     end      server: the stream is complete
 *     cancel   client: the caller is gone
 *     credit   client: extra = bytes that the stream has for more items
 *     ping     both: asks for a pong
 *
 * A call id is unique among the calls in flight of a connection; 0 is the connection itself.
 */
import { UnderstudyError } from '../base/errors.js';
import { pieceMemory } from '../base/piece-memory.js';

export const FRAME_HEADER_BYTES = 16;
/** No hello is larger: what is not a peer is found out before anything is stored for it. */
export const HELLO_BYTES_MAX = 256;
export const PROTOCOL_VERSION = 1;
/** Flag of a request whose caller wants a stream. */
export const STREAM = 1;

export const KIND = { hello: 1, request: 2, reply: 3, error: 4, item: 5, end: 6, cancel: 7, credit: 8, ping: 9, pong: 10 } as const;

/** "uSdy". */
const MAGIC = 0x79645375;
const HELLO_BODY_BYTES = 8;
const REALM_BYTES_MAX = HELLO_BYTES_MAX - FRAME_HEADER_BYTES - HELLO_BODY_BYTES - 1;
const KIND_MAX = KIND.pong;
const NO_BYTES = new Uint8Array(0);
/** A body that arrives in pieces gets a buffer of its own size, or of so many times what arrived, at least of so much. */
const FIRST_PIECES_BYTES = 64 * 1024;
const PIECES_GROWTH = 64;

export interface Frame {
  readonly kind: number;
  readonly flags: number;
  readonly method: number;
  readonly callId: number;
  readonly extra: number;
  readonly body: Uint8Array;
  /** Of a frame that is sent: the rest of its body, which is not copied. */
  readonly tail?: Uint8Array;
  /** Told once the tail's memory is used no more, if that is found out. */
  readonly left?: () => void;
}

/** What each side says about itself first. */
export interface Hello {
  readonly version: number;
  readonly frameBytesMax: number;
  readonly streamCreditBytes: number;
  /** Of a server: what it is part of, so that a client tells servers of another one apart. Empty: not told. */
  readonly realm?: string;
}

/** @returns a frame about `callId` with nothing in it but `extra`. */
export function bareFrame(kind: number, callId: number, extra = 0): Frame {
  return { kind, flags: 0, method: 0, callId, extra, body: NO_BYTES };
}

/** @returns a frame about `callId` with a body. */
export function bodyFrame(kind: number, callId: number, body: Uint8Array, tail?: Uint8Array, left?: () => void): Frame {
  const frame = { kind, flags: 0, method: 0, callId, extra: 0, body };
  if (tail === undefined) return frame;
  return left === undefined ? { ...frame, tail } : { ...frame, tail, left };
}

export function frameBytes(frame: Frame): number {
  return FRAME_HEADER_BYTES + bodyBytes(frame);
}

function bodyBytes({ body, tail }: Pick<Frame, 'body' | 'tail'>): number {
  return body.length + (tail?.length ?? 0);
}

/** Writes the header of `frame` at `at`. */
export function putHeader(target: Uint8Array, at: number, frame: Frame): void {
  putU32(target, at, bodyBytes(frame));
  target[at + 4] = frame.kind;
  target[at + 5] = frame.flags;
  target[at + 6] = frame.method;
  target[at + 7] = frame.method >>> 8;
  putU32(target, at + 8, frame.callId);
  putU32(target, at + 12, frame.extra);
}

export function helloFrame(hello: Hello): Frame {
  const realm = Buffer.from(hello.realm ?? '');
  if (realm.length > REALM_BYTES_MAX) throw garbage('the name of a realm is too long', `bytes=${realm.length}`);
  const body = new Uint8Array(HELLO_BODY_BYTES + (realm.length > 0 ? 1 + realm.length : 0));
  if (realm.length > 0) {
    body[HELLO_BODY_BYTES] = realm.length;
    body.set(realm, HELLO_BODY_BYTES + 1);
  }
  putU32(body, 0, hello.frameBytesMax);
  putU32(body, 4, hello.streamCreditBytes);
  return { kind: KIND.hello, flags: 0, method: hello.version, callId: 0, extra: MAGIC, body };
}

/** @throws `invalid_argument`: not a hello of this protocol. The version is the receiver's to check. */
export function readHello(frame: Frame): Hello {
  if (frame.kind !== KIND.hello || frame.extra !== MAGIC) throw garbage('no hello of this protocol', `kind=${frame.kind}`);
  if (frame.body.length < HELLO_BODY_BYTES) throw garbage('hello is cut short', `bytes=${frame.body.length}`);
  const realm = realmIn(frame.body);
  const hello = { version: frame.method, frameBytesMax: u32(frame.body, 0), streamCreditBytes: u32(frame.body, 4) };
  if (hello.frameBytesMax < HELLO_BYTES_MAX) throw garbage('hello allows no useful frame', `frameBytesMax=${hello.frameBytesMax}`);
  return realm === '' ? hello : { ...hello, realm };
}

function realmIn(body: Uint8Array): string {
  const [bytes = 0] = body.subarray(HELLO_BODY_BYTES);
  return Buffer.from(body.subarray(HELLO_BODY_BYTES + 1, HELLO_BODY_BYTES + 1 + bytes)).toString('utf8');
}

/**
 * Makes frames out of a stream that arrives in any pieces.
 *
 * A body is a view into the chunk it came in, or a copy of its own if it came in several: the receiver's to keep. Whoever keeps a small
 * body for long copies it, since a view keeps its whole chunk alive. Room is made for no more than 64 times what arrived of one unfinished
 * frame, and never for more than the frame. A bad header is refused as soon as its bad byte is there.
 */
export class FrameDecoder {
  /** Largest frame accepted, header included. May be changed between frames. */
  frameBytesMax: number;
  /** Frames that were completed. */
  completed = 0;
  readonly #emit: (frame: Frame) => void;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  #pieces: Uint8Array = NO_BYTES;
  #piecesBytes = 0;
  #stopped = false;

  constructor(frameBytesMax: number, emit: (frame: Frame) => void) {
    this.frameBytesMax = frameBytesMax;
    this.#emit = emit;
  }

  /** Whether a frame has begun to arrive and is not complete. */
  get partial(): boolean {
    return this.#headerBytes > 0;
  }

  /** Drops what comes later, the rest of the chunk being pushed included. */
  stop(): void {
    this.#stopped = true;
    this.#headerBytes = 0;
    this.#pieces = NO_BYTES;
  }

  /**
   * Takes `chunk`, which is the decoder's from now on, unless it is lent: then it is copied as far as it is kept.
   *
   * @throws `invalid_argument`: garbage, or a frame over the limit; the stream is lost.
   */
  push(chunk: Uint8Array, isLent = false): void {
    const at = this.#headerBytes > 0 ? this.#resume(chunk, isLent) : 0;
    if (!isLent) return this.#takeFrames(chunk, at);
    const end = endOfWholeFrames(chunk, at);
    if (end > at) this.#takeFrames(new Uint8Array(chunk.subarray(at, end)), 0);
    this.#takeFrames(chunk, end);
  }

  #takeFrames(chunk: Uint8Array, from: number): void {
    let at = from;
    while (!this.#stopped && at < chunk.length) {
      const bodyAt = at + FRAME_HEADER_BYTES;
      if (bodyAt > chunk.length) {
        this.#keepHeader(chunk, at);
        return;
      }
      this.#check(chunk, at, FRAME_HEADER_BYTES);
      const length = u32(chunk, at);
      if (length > chunk.length - bodyAt) {
        this.#keepHeader(chunk, at);
        this.#resume(chunk.subarray(bodyAt), false);
        return;
      }
      const body = length === 0 ? NO_BYTES : view(chunk, bodyAt, length);
      this.#complete(chunk, at, body);
      at = bodyAt + length;
    }
  }

  /** Goes on with the unfinished frame. @returns how many bytes of `chunk` it took. */
  #resume(chunk: Uint8Array, isLent: boolean): number {
    let at = 0;
    if (this.#headerBytes < FRAME_HEADER_BYTES) {
      at = Math.min(chunk.length, FRAME_HEADER_BYTES - this.#headerBytes);
      this.#header.set(chunk.subarray(0, at), this.#headerBytes);
      this.#headerBytes += at;
      this.#check(this.#header, 0, this.#headerBytes);
      if (this.#headerBytes < FRAME_HEADER_BYTES) return at;
    }
    const length = u32(this.#header, 0);
    const took = Math.min(length - this.#piecesBytes, chunk.length - at);
    if (took === length && length > 0) {
      this.#finishPartial(isLent ? new Uint8Array(chunk.subarray(at, at + took)) : view(chunk, at, took));
      return at + took;
    }
    this.#keepPiece(chunk.subarray(at, at + took), length);
    if (this.#piecesBytes === length) this.#finishPartial(this.#pieces);
    return at + took;
  }

  #keepHeader(chunk: Uint8Array, at: number): void {
    const end = Math.min(chunk.length, at + FRAME_HEADER_BYTES);
    this.#header.set(chunk.subarray(at, end));
    this.#headerBytes = end - at;
    this.#check(this.#header, 0, this.#headerBytes);
  }

  #keepPiece(piece: Uint8Array, length: number): void {
    const needed = this.#piecesBytes + piece.length;
    if (needed > this.#pieces.length) {
      const room = Math.min(length, Math.max(PIECES_GROWTH * needed, FIRST_PIECES_BYTES));
      const grown = pieceMemory.take(room);
      grown.set(this.#pieces.subarray(0, this.#piecesBytes));
      this.#pieces = grown;
    }
    this.#pieces.set(piece, this.#piecesBytes);
    this.#piecesBytes = needed;
  }

  #finishPartial(body: Uint8Array): void {
    this.#headerBytes = 0;
    this.#pieces = NO_BYTES;
    this.#piecesBytes = 0;
    this.#complete(this.#header, 0, body);
  }

  #complete(header: Uint8Array, at: number, body: Uint8Array): void {
    this.completed += 1;
    this.#emit({
      kind: header[at + 4] as number,
      flags: header[at + 5] as number,
      method: (header[at + 6] as number) | ((header[at + 7] as number) << 8),
      callId: u32(header, at + 8),
      extra: u32(header, at + 12),
      body,
    });
  }

  /** Checks what is there of a header, its first `known` bytes. */
  #check(header: Uint8Array, at: number, known: number): void {
    if (known < 4) return;
    const length = u32(header, at);
    if (length > this.frameBytesMax - FRAME_HEADER_BYTES) {
      throw garbage('frame over the limit', `bodyBytes=${length} frameBytesMax=${this.frameBytesMax}`);
    }
    if (known < 6) return;
    const kind = header[at + 4] as number;
    const flags = header[at + 5] as number;
    if (kind === 0 || kind > KIND_MAX) throw garbage('frame of an unknown kind', `kind=${kind}`);
    if (flags > (kind === KIND.request ? STREAM : 0)) throw garbage('frame with an unknown flag', `kind=${kind} flags=${flags}`);
    if (kind >= KIND.end && length > 0) throw garbage('frame with a body that its kind has not', `kind=${kind} bodyBytes=${length}`);
  }
}

/** @returns where the first frame begins, from `from` on, that is not all there. */
function endOfWholeFrames(chunk: Uint8Array, from: number): number {
  let at = from;
  while (at + FRAME_HEADER_BYTES <= chunk.length) {
    const end = at + FRAME_HEADER_BYTES + u32(chunk, at);
    if (end > chunk.length) break;
    at = end;
  }
  return at;
}

/** Never a Buffer, whose `slice` does not copy. */
function view(chunk: Uint8Array, at: number, length: number): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset + at, length);
}

function u32(bytes: Uint8Array, at: number): number {
  const [a, b, c, d] = [bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number, bytes[at + 3] as number];
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

function putU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 24;
}

function garbage(message: string, values: string): UnderstudyError {
  return new UnderstudyError('invalid_argument', `${message}: ${values}`);
}
