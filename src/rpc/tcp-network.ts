/**
 * The network of production: TCP without Nagle's delay (`FrameLink` gathers writes itself) and with the kernel's keep-alive as a last net.
 */
import { connect, createServer, type Socket, type TcpNetConnectOpts } from 'node:net';
import { UnderstudyError } from '../base/errors.js';
import type { ByteStream, Listener, Network, StreamEvents } from './network.js';

const KEEP_ALIVE_MS = 30_000;
/** What arrives on connections that were made here is read into this, one after the other, and passed on before the next read. */
const ARRIVED = Buffer.allocUnsafeSlow(256 * 1024);
const OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };

export const tcpNetwork: Network = tcpNetworkFrom();

/** @param localAddress that connections come from, one of this host's; the kernel's choice without it. */
export function tcpNetworkFrom(localAddress?: string): Network {
  const options = localAddress === undefined ? OPTIONS : { ...OPTIONS, localAddress };
  return { connect: (address, signal) => connectTcp(address, signal, options), listen: listenTcp };
}

function connectTcp(address: string, signal: AbortSignal, options: Omit<TcpNetConnectOpts, 'port'>): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(unavailable('connecting given up', address, signal.reason));
    let stream: TcpStream | undefined;
    const callback = (bytes: number) => stream?.arrived(ARRIVED.subarray(0, bytes)) ?? false;
    const socket = connect({ ...parseAddress(address), ...options, onread: { buffer: ARRIVED, callback } });
    // Nothing is read before somebody listens.
    socket.pause();
    const giveUp = () => finish(() => reject(unavailable('not connected in time', address, signal.reason)));
    const failed = (cause: Error) => finish(() => reject(unavailable('cannot connect', address, cause)));
    const finish = (settle: () => void, keep = false) => {
      signal.removeEventListener('abort', giveUp);
      socket.removeListener('error', failed);
      if (!keep) socket.on('error', () => {}).destroy();
      settle();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    socket.once('error', failed);
    socket.once('connect', () => {
      stream = new TcpStream(socket, true);
      finish(() => resolve(stream as TcpStream), true);
    });
  });
}

function listenTcp(address: string, accept: (stream: ByteStream) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer(OPTIONS, (socket) => accept(new TcpStream(socket)));
    const failed = (cause: Error) => reject(new UnderstudyError('failed_precondition', `cannot listen: address=${address}`, { cause }));
    server.once('error', failed);
    server.listen(parseAddress(address), () => {
      // An accept that failed (no descriptors left) is the connecting side's loss; the next one is tried again.
      server.removeListener('error', failed).on('error', () => {});
      const bound = server.address();
      if (bound === null || typeof bound === 'string') return reject(new UnderstudyError('internal', 'listening without an address'));
      // `Server.close` waits for connections; listening has ended when it returns.
      resolve({ address: joinAddress(bound.address, bound.port), close: async () => void server.close() });
    });
  });
}

/** @throws `invalid_argument`: not `host:port`. An IPv6 address stands in brackets. */
export function parseAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, Math.max(colon, 0)).replace(/^\[(.*)\]$/, '$1');
  const digits = address.slice(colon + 1);
  if (host === '' || !/^\d{1,5}$/.test(digits) || Number(digits) > 65_535) {
    throw new UnderstudyError('invalid_argument', `not an address of the form host:port: address=${address}`);
  }
  return { host, port: Number(digits) };
}

function joinAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function unavailable(message: string, address: string, cause: unknown): UnderstudyError {
  const code = cause instanceof Error && 'code' in cause ? ` code=${String(cause.code)}` : '';
  return new UnderstudyError('unavailable', `${message}: address=${address}${code}`, { cause });
}

class TcpStream implements ByteStream {
  readonly peer: string;
  readonly #socket: Socket;
  readonly #isReadByCallback: boolean;
  #error: Error | undefined;
  #events: StreamEvents | undefined;
  #written: (() => void) | undefined;

  /** @param isReadByCallback what arrives comes to `arrived`. */
  constructor(socket: Socket, isReadByCallback = false) {
    this.#socket = socket;
    this.#isReadByCallback = isReadByCallback;
    this.peer = joinAddress(socket.remoteAddress ?? 'unknown', socket.remotePort ?? 0);
    socket.on('error', (error) => {
      this.#error = error;
    });
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Of a connection that was made here. @returns that more is to be read. */
  arrived(chunk: Uint8Array): true {
    this.#events?.lent(chunk);
    return true;
  }

  listen(events: StreamEvents): void {
    const socket = this.#socket;
    this.#events = events;
    this.#written = () => {
      if (socket.writableLength === 0 && !socket.destroyed) events.drained();
    };
    if (this.#isReadByCallback) socket.resume();
    else socket.on('data', (chunk: Uint8Array) => events.data(chunk));
    // A socket that ended before anybody listened says so no more.
    if (socket.closed) queueMicrotask(() => events.closed(this.#error));
    else socket.once('close', () => events.closed(this.#error));
  }

  write(chunk: Uint8Array, left?: () => void): void {
    if (!this.#socket.writable) return;
    const written = this.#written;
    this.#socket.write(
      chunk,
      left === undefined
        ? written
        : (error) => {
            if (error == null) left();
            written?.();
          },
    );
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
