/**
 * Two kinds of requests that Node's parser refuses and that the field sends: a path with raw bytes of UTF-8 (Hadoop's client, curl), which are
 * percent-encoded here on their way to the parser, and the method `get` (HAProxy with the check that Apache Atlas documents).
 *
 * What the parser takes for a body or a header must never be taken for a request line: a request could be hidden in it from a proxy in front.
 * So requests are followed only as long as there is one way to read them: lines that end in CRLF, and no body or one of a Content-Length. At
 * the first thing besides (chunks, a folded header, an upgrade, a blank too many) the rest of the connection passes as it came, for the parser
 * to judge. Of a connection a few bytes are kept; nothing waits here.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';

/** Of connections that are made from now on. */
export function takeRawTargets(server: Server): void {
  server.on('connection', (socket: Socket) => {
    const targets = new RawTargets();
    // With a listener besides its own, Node reads the socket in JavaScript, where its bytes can be seen, and not within the parser.
    socket.on('data', () => {});
    socket.push = (chunk: Buffer | null, encoding) => Readable.prototype.push.call(socket, chunk && targets.take(chunk), encoding);
  });
}

/** A line of this length has said what it is. */
const BEGINNING_MAX = 64;
const REQUEST_LINE = /^(?:GET|get|HEAD|PUT|POST|DELETE|OPTIONS|PATCH) \//;
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+(?=:)/;
const CONTENT_LENGTH = /^content-length: ?([0-9]{1,15})\r\n$/;
const IN_DOUBT = ['transfer-encoding', 'upgrade'];
const RAW = /[\x80-\xff]/g;
const LF = 10;
const CR = 13;

/** The bytes of one connection, in their order. */
class RawTargets {
  #within: 'request line' | 'headers' | 'body' | 'doubt' = 'request line';
  /** How the line begins that is being read. */
  #beginning = '';
  #endsInCr = false;
  #contentLength: number | null = null;
  #bodyBytesLeft = 0;

  /** @returns what the parser is to have in place of `chunk`; that one itself where it stays as it is. */
  take(chunk: Buffer): Buffer {
    const taken: Buffer[] = [];
    let takenTo = 0;
    let at = 0;
    while (at < chunk.length && this.#within !== 'doubt') {
      if (this.#within === 'body') {
        at += this.#passBody(chunk.length - at);
        continue;
      }
      const end = chunk.indexOf(LF, at) + 1 || chunk.length;
      const part = chunk.subarray(at, end);
      const mended = this.#within === 'request line' ? mend(part, this.#beginning === '') : part;
      if (mended !== part) {
        taken.push(chunk.subarray(takenTo, at), mended);
        takenTo = end;
      }
      this.#read(part);
      at = end;
    }
    return takenTo === 0 ? chunk : Buffer.concat([...taken, chunk.subarray(takenTo)]);
  }

  #passBody(bytes: number): number {
    const passed = Math.min(bytes, this.#bodyBytesLeft);
    this.#bodyBytesLeft -= passed;
    if (this.#bodyBytesLeft === 0) this.#within = 'request line';
    return passed;
  }

  /** @param part of a line, or what is left of one. */
  #read(part: Buffer): void {
    const isWhole = part[part.length - 1] === LF;
    const crAt = part.indexOf(CR);
    if (!this.#isPlain(part, isWhole, crAt)) {
      this.#within = 'doubt';
      return;
    }
    this.#endsInCr = crAt >= 0;
    const missing = BEGINNING_MAX - this.#beginning.length;
    if (missing > 0) this.#beginning += part.toString('latin1', 0, missing);
    if (!isWhole) return;
    this.#within = this.#within === 'request line' ? this.#afterRequestLine() : this.#afterHeader();
    this.#beginning = '';
    this.#endsInCr = false;
  }

  /** Whether the only LF of a line stands at its end, behind its only CR. */
  #isPlain({ length }: Buffer, isWhole: boolean, crAt: number): boolean {
    if (this.#endsInCr) return isWhole && length === 1;
    if (crAt < 0) return !isWhole;
    return crAt === length - (isWhole ? 2 : 1);
  }

  #afterRequestLine(): 'headers' | 'doubt' {
    this.#contentLength = null;
    return REQUEST_LINE.test(this.#beginning) ? 'headers' : 'doubt';
  }

  #afterHeader(): 'request line' | 'headers' | 'body' | 'doubt' {
    if (this.#beginning === '\r\n') {
      this.#bodyBytesLeft = this.#contentLength ?? 0;
      return this.#bodyBytesLeft > 0 ? 'body' : 'request line';
    }
    const line = this.#beginning.toLowerCase();
    const name = HEADER_NAME.exec(line)?.[0];
    if (name === undefined || IN_DOUBT.includes(name)) return 'doubt';
    if (name !== 'content-length') return 'headers';
    const length = CONTENT_LENGTH.exec(line)?.[1];
    if (length === undefined || this.#contentLength !== null) return 'doubt';
    this.#contentLength = Number(length);
    return 'headers';
  }
}

/** @param part of a request line. @param begins the line with it. */
function mend(part: Buffer, begins: boolean): Buffer {
  const text = part.toString('latin1');
  const isSmallGet = begins && text.startsWith('get ');
  if (!isSmallGet && text.search(RAW) < 0) return part;
  const escaped = text.replace(RAW, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
  return Buffer.from(isSmallGet ? `GET${escaped.slice(3)}` : escaped, 'latin1');
}
