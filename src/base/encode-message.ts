/**
 * Encodes protobuf messages into slabs: the writer under the generated `encode` functions wherever encoding is hot.
 *
 * protobufjs's own writer keeps a linked list of operations and runs it at the end: for our small messages most of the time goes there
 * and into its garbage. This one writes each field where it belongs; a nested message's length is put in front of it when it is known.
 * The bytes are the same (test/base/encode-message.test.ts holds that).
 */
import type protobuf from 'protobufjs/minimal.js';

/** What generated messages have. */
export interface Encodable<P> {
  encode(message: P, writer?: protobuf.Writer): protobuf.Writer;
}

/** @returns the message's bytes, the caller's to keep: a view into a slab that it shares with other messages. */
export function encodeMessage<P>(type: Encodable<P>, message: P): Uint8Array {
  writer.begin();
  type.encode(message, writer as unknown as protobuf.Writer);
  return writer.end();
}

const SLAB_BYTES = 64 * 1024;
/** Longest string that is looked through for ASCII; longer ones go to the native encoder at once. */
const SHORT_CHARS = 32;
const VARINT_BYTES_MAX = 10;

class SlabWriter {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #start = 0;
  #at = 0;
  /** Where the bodies of the nested messages that are open begin. */
  readonly #open: number[] = [];

  begin(): void {
    this.#start = this.#at;
    this.#open.length = 0;
  }

  end(): Uint8Array {
    return this.#slab.subarray(this.#start, this.#at);
  }

  uint32(value: number): this {
    this.#room(VARINT_BYTES_MAX);
    if (value >= 0 && value < 0x80) this.#slab[this.#at++] = value;
    else this.#at = putVarint(this.#slab, this.#at, value >>> 0);
    return this;
  }

  /** `value` is a whole number from 0 up to 2^53. */
  uint64(value: number): this {
    this.#room(VARINT_BYTES_MAX);
    this.#at = putVarint(this.#slab, this.#at, value);
    return this;
  }

  /** A packed field. */
  uint64s(values: readonly number[]): this {
    this.fork();
    for (const value of values) this.uint64(value);
    return this.ldelim();
  }

  int32(value: number): this {
    return value < 0 ? this.#negative(value) : this.uint32(value);
  }

  bool(value: boolean): this {
    this.#room(1);
    this.#slab[this.#at++] = value ? 1 : 0;
    return this;
  }

  fixed64(value: number): this {
    this.#room(8);
    this.#slab.writeUInt32LE(value % 2 ** 32, this.#at);
    this.#slab.writeUInt32LE(Math.floor(value / 2 ** 32), this.#at + 4);
    this.#at += 8;
    return this;
  }

  /** A packed field. */
  fixed32s(values: readonly number[]): this {
    this.fork();
    this.#room(4 * values.length);
    for (const value of values) this.#at = this.#slab.writeUInt32LE(value, this.#at);
    return this.ldelim();
  }

  double(value: number): this {
    this.#room(8);
    this.#slab.writeDoubleLE(value, this.#at);
    this.#at += 8;
    return this;
  }

  string(value: string): this {
    this.#room(value.length * 3 + VARINT_BYTES_MAX);
    if (value.length <= SHORT_CHARS && this.#ascii(value)) return this;
    const bytes = Buffer.byteLength(value);
    this.#at = putVarint(this.#slab, this.#at, bytes);
    this.#at += this.#slab.write(value, this.#at, bytes);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#room(value.length + VARINT_BYTES_MAX);
    this.#at = putVarint(this.#slab, this.#at, value.length);
    return this.raw(value);
  }

  raw(value: Uint8Array): this {
    this.#room(value.length);
    this.#slab.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  /** Opens a nested message; one byte is left for its length. */
  fork(): this {
    this.#room(1);
    this.#at += 1;
    this.#open.push(this.#at - this.#start);
    return this;
  }

  ldelim(): this {
    const from = this.#start + (this.#open.pop() ?? 0);
    const length = this.#at - from;
    const more = varintBytes(length) - 1;
    if (more > 0) {
      this.#room(more);
      const begin = this.#at - length;
      this.#slab.copyWithin(begin + more, begin, this.#at);
      this.#at += more;
    }
    putVarint(this.#slab, this.#at - length - more - 1, length);
    return this;
  }

  #ascii(value: string): boolean {
    const slab = this.#slab;
    const from = this.#at + 1;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) return false;
      slab[from + i] = code;
    }
    slab[from - 1] = value.length;
    this.#at = from + value.length;
    return true;
  }

  #negative(value: number): this {
    let rest = BigInt.asUintN(64, BigInt(value));
    this.#room(VARINT_BYTES_MAX);
    for (; rest >= 0x80n; rest >>= 7n) this.#slab[this.#at++] = Number(rest & 0x7fn) | 0x80;
    this.#slab[this.#at++] = Number(rest);
    return this;
  }

  /** Makes room for `count` bytes more; what the message has so far moves to a new slab when this one ends. */
  #room(count: number): void {
    if (this.#at + count <= this.#slab.length) return;
    const written = this.#at - this.#start;
    const slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, 2 * (written + count)));
    this.#slab.copy(slab, 0, this.#start, this.#at);
    this.#slab = slab;
    this.#start = 0;
    this.#at = written;
  }
}

const writer = new SlabWriter();

function putVarint(slab: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest >= 2 ** 31) {
    slab[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest >= 0x80) {
    slab[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  slab[at++] = rest;
  return at;
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}
