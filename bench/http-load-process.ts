/**
 * The process that makes the load of HTTP: plain sockets, and no more reading of answers than to know where they end, so that it costs less than
 * what it measures.
 */
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpLoad, HttpLoadAnswer, HttpMeasured } from './http-load.js';

const TICK_MS = 1;
const HEADERS_END = Buffer.from('\r\n\r\n');
const STATUS_OK = Buffer.from('HTTP/1.1 200 ');
const CHUNKS_END = Buffer.from('\r\n0\r\n\r\n');

process.on('message', (load: HttpLoad) => {
  run(load).then(
    (answer) => process.send?.(answer),
    (error) => process.send?.({ error: String(error) } satisfies HttpLoadAnswer),
  );
});
process.on('disconnect', () => process.exit());

/** What an answer ends with. */
type End = { readonly bytesLeft: number } | 'last chunk';

class Connection {
  readonly #socket: Socket;
  readonly #answered: (connection: Connection) => void;
  #head: Buffer = Buffer.alloc(0);
  #end: End | null = null;
  sentMs = 0;
  bytes = 0;
  /** Answers other than 200. */
  refusals = 0;

  /** @param failed at most once. */
  constructor(port: number, answered: (connection: Connection) => void, failed: (why: string) => void) {
    this.#answered = answered;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('error', (error) => failed(error.message));
    this.#socket.on('close', () => failed('the server closed a connection'));
    this.#socket.on('data', (chunk) => this.#take(chunk));
  }

  send(request: Buffer): void {
    this.sentMs = performance.now();
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.bytes += chunk.length;
    const body = this.#end === null ? this.#takeHead(chunk) : chunk;
    if (body === null || this.#end === null) return;
    if (this.#end === 'last chunk') {
      // Of the text of a listing nothing else looks like it, and it comes in one piece with what is before it.
      if (!chunk.subarray(-CHUNKS_END.length).equals(CHUNKS_END)) return;
    } else {
      const bytesLeft = this.#end.bytesLeft - body.length;
      if (bytesLeft > 0) {
        this.#end = { bytesLeft };
        return;
      }
    }
    this.#end = null;
    this.#answered(this);
  }

  /** @returns what comes behind the headers, null while they have not all come. */
  #takeHead(chunk: Buffer): Buffer | null {
    const head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const at = head.indexOf(HEADERS_END);
    this.#head = at < 0 ? head : Buffer.alloc(0);
    if (at < 0) return null;
    if (!head.subarray(0, STATUS_OK.length).equals(STATUS_OK)) this.refusals += 1;
    const length = /\r\ncontent-length: (\d+)/i.exec(head.toString('latin1', 0, at))?.[1];
    this.#end = length === undefined ? 'last chunk' : { bytesLeft: Number(length) };
    return head.subarray(at + HEADERS_END.length);
  }
}

async function run({ port, targets, connections, perSecond, warmUpMs, measureMs }: HttpLoad): Promise<HttpMeasured> {
  const requests = targets.map((target) => Buffer.from(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`));
  const all: Connection[] = [];
  const idle: Connection[] = [];
  const latencies: number[] = [];
  let [sent, bytesBefore, isWarm, isOver] = [0, 0, false, false];
  const send = (connection: Connection) => connection.send(requests[sent++ % requests.length] as Buffer);
  const answered = (connection: Connection) => {
    if (isWarm && !isOver) latencies.push(performance.now() - connection.sentMs);
    if (perSecond === undefined && !isOver) send(connection);
    else idle.push(connection);
  };
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  for (let at = 0; at < connections; at++) all.push(new Connection(port, answered, (why) => fail(new Error(why))));
  const startMs = performance.now();
  if (perSecond === undefined) all.forEach(send);
  else idle.push(...all);
  /** Sends what is due, on connections that have nothing to wait for; what finds none waits for one. */
  const pace = (elapsedMs: number) => {
    const due = Math.floor((elapsedMs / 1_000) * (perSecond ?? 0));
    for (; sent < due; ) {
      const connection = idle.pop();
      if (connection === undefined) return;
      send(connection);
    }
  };
  const runUntil = async (limitMs: number) => {
    while (performance.now() < limitMs) {
      if (perSecond !== undefined) pace(performance.now() - startMs);
      await Promise.race([sleep(TICK_MS), failed]);
    }
  };
  const sumOf = (what: 'bytes' | 'refusals') => all.reduce((sum, connection) => sum + connection[what], 0);
  try {
    await runUntil(startMs + warmUpMs);
    isWarm = true;
    bytesBefore = sumOf('bytes');
    const before = { ms: performance.now(), usage: process.cpuUsage() };
    await runUntil(before.ms + measureMs);
    isOver = true;
    const seconds = (performance.now() - before.ms) / 1_000;
    const { user, system } = process.cpuUsage(before.usage);
    const sorted = Float64Array.from(latencies).sort();
    const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    return {
      ...{ answers: sorted.length, refusals: sumOf('refusals'), bytes: sumOf('bytes') - bytesBefore, seconds },
      ...{ p50Ms: quantile(0.5), p99Ms: quantile(0.99), processors: (user + system) / 1e6 / seconds },
    };
  } finally {
    for (const connection of all) connection.close();
  }
}
