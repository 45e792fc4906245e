/**
 * What ZooKeeper's servers read and write, of protocol version 0, as far as an election needs it. Numbers are big-endian.
 *
 *     frame     length (4), then that many bytes
 *     text      length (4; -1 for none), UTF-8
 *     connect   version (4), last zxid seen (8), time-out in ms (4), session (8), password (text), read only (1)
 *     answered  version (4), time-out in ms (4; 0: the session has expired), session (8), password (text)
 *     request   xid (4), operation (4), its fields
 *     reply     xid (4), zxid (8), error (4), its fields; xid -2 answers a ping, -1 is a watch: event (4), state (4), path (text)
 *
 * Source: zookeeper.jute and ZooDefs.java of ZooKeeper 3.4 to 3.9.
 */
import { type ErrorCode, UnderstudyError } from '../base/errors.js';

export const OPERATIONS = { create: 1, delete: 2, exists: 3, get: 4, list: 8, ping: 11, close: -11 } as const;
export const NODE_FLAGS = { persistent: 0, ephemeral: 1, 'ephemeral sequential': 3 } as const;
export const PING_XID = -2;
export const WATCH_XID = -1;
export const NO_NODE = -101;
/** Larger than a server sends by default (1 MiB), lists of children included. */
const FRAME_BYTES_MAX = 16 << 20;
const ANYBODY_MAY_DO_ALL = { permissions: 31, scheme: 'world', id: 'anyone' };
/** Of a node's stat: its owner's session stands here. */
const OWNER_OFFSET = 44;
const STAT_BYTES = 68;

/** A session as its servers know it: whoever has both may go on with it. */
export interface SessionCredentials {
  readonly id: bigint;
  readonly password: Buffer;
}

export class FrameWriter {
  readonly #parts: Buffer[] = [];

  int(value: number): this {
    const part = Buffer.alloc(4);
    part.writeInt32BE(value);
    return this.#add(part);
  }

  long(value: bigint): this {
    const part = Buffer.alloc(8);
    part.writeBigInt64BE(value);
    return this.#add(part);
  }

  flag(value: boolean): this {
    return this.#add(Buffer.from([value ? 1 : 0]));
  }

  text(value: string | Buffer): this {
    const bytes = Buffer.from(value);
    return this.int(bytes.length).#add(bytes);
  }

  openAccess(): this {
    const { permissions, scheme, id } = ANYBODY_MAY_DO_ALL;
    return this.int(1).int(permissions).text(scheme).text(id);
  }

  /** @returns the frame, length first. */
  finish(): Buffer {
    const body = Buffer.concat(this.#parts);
    const frame = Buffer.alloc(4 + body.length);
    frame.writeInt32BE(body.length);
    body.copy(frame, 4);
    return frame;
  }

  #add(part: Buffer): this {
    this.#parts.push(part);
    return this;
  }
}

/** Reads a frame's body from front to back. Every method throws a RangeError where it ends too soon. */
export class FrameReader {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  int(): number {
    const value = this.#body.readInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  long(): bigint {
    const value = this.#body.readBigInt64BE(this.#at);
    this.#at += 8;
    return value;
  }

  bytes(): Buffer {
    const length = Math.max(this.int(), 0);
    if (this.#at + length > this.#body.length) throw new RangeError('zookeeper frame ends too soon');
    const bytes = this.#body.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  text(): string {
    return this.bytes().toString('utf8');
  }

  texts(): string[] {
    const texts: string[] = [];
    for (let left = this.int(); left > 0; left--) texts.push(this.text());
    return texts;
  }

  /** @returns the session that owns the node whose stat comes next; 0 where none does. */
  owner(): bigint {
    const owner = this.#body.readBigInt64BE(this.#at + OWNER_OFFSET);
    this.#at += STAT_BYTES;
    return owner;
  }
}

/** Cuts what arrives into frames. */
export class FrameCutter {
  #rest = Buffer.alloc(0);

  /** @returns the bodies that are complete with `chunk`. @throws `corrupt`: a length that no server sends. */
  push(chunk: Uint8Array): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const bodies: Buffer[] = [];
    while (this.#rest.length >= 4) {
      const length = this.#rest.readInt32BE(0);
      if (length < 0 || length > FRAME_BYTES_MAX) {
        throw new UnderstudyError('corrupt', `not a frame of zookeeper: length=${length} limit=${FRAME_BYTES_MAX}`);
      }
      if (this.#rest.length < 4 + length) break;
      bodies.push(this.#rest.subarray(4, 4 + length));
      this.#rest = this.#rest.subarray(4 + length);
    }
    return bodies;
  }
}

const CODES: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [NO_NODE, 'not_found'],
  [-102, 'permission_denied'],
  [-103, 'aborted'],
  [-108, 'failed_precondition'],
  [-110, 'already_exists'],
  [-111, 'failed_precondition'],
  [-114, 'invalid_argument'],
  [-115, 'permission_denied'],
  [-8, 'invalid_argument'],
  [-6, 'unimplemented'],
]);

/** @returns the operating error for a reply's; what the end of a session ended is `unavailable`, and may have happened. */
export function zooKeeperError(code: number, operation: string, path: string): UnderstudyError {
  return new UnderstudyError(
    CODES.get(code) ?? 'unavailable',
    `zookeeper operation failed: operation=${operation} path=${path} code=${code}`,
  );
}
