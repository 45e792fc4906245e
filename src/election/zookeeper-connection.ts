/**
 * One connection to one ZooKeeper server: from the handshake that begins a session, or goes on with one, until it breaks. Bytes over the
 * network seam: nothing blocks, and no descriptor is touched that is not its own.
 *
 * - Replies come in the order of the requests. With the connection every call under way ends, `unavailable`: it may have happened.
 * - Watches are the connection's: the owner of the next one looks again.
 * - It pings after a third of the session's time-out without a request, and is given up after two thirds without a word. A process that was
 *   stopped hears first what came meanwhile.
 */
import type { Clock, Timer } from '../base/clock.js';
import { asError, UnderstudyError } from '../base/errors.js';
import { deferred, orAborted } from '../base/wait.js';
import type { ByteStream, Network } from '../rpc/network.js';
import {
  FrameCutter,
  FrameReader,
  FrameWriter,
  NO_NODE,
  NODE_FLAGS,
  OPERATIONS,
  PING_XID,
  type SessionCredentials,
  WATCH_XID,
  zooKeeperError,
} from './zookeeper-wire.js';

const CALLS_MAX = 256;
const XID_MAX = 0x7fff_ffff;
const ANY_VERSION = -1;
/** Looks at the time, in parts of the session's time-out. */
const TICKS_PER_TIMEOUT = 12;

export interface ConnectionDeps {
  readonly clock: Clock;
  readonly network: Network;
}

/** What a connection goes on with. */
export interface ConnectionStart {
  readonly sessionTimeoutMs: number;
  /** Without: a new session. */
  readonly credentials: SessionCredentials | undefined;
  /** The last that was seen: a server that lags behind it refuses. 0 to take any. */
  readonly lastZxid: bigint;
}

interface Call {
  readonly xid: number;
  readonly answered: (code: number, reply: FrameReader) => void;
  readonly fail: (error: Error) => void;
}

export class ZooKeeperConnection {
  readonly credentials: SessionCredentials;
  /** Granted by the server. */
  readonly sessionTimeoutMs: number;
  /** Resolves once it has ended, with the reason. */
  readonly ended: Promise<Error>;
  readonly #stream: ByteStream;
  readonly #clock: Clock;
  readonly #changed: (path: string) => void;
  readonly #end = deferred<Error>();
  readonly #calls: Call[] = [];
  #failure: Error | undefined;
  #lastZxid: bigint;
  #xid = 0;
  #heardMs: number;
  #sentMs: number;
  #timer: Timer | undefined;

  private constructor(
    stream: ByteStream,
    clock: Clock,
    granted: ConnectionStart & { readonly credentials: SessionCredentials },
    changed: (path: string) => void,
  ) {
    this.#stream = stream;
    this.#clock = clock;
    this.#changed = changed;
    this.#lastZxid = granted.lastZxid;
    this.credentials = granted.credentials;
    this.sessionTimeoutMs = granted.sessionTimeoutMs;
    this.ended = this.#end.promise;
    this.#heardMs = clock.monotonicMs();
    this.#sentMs = this.#heardMs;
    this.#tick();
  }

  /**
   * @param changed is told the path of each watch that fires. @returns undefined where the server says that the session has expired.
   * @throws `unavailable`: no server there, or none that takes this session now; and what `signal` was aborted with.
   */
  static async open(
    { clock, network }: ConnectionDeps,
    server: string,
    start: ConnectionStart,
    changed: (path: string) => void,
    signal: AbortSignal,
  ): Promise<ZooKeeperConnection | undefined> {
    const stream = await network.connect(server, signal);
    const cutter = new FrameCutter();
    const greeting = deferred<Buffer>();
    let connection: ZooKeeperConnection | undefined;
    const ended = (cause?: unknown) => {
      const error = new UnderstudyError('unavailable', `connection to zookeeper broke: server=${server}`, { cause });
      greeting.reject(error);
      connection?.destroy(error);
    };
    const data = (chunk: Uint8Array) => {
      try {
        // A server says nothing after its greeting until it is asked.
        for (const body of cutter.push(chunk)) connection === undefined ? greeting.resolve(body) : connection.#heard(body);
      } catch (error) {
        stream.destroy();
        ended(error);
      }
    };
    stream.listen({ data, lent: (chunk) => data(Uint8Array.from(chunk)), drained() {}, closed: ended });
    try {
      stream.write(greet(start));
      const greeted = new FrameReader(await orAborted(greeting.promise, signal));
      greeted.int();
      const sessionTimeoutMs = greeted.int();
      const credentials = { id: greeted.long(), password: Buffer.from(greeted.bytes()) };
      if (sessionTimeoutMs > 0) {
        connection = new ZooKeeperConnection(stream, clock, { ...start, sessionTimeoutMs, credentials }, changed);
      }
      return connection;
    } catch (error) {
      throw asError(error, 'unavailable', `no zookeeper server: server=${server}`);
    } finally {
      if (connection === undefined) stream.destroy();
    }
  }

  /** The newest that was seen. */
  get lastZxid(): bigint {
    return this.#lastZxid;
  }

  /** @returns the path of the new node, its sequence included. @throws `already_exists`, `not_found` (no parent). */
  create(path: string, data: string, kind: keyof typeof NODE_FLAGS): Promise<string> {
    const fields = (request: FrameWriter) => request.text(path).text(data).openAccess().int(NODE_FLAGS[kind]);
    return this.#call('create', path, fields, (reply) => reply.text());
  }

  /** @returns whether it was there. */
  remove(path: string): Promise<boolean> {
    const fields = (request: FrameWriter) => request.text(path).int(ANY_VERSION);
    const absent = () => false;
    return this.#call('delete', path, fields, () => true, absent);
  }

  /** @returns the names below `path`, in no order. @throws `not_found`. */
  children(path: string): Promise<readonly string[]> {
    const fields = (request: FrameWriter) => request.text(path).flag(false);
    return this.#call('list', path, fields, (reply) => reply.texts());
  }

  /** @returns what is in it, and whose it is if it is ephemeral; undefined where there is no such node. */
  read(path: string): Promise<{ readonly data: Buffer; readonly owner: bigint } | undefined> {
    const fields = (request: FrameWriter) => request.text(path).flag(false);
    const contents = (reply: FrameReader) => ({ data: Buffer.from(reply.bytes()), owner: reply.owner() });
    const absent = () => undefined;
    return this.#call<{ data: Buffer; owner: bigint } | undefined>('get', path, fields, contents, absent);
  }

  /** Asks to be told once when the node appears, changes or goes. @returns whether it is there now. */
  watch(path: string): Promise<boolean> {
    const fields = (request: FrameWriter) => request.text(path).flag(true);
    const absent = () => false;
    return this.#call('exists', path, fields, () => true, absent);
  }

  /** Ends the session, and waits until the server has done so, or has been silent for `limitMs`. */
  async close(limitMs: number): Promise<void> {
    const closed = new UnderstudyError('unavailable', 'zookeeper session closed');
    const timer = this.#clock.setTimer(limitMs, () => this.destroy(closed));
    const fields = (request: FrameWriter) => request;
    await this.#call('close', '/', fields, () => {}).catch(() => {});
    timer.cancel();
    this.destroy(closed);
  }

  /** Ends the connection, and the calls under way with it; the session stays. Idempotent. */
  destroy(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#timer?.cancel();
    this.#stream.destroy();
    for (const { fail } of this.#calls.splice(0)) fail(error);
    this.#end.resolve(error);
  }

  #call<T>(
    operation: keyof typeof OPERATIONS,
    path: string,
    fields: (request: FrameWriter) => FrameWriter,
    read: (reply: FrameReader) => T,
    absent?: () => T,
  ): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#calls.length >= CALLS_MAX) {
      return Promise.reject(new UnderstudyError('resource_exhausted', `too many zookeeper operations under way: limit=${CALLS_MAX}`));
    }
    this.#xid = (this.#xid % XID_MAX) + 1;
    const { promise, resolve, reject } = deferred<T>();
    const answered = (code: number, reply: FrameReader) => {
      if (code === 0) resolve(read(reply));
      else if (code === NO_NODE && absent !== undefined) resolve(absent());
      else reject(zooKeeperError(code, operation, path));
    };
    this.#calls.push({ xid: this.#xid, answered, fail: reject });
    this.#send(fields(new FrameWriter().int(this.#xid).int(OPERATIONS[operation])));
    return promise;
  }

  #send(request: FrameWriter): void {
    this.#sentMs = this.#clock.monotonicMs();
    this.#stream.write(request.finish());
  }

  #heard(body: Buffer): void {
    this.#heardMs = this.#clock.monotonicMs();
    const reply = new FrameReader(body);
    const xid = reply.int();
    const zxid = reply.long();
    const code = reply.int();
    if (zxid > this.#lastZxid) this.#lastZxid = zxid;
    if (xid === PING_XID) return;
    if (xid === WATCH_XID) {
      reply.int();
      reply.int();
      return this.#changed(reply.text());
    }
    const [call] = this.#calls;
    if (call?.xid !== xid) throw new UnderstudyError('corrupt', `zookeeper answers what was not asked: xid=${xid} asked=${call?.xid}`);
    call.answered(code, reply);
    this.#calls.shift();
  }

  #tick(): void {
    this.#timer = this.#clock.setTimer(this.sessionTimeoutMs / TICKS_PER_TIMEOUT, () => {
      this.#clock.defer(() => {
        if (this.#failure !== undefined) return;
        const nowMs = this.#clock.monotonicMs();
        if (nowMs - this.#heardMs >= (this.sessionTimeoutMs * 2) / 3) {
          return this.destroy(new UnderstudyError('unavailable', `zookeeper is silent: after=${Math.round(nowMs - this.#heardMs)}ms`));
        }
        if (nowMs - this.#sentMs >= this.sessionTimeoutMs / 3) this.#send(new FrameWriter().int(PING_XID).int(OPERATIONS.ping));
        this.#tick();
      });
    });
  }
}

function greet({ lastZxid, sessionTimeoutMs, credentials }: ConnectionStart): Buffer {
  const request = new FrameWriter().int(0).long(lastZxid).int(sessionTimeoutMs);
  return request
    .long(credentials?.id ?? 0n)
    .text(credentials?.password ?? Buffer.alloc(16))
    .flag(false)
    .finish();
}
