/** A connection to a web port that sends bytes as they are given, and reads answers as they come: for what no HTTP client would send. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { waitUntil } from '../servers/wait-until.js';

export interface WireAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const LIMIT_MS = 10_000;

export class Wire {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  hasEnded = false;

  private constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    // What was refused may still be sent, into a connection that is closed.
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.hasEnded = true;
    });
    onTestFinished(() => void this.socket.destroy());
  }

  static async open({ port }: { readonly port: number }): Promise<Wire> {
    const wire = new Wire(port);
    await once(wire.socket, 'connect');
    return wire;
  }

  /** @param text one character a byte. */
  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** @returns the next answer. @param hasBody not of a HEAD. */
  async answer(hasBody = true): Promise<WireAnswer> {
    let taken: { answer: WireAnswer; bytes: number } | null = null;
    await waitUntil(
      'an answer comes',
      () => {
        taken = parse(this.#received.toString('latin1'), hasBody);
        if (taken === null && this.hasEnded) throw new Error(`the connection was closed: received=${this.#received.toString('latin1')}`);
        return taken !== null;
      },
      LIMIT_MS,
    );
    const { answer, bytes } = taken as unknown as { answer: WireAnswer; bytes: number };
    this.#received = this.#received.subarray(bytes);
    return answer;
  }

  /** Waits until the server has closed the connection. @returns what came that no `answer` has taken. */
  async end(limitMs = LIMIT_MS): Promise<string> {
    await waitUntil('the server closes the connection', () => this.hasEnded, limitMs);
    return this.#received.toString('latin1');
  }
}

/** Sends `text` on a connection of its own. @returns the answer. */
export async function exchange(server: { readonly port: number }, text: string): Promise<WireAnswer> {
  const wire = await Wire.open(server);
  const answer = await wire.send(text).answer(!text.startsWith('HEAD'));
  wire.socket.destroy();
  return answer;
}

function parse(received: string, hasBody: boolean): { answer: WireAnswer; bytes: number } | null {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const [line = '', ...fields] = received.slice(0, headEnd).split('\r\n');
  const headers = new Map(fields.map((field) => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 2)]));
  const status = Number(line.split(' ')[1]);
  const from = headEnd + 4;
  const isChunked = headers.get('transfer-encoding') === 'chunked';
  const end = !hasBody ? from : isChunked ? endOfChunks(received, from) : from + Number(headers.get('content-length') ?? 0);
  if (end < 0 || received.length < end) return null;
  return { answer: { status, headers, body: received.slice(from, end) }, bytes: end };
}

function endOfChunks(received: string, from: number): number {
  const last = received.indexOf('0\r\n\r\n', from);
  return last < 0 ? -1 : last + 5;
}
