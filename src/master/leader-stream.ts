/**
 * A standby's stream from the leader: committed batches from the leader's memory, as they commit.
 *
 * What comes is believed only as far as the hash chain goes: a batch has to follow the one before it, from the point where the stream began.
 * Heartbeats are answered with what is applied.
 *
 * A leader that says nothing for half of `leaderPingTimeoutMs` is asked. When it does not answer for the other half either, the stream ends;
 * if its host still answers to TCP, the leader hangs (`isDead`); if not, the network or the host may be gone, and the election's own time-out
 * decides. That is counted in looks, not read off a clock, and one more look is taken at the end: a standby that was stopped itself does not
 * blame the leader when it wakes up.
 */
import type { Clock, Timer } from '../base/clock.js';
import { isError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { parseBatch } from '../journal/batch-format.js';
import { type Batch, type ChainPoint, endOf, type Journal } from '../journal/journal.js';
import { decodeResponse } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import { isRefusal, type Network } from '../rpc/network.js';
import type { RpcConnection } from '../rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../rpc/rpc-connection.js';

export interface LeaderStreamSettings {
  /** Largest message taken; has to hold a whole batch. */
  readonly frameBytesMax: number;
  /** How long a leader may say nothing, the answer to a ping included. */
  readonly leaderPingTimeoutMs: number;
}

export interface LeaderStreamDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly network: Network;
  readonly journal: Pick<Journal, 'incarnationId'>;
}

export interface LeaderStreamRequest {
  /** The leader's `host:port`, and this standby's. */
  readonly leader: string;
  readonly standby: string;
  readonly isObserver: boolean;
  readonly after: ChainPoint;
}

/** What is applied here, for the leader to know. */
export interface Applied {
  readonly sn: number;
  readonly isVerified: boolean;
}

export interface StreamItem {
  /** Follows the one before. Null with a heartbeat. */
  readonly batch: Batch | null;
  readonly committedSn: number;
  /** The leader's clock, Unix milliseconds. */
  readonly timeMs: number;
  /** `host:port` of its web port; empty but with a heartbeat. */
  readonly webAddress: string;
}

const OPEN_TIMEOUT_MS = 1_000;
const TCP_ANSWER_MS = 250;
const LOOKS_PER_TIMEOUT = 8;

export class LeaderStream {
  readonly #connection: RpcConnection;
  readonly #items: AsyncIterator<Uint8Array>;
  readonly #settings: LeaderStreamSettings;
  readonly #deps: LeaderStreamDeps;
  readonly #standby: string;
  #first: Uint8Array | null;
  /** The last batch that was yielded. */
  #end: ChainPoint;
  #applied: Applied;
  #isReporting = false;
  /** Nothing that came is left to be taken: only then can the leader be silent. */
  #isWaiting = false;
  #looksSilent = 0;
  #pingsFailed = 0;
  #isDead = false;
  #timer: Timer | undefined;

  /**
   * Resolves once the leader has said that it feeds this standby.
   *
   * @throws `unavailable`: refused (`isRefusal`), or unreachable. @throws `out_of_range`: it does not have what follows in memory.
   * @throws `not_leader`, `resource_exhausted`.
   */
  static async open(settings: LeaderStreamSettings, deps: LeaderStreamDeps, request: LeaderStreamRequest, signal: AbortSignal) {
    const limit = new AbortController();
    const timer = deps.clock.setTimer(OPEN_TIMEOUT_MS, () => limit.abort());
    const either = AbortSignal.any([signal, limit.signal]);
    try {
      const { frameBytesMax, leaderPingTimeoutMs } = settings;
      // Whether a leader is silent is told here, not by the connection.
      const keepAliveIntervalMs = Math.max(RPC_CLIENT_DEFAULTS.keepAliveIntervalMs, 2 * leaderPingTimeoutMs);
      const rpcSettings = { ...RPC_CLIENT_DEFAULTS, frameBytesMax, keepAliveIntervalMs };
      const connection = await connectRpc(rpcSettings, deps, request.leader, either);
      const giveUp = () => void connection.close();
      either.addEventListener('abort', giveUp, { once: true });
      try {
        if (either.aborted) giveUp();
        const { method, request: message } = operations.followJournal;
        const { after, standby, isObserver } = request;
        const { incarnationId } = deps.journal;
        const body = message
          .encode({ afterSn: after.sn, afterHash: after.hash, address: standby, incarnationId, observer: isObserver })
          .finish();
        const items = connection.stream(method, body, { timeoutMs: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
        const first = await items.next();
        if (first.done) throw endedEarly(request.leader);
        return new LeaderStream(connection, items, first.value, settings, deps, request);
      } catch (error) {
        giveUp();
        throw error;
      } finally {
        either.removeEventListener('abort', giveUp);
      }
    } finally {
      timer.cancel();
    }
  }

  private constructor(
    connection: RpcConnection,
    items: AsyncIterator<Uint8Array>,
    first: Uint8Array,
    settings: LeaderStreamSettings,
    deps: LeaderStreamDeps,
    request: LeaderStreamRequest,
  ) {
    this.#connection = connection;
    this.#items = items;
    this.#first = first;
    this.#settings = settings;
    this.#deps = deps;
    this.#standby = request.standby;
    this.#end = request.after;
    this.#applied = { sn: request.after.sn, isVerified: false };
    this.#look();
  }

  /** The stream ended because the leader hangs: its host answers, it does not. */
  get isDead(): boolean {
    return this.#isDead;
  }

  /**
   * Yields what comes, until `signal` is aborted. Leaving the loop ends the stream.
   *
   * @throws `corrupt`: what came does not follow. @throws `unavailable`: the connection is lost, or the leader is silent. @throws what the
   *   leader ended it with.
   */
  async *items(signal: AbortSignal): AsyncGenerator<StreamItem, void, void> {
    const stop = () => this.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (signal.aborted) return;
      for (let body = this.#first ?? undefined; body !== undefined; body = await this.#next()) {
        this.#first = null;
        this.#looksSilent = this.#pingsFailed = 0;
        yield this.#decode(body);
        if (signal.aborted) return;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      this.close();
    }
  }

  /** Tells the leader what is applied; what it does not hear now it is told with the next heartbeat. */
  report(applied: Applied): void {
    this.#applied = applied;
    if (this.#isReporting) return;
    this.#isReporting = true;
    this.#tell(this.#settings.leaderPingTimeoutMs)
      .catch(() => {})
      .finally(() => {
        this.#isReporting = false;
      });
  }

  /** Idempotent. */
  close(): void {
    this.#timer?.cancel();
    // Nobody is left whom a failure would tell anything.
    this.#connection.close().catch(() => {});
  }

  async #next(): Promise<Uint8Array | undefined> {
    this.#isWaiting = true;
    const next = await this.#items.next();
    this.#isWaiting = false;
    if (next.done) throw endedEarly(this.#connection.address);
    return next.value;
  }

  #decode(body: Uint8Array): StreamItem {
    const { batch: sealed, committedSn, timeMs, webAddress } = decodeResponse(operations.followJournal.response, body);
    if (sealed.length === 0) return { batch: null, committedSn, timeMs, webAddress };
    const parsed = parseBatch(Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length), 0, `address=${this.#connection.address}`);
    if (parsed.kind !== 'batch' || parsed.stored.bytes.length !== sealed.length) {
      throw new UnderstudyError('corrupt', `the leader sent what is no batch: address=${this.#connection.address}`);
    }
    const { batch } = parsed.stored;
    if (batch.firstSn !== this.#end.sn + 1 || Buffer.compare(batch.previousHash, this.#end.hash) !== 0) {
      throw new UnderstudyError(
        'corrupt',
        `the leader sent a batch that does not follow: address=${this.#connection.address} sn=${this.#end.sn} first=${batch.firstSn}`,
      );
    }
    this.#end = endOf(batch);
    return { batch, committedSn, timeMs, webAddress };
  }

  async #tell(timeoutMs: number): Promise<void> {
    const { method, request } = operations.reportApplied;
    const { sn, isVerified } = this.#applied;
    const clockMs = Math.floor(this.#deps.clock.wallMs());
    const body = request.encode({ address: this.#standby, appliedSn: sn, verified: isVerified, clockMs }).finish();
    await this.#connection.call(method, body, { timeoutMs });
  }

  #look(): void {
    const { leaderPingTimeoutMs } = this.#settings;
    this.#timer = this.#deps.clock.setTimer(leaderPingTimeoutMs / LOOKS_PER_TIMEOUT, () => {
      if (this.#isWaiting) this.#looksSilent += 1;
      if (this.#isWaiting && this.#looksSilent === LOOKS_PER_TIMEOUT / 2) this.#ping(leaderPingTimeoutMs / 2);
      if (this.#isWaiting && this.#pingsFailed > 0) void this.#hangs();
      else this.#look();
    });
  }

  #ping(timeoutMs: number): void {
    this.#tell(timeoutMs).then(
      () => {
        this.#looksSilent = 0;
      },
      (error: unknown) => {
        if (isError(error, 'deadline_exceeded') && this.#looksSilent > 0) this.#pingsFailed += 1;
      },
    );
  }

  async #hangs(): Promise<void> {
    this.#isDead = await tcpAnswers(this.#deps, this.#connection.address);
    this.close();
  }
}

/** @returns whether somebody's kernel answers there: a connection is taken, or refused. */
async function tcpAnswers({ clock, network }: LeaderStreamDeps, address: string): Promise<boolean> {
  const limit = new AbortController();
  const timer = clock.setTimer(TCP_ANSWER_MS, () => limit.abort());
  try {
    const stream = await network.connect(address, limit.signal);
    stream.listen({ data() {}, lent() {}, drained() {}, closed() {} });
    stream.destroy();
    return true;
  } catch (error) {
    return isRefusal(error);
  } finally {
    timer.cancel();
  }
}

function endedEarly(address: string): UnderstudyError {
  return new UnderstudyError('unavailable', `the leader's stream ended without a reason: address=${address}`);
}
