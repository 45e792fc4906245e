/**
 * Keeps a replica up with what is committed: from the journal, and, as soon as it has all of that, from the leader's memory.
 *
 *   journal --all read, and the leader feeds us--> stream --it ends, for whatever reason--> journal
 *
 * Invariants:
 * - One position, the replica's end, and one source at a time that moves it. The stream is a shortcut (leader-stream.ts): what it brings has
 *   to follow on the hash chain. Whether the journal goes on otherwise, only the journal says.
 * - While a stream lives the journal is not polled; a rare look makes sure that it is not ahead, as a leader that was cut off from the
 *   journal does not know that it has been superseded.
 * - A leader whose stream broke and whose port refuses then, or that hangs, is dead: that is told.
 */
import type { Clock } from '../base/clock.js';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { sleep } from '../base/wait.js';
import { type Batch, type ChainPoint, endOf, type Journal } from '../journal/journal.js';
import { isRefusal, type Network } from '../rpc/network.js';
import { LeaderStream, type LeaderStreamSettings } from './leader-stream.js';
import type { Replica } from './replica.js';

export interface FollowerSettings extends LeaderStreamSettings {
  /** It replays and answers reads, and never leads. */
  readonly isObserver: boolean;
}

/** A leadership, as the journal told it. */
interface LeaderSeen {
  readonly address: string;
  readonly epoch: number;
}

export interface Feeder extends LeaderSeen {
  /** `host:port` of its web port; empty until it says so. */
  readonly webAddress: string;
}

export interface FollowerDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Journal;
  readonly network: Network;
  /** This master's own `host:port`, once it listens. */
  readonly ownAddress: () => string;
  /** The leader says that it has committed this entry. */
  readonly heard: (committedSn: number) => void;
  /** The replica has all that is known to be committed. Told again and again. */
  readonly caughtUp: () => void;
  /** The leader is dead, as far as this master can tell. May be told again. */
  readonly leaderGone: (leader: LeaderSeen, why: string) => void;
  /** Replay has ended with this error; not told once `stop` was called. */
  readonly failed: (error: UnderstudyError) => void;
}

/** A journal that does not answer is left alone for so long. */
const PAUSE_MS = 500;
/** A leader that does not feed us is asked again after this, longer each time. */
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 5_000;
const JOURNAL_LOOK_INTERVAL_MS = 30_000;
/** What the journal has must have come by the stream within. */
const JOURNAL_LEAD_MAX_MS = 2_000;

export class Follower {
  readonly #settings: FollowerSettings;
  readonly #deps: FollowerDeps;
  #running: { readonly stop: AbortController; readonly done: Promise<void> } | null = null;
  #leader = newLeader('', 0);
  #feeder: Feeder | null = null;

  constructor(settings: FollowerSettings, deps: FollowerDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** Whether what is committed comes from the leader's memory now. */
  get isFed(): boolean {
    return this.#feeder !== null;
  }

  /** The leader from whose memory what is committed comes now; null where it does not. */
  get feeder(): Feeder | null {
    return this.#feeder;
  }

  /** Begins where the replica stands. It must not run already. */
  start(replica: Replica): void {
    const stop = new AbortController();
    this.#running = { stop, done: this.#follow(replica, stop.signal) };
  }

  /** Resolves when nothing more is applied: the replica stands at a batch's end. Idempotent. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    running?.stop.abort();
    await running?.done;
  }

  async #follow(replica: Replica, signal: AbortSignal): Promise<void> {
    const { clock, failed } = this.#deps;
    try {
      while (!signal.aborted) {
        const stream = await this.#readJournal(replica, signal);
        if (stream !== null) await this.#readStream(replica, stream, signal);
      }
    } catch (thrown) {
      const error = asError(thrown);
      if (error.code === 'unavailable') await sleep(clock, PAUSE_MS, signal).catch(() => {});
      if (!signal.aborted) failed(error);
    }
  }

  /** Applies what the journal has. @returns the leader's stream, once there is one; null when `signal` is aborted. */
  async #readJournal(replica: Replica, signal: AbortSignal): Promise<LeaderStream | null> {
    const done = new AbortController();
    const either = AbortSignal.any([signal, done.signal]);
    const found: { stream: LeaderStream | null; opening: Promise<void> | null } = { stream: null, opening: null };
    const seek = () => {
      if (found.opening !== null || either.aborted || !this.#mayAsk(replica)) return;
      found.opening = this.#openStream(replica, either).then((stream) => {
        found.opening = null;
        found.stream = stream;
        if (stream !== null) done.abort();
      });
    };
    const onIdle = () => {
      this.#deps.caughtUp();
      seek();
    };
    // A stream that has just ended is asked for again at once: a refusal tells what became of the leader.
    if (this.#leader.hasFed) seek();
    try {
      for await (const batch of this.#deps.journal.read({ from: replica.end, signal: either, onIdle })) {
        if (either.aborted) break;
        await replica.applyBatch(batch);
      }
    } catch (error) {
      done.abort();
      await found.opening;
      found.stream?.close();
      throw error;
    }
    await found.opening;
    if (!signal.aborted) return found.stream;
    found.stream?.close();
    return null;
  }

  /** @returns whether there is a leader to be asked, now. */
  #mayAsk(replica: Replica): boolean {
    const { leaderAddress: address, epoch } = replica.state;
    if (address === '' || address === this.#deps.ownAddress()) return false;
    if (this.#leader.epoch !== epoch || this.#leader.address !== address) this.#leader = newLeader(address, epoch);
    return this.#deps.clock.monotonicMs() >= this.#leader.notBeforeMs;
  }

  /** @returns null where the leader does not feed us, after it was noted when to ask again. Never throws. */
  async #openStream(replica: Replica, signal: AbortSignal): Promise<LeaderStream | null> {
    const leader = this.#leader;
    const { isObserver } = this.#settings;
    const request = { leader: leader.address, standby: this.#deps.ownAddress(), isObserver, after: replica.end };
    try {
      const stream = await LeaderStream.open(this.#settings, this.#deps, request, signal);
      leader.retryMs = RETRY_FIRST_MS;
      leader.hasFed = true;
      return stream;
    } catch (error) {
      if (signal.aborted) return null;
      if (leader.hasFed && isRefusal(error)) this.#deps.leaderGone(leader, 'it refuses connections');
      this.#askLater(leader, leader.retryMs);
      leader.retryMs = Math.min(leader.retryMs * 2, RETRY_MAX_MS);
      this.#deps.log.debug({ leader: leader.address, error: asError(error) }, 'the leader does not feed this standby yet');
      return null;
    }
  }

  #askLater(leader: LeaderAsked, afterMs: number): void {
    leader.notBeforeMs = this.#deps.clock.monotonicMs() + afterMs;
  }

  /** Applies what the leader sends, until that ends. @throws what the replica cannot apply. */
  async #readStream(replica: Replica, stream: LeaderStream, signal: AbortSignal): Promise<void> {
    const leader = this.#leader;
    const ended = new AbortController();
    const watching = this.#watchJournal(replica, stream, AbortSignal.any([signal, ended.signal]));
    let committedSn = 0;
    let isApplying = false;
    this.#feeder = { ...leader, webAddress: '' };
    this.#deps.log.info({ leader: leader.address, epoch: leader.epoch, sn: replica.end.sn }, 'fed by the leader');
    try {
      for await (const item of stream.items(signal)) {
        committedSn = item.committedSn;
        this.#deps.heard(committedSn);
        if (item.webAddress !== '') this.#feeder = { ...leader, webAddress: item.webAddress };
        if (item.batch === null) stream.report({ sn: replica.end.sn, isVerified: replica.isVerified });
        else if (isNews(item.batch, replica.end)) {
          isApplying = true;
          await replica.applyBatch(item.batch);
          isApplying = false;
        }
        if (replica.end.sn >= committedSn) this.#deps.caughtUp();
      }
    } catch (error) {
      if (isApplying) throw error;
      this.#streamEnded(leader, stream, asError(error));
      // It had all that the leader told of: if that is dead, there is nothing to catch up with.
      if (replica.end.sn >= committedSn) this.#deps.caughtUp();
    } finally {
      this.#feeder = null;
      ended.abort();
      await watching;
    }
  }

  #streamEnded(leader: LeaderAsked, stream: LeaderStream, error: UnderstudyError): void {
    const { log, leaderGone } = this.#deps;
    const values = { leader: leader.address, epoch: leader.epoch, error };
    if (error.code === 'corrupt') {
      log.warn(values, 'what the leader sent does not follow: the journal decides');
      this.#askLater(leader, RETRY_MAX_MS);
    } else {
      log.info(values, 'no longer fed by the leader: going on from the journal');
      if (error.code !== 'unavailable') this.#askLater(leader, RETRY_FIRST_MS);
    }
    if (!stream.isDead) return;
    this.#askLater(leader, RETRY_MAX_MS);
    leaderGone(leader, 'it does not answer, and its host does');
  }

  /** Now and then makes sure that the journal is not ahead of the stream; ends the stream where it is. */
  async #watchJournal(replica: Replica, stream: LeaderStream, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    try {
      for (;;) {
        await sleep(clock, JOURNAL_LOOK_INTERVAL_MS, signal);
        const aheadSn = await this.#journalSn(replica, signal);
        if (aheadSn <= replica.end.sn) continue;
        await sleep(clock, JOURNAL_LEAD_MAX_MS, signal);
        if (aheadSn <= replica.end.sn) continue;
        log.warn({ sn: replica.end.sn, journalSn: aheadSn }, 'the journal is ahead of what the leader sends');
        return stream.close();
      }
    } catch {
      // Given up; or the journal has something to say about our position, which it will say again.
      if (!signal.aborted) stream.close();
    }
  }

  /** @returns the end of the next batch that the journal has, where it has one. */
  async #journalSn(replica: Replica, signal: AbortSignal): Promise<number> {
    const { clock, journal } = this.#deps;
    const enough = new AbortController();
    const timer = clock.setTimer(JOURNAL_LEAD_MAX_MS, () => enough.abort());
    const from = replica.end;
    try {
      const either = AbortSignal.any([signal, enough.signal]);
      for await (const batch of journal.read({ from, signal: either, onIdle: () => enough.abort() })) return endOf(batch).sn;
    } catch (error) {
      if (!isError(error, 'unavailable')) throw error;
    } finally {
      timer.cancel();
    }
    return from.sn;
  }
}

/** The leadership that feeds us, or does not. */
interface LeaderAsked extends LeaderSeen {
  /** It has fed us: that it refuses then tells of its death. */
  hasFed: boolean;
  /** When it may be asked again, monotonic, and how long the next pause is. */
  notBeforeMs: number;
  retryMs: number;
}

function newLeader(address: string, epoch: number): LeaderAsked {
  return { address, epoch, hasFed: false, notBeforeMs: Number.NEGATIVE_INFINITY, retryMs: RETRY_FIRST_MS };
}

/** @returns whether `batch` follows `end`; false where it is known already: the journal was quicker. @throws `corrupt`: it does neither. */
function isNews(batch: Batch, end: ChainPoint): boolean {
  const its = endOf(batch);
  if (its.sn < end.sn) return false;
  const isKnown = its.sn === end.sn;
  const [there, here] = isKnown ? [its.hash, end.hash] : [batch.previousHash, end.hash];
  if (Buffer.compare(there, here) === 0 && (isKnown || batch.firstSn === end.sn + 1)) return !isKnown;
  throw new UnderstudyError('corrupt', `the leader's batch does not follow what is applied: sn=${end.sn} first=${batch.firstSn}`);
}
