/**
 * An HTTP proxy before an S3 server that does what networks, load balancers and busy servers do: it loses requests and answers, delays and
 * repeats them, lets them arrive long after their sender gave up, and answers by itself that it is busy.
 *
 * The signature of a request stays valid, as its Host header is passed on. It needs no more than a client's endpoint to point to it.
 */
import { Agent, createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProxiedRequest {
  readonly method: string;
  /** With the bucket. */
  readonly path: string;
  /** Whether it carries `If-None-Match`. */
  readonly isConditional: boolean;
}

/**
 * `lose request`: the connection breaks, the server sees nothing. `lose answer`: it breaks once the server has answered. `late`: it breaks, and
 * the request arrives after `lateMs`. `twice late`: it is answered, and arrives again after `lateMs`. `repeat`: it arrives twice, and the second
 * answer is passed on. `status`: answered here, and nothing arrives.
 */
export type Fault =
  | { readonly kind: 'lose request' | 'lose answer' | 'repeat' }
  | { readonly kind: 'late' | 'twice late'; readonly lateMs: number }
  | { readonly kind: 'status'; readonly status: 403 | 409 | 412 | 429 | 500 | 503 };

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export class S3FaultProxy implements AsyncDisposable {
  readonly endpoint: string;
  /** Decides what happens to each request. */
  fault: ((request: ProxiedRequest) => Fault | undefined) | undefined;
  /** Each PUT is answered so much later. */
  putDelayMs = 0;
  /** Requests that arrived, or were to. */
  readonly requests: ProxiedRequest[] = [];
  readonly #target: URL;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #timers = new Set<NodeJS.Timeout>();
  #inFlight = 0;

  private constructor(target: string, server: Server) {
    this.#target = new URL(target);
    this.#server = server;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (incoming, answer) => void this.#pass(incoming, answer).catch(() => answer.destroy()));
  }

  /** @param target endpoint of the server. */
  static async start(target: string): Promise<S3FaultProxy> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new S3FaultProxy(target, server);
  }

  /** Whether everything that was to arrive has, and was answered. */
  get isQuiet(): boolean {
    return this.#timers.size === 0 && this.#inFlight === 0;
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await collect(incoming);
    const { method = '', url: path = '' } = incoming;
    const proxied = { method, path, isConditional: incoming.headers['if-none-match'] !== undefined };
    this.requests.push(proxied);
    const fault = this.fault?.(proxied);
    if (fault?.kind === 'lose request') return void outgoing.destroy();
    if (fault?.kind === 'status') return void outgoing.writeHead(fault.status, { 'content-length': 0 }).end();
    const send = (): Promise<Answer> => this.#forward(incoming, body);
    if (fault?.kind === 'late') {
      outgoing.destroy();
      return this.#later(fault.lateMs, () => void send().catch(() => undefined));
    }
    if (fault?.kind === 'repeat') await send();
    const answer = await send();
    if (fault?.kind === 'lose answer') return void outgoing.destroy();
    if (fault?.kind === 'twice late') this.#later(fault.lateMs, () => void send().catch(() => undefined));
    const give = (): void => {
      outgoing.writeHead(answer.status, answer.headers).end(method === 'HEAD' ? undefined : answer.body);
    };
    if (method === 'PUT' && this.putDelayMs > 0) this.#later(this.putDelayMs, give);
    else give();
  }

  #forward(incoming: IncomingMessage, body: Buffer): Promise<Answer> {
    const { hostname, port } = this.#target;
    this.#inFlight += 1;
    const answered = new Promise<Answer>((resolve, reject) => {
      const { method, url, headers } = incoming;
      const sent = request({ hostname, port, method, path: url, headers, agent: this.#agent }, (answer) => {
        collect(answer).then((bytes) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: bytes }), reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
    return answered.finally(() => {
      this.#inFlight -= 1;
    });
  }

  #later(delayMs: number, fn: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      fn();
    }, delayMs);
    this.#timers.add(timer);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function collect(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
