/**
 * The standbys that follow this leader from memory: what it commits goes to each of them at once (design: the fast path to standbys).
 *
 * Invariants:
 * - Only committed batches are sent, in the order of the chain, without a gap, from what the replica keeps (recent-batches.ts).
 * - A standby that does not take what it is sent costs one batch, and waits for nobody: when the next one it needs is no longer kept, its
 *   stream ends with `out_of_range` and it goes on from the journal. Nothing here ever makes the leader wait.
 * - One stream per standby, `standbyStreamsMax` in all; further ones are refused.
 *
 * Each stream carries a heartbeat every `heartbeatIntervalMs`, to which the standby answers what it has applied.
 */
import { understudy } from '#proto/understudy.js';
import type { Clock, Timer } from '../base/clock.js';
import { asError, UnderstudyError } from '../base/errors.js';
import type { Sequence } from '../base/ids.js';
import type { Log } from '../base/log.js';
import { type Deferred, deferred } from '../base/wait.js';
import type { Journal } from '../journal/journal.js';
import { decodeRequest } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import type { ServerCall } from '../rpc/rpc.js';
import type { RecentBatches } from './recent-batches.js';

export interface StandbyStreamsSettings {
  /** Standbys that may be fed at once. */
  readonly standbyStreamsMax: number;
  readonly heartbeatIntervalMs: number;
  /** `host:port` of this master's web port, for its standbys to name. */
  readonly webAddress: string;
}

/** A standby that this leader feeds. */
export interface Standby {
  /** `host:port` as it names itself. */
  readonly address: string;
  readonly sentSn: number;
  /** The newest entry that it said it has applied. */
  readonly appliedSn: number;
  /** It has said that its store is sound, so that it may lead. */
  readonly isVerified: boolean;
  readonly isObserver: boolean;
  /** By how many milliseconds its clock was ahead of this machine's when it last said so; null before that. */
  readonly clockAheadMs: number | null;
}

interface Deps {
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Pick<Journal, 'incarnationId'>;
  /** A standby that is fed says how far it is: when it begins, and then with each heartbeat. */
  readonly heard?: (standby: Standby) => void;
}

export class StandbyStreams {
  readonly #settings: StandbyStreamsSettings;
  readonly #deps: Deps;
  readonly #streams = new Map<string, StandbyStream>();
  #recent: RecentBatches | null = null;
  #unwatch: () => void = () => {};
  #heart: Timer | undefined;

  constructor(settings: StandbyStreamsSettings, deps: Deps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** Standbys are fed from `recent` from now on, until `stop`: this master leads. */
  serve(recent: RecentBatches): void {
    this.#recent = recent;
    this.#unwatch = recent.watch(() => this.#wake());
  }

  /** Ends all streams with `why`. Idempotent. */
  stop(why: UnderstudyError): void {
    this.#unwatch();
    this.#unwatch = () => {};
    this.#recent = null;
    this.endAll(why);
  }

  /** Ends the streams that there are: who was fed goes on from the journal, and may come again. */
  endAll(why: UnderstudyError): void {
    for (const stream of this.#streams.values()) stream.end(why);
  }

  /** Those that are being fed, in no order. */
  list(): readonly Standby[] {
    return [...this.#streams.values()];
  }

  /** @returns addresses of those that are being fed, and of `peers`, without what is known to be an observer. */
  candidates(peers: readonly string[]): readonly string[] {
    const fed = this.list();
    const known = new Set([...fed.map(({ address }) => address), ...peers]);
    for (const { address, isObserver } of fed) if (isObserver) known.delete(address);
    return [...known];
  }

  /** Asks every standby at once what it has applied, for `list`. */
  poke(): void {
    for (const stream of this.#streams.values()) stream.beat();
  }

  /** Serves `followJournal`. @throws `failed_precondition`: the standby of another journal; `not_leader` as `notLeader`; `resource_exhausted`; `out_of_range`: what follows is not kept here. */
  follow(call: ServerCall, notLeader: () => UnderstudyError): void {
    const request = decodeRequest(operations.followJournal.request, call.body);
    const { incarnationId } = this.#deps.journal;
    if (request.incarnationId !== incarnationId)
      throw new UnderstudyError('failed_precondition', `this master follows another journal: incarnation=${incarnationId}`);
    const recent = this.#recent;
    if (recent === null) throw notLeader();
    const { address } = request;
    if (!this.#streams.has(address) && this.#streams.size >= this.#settings.standbyStreamsMax) {
      throw new UnderstudyError('resource_exhausted', `too many standbys are fed already: standbys=${this.#streams.size}`);
    }
    const number = recent.behind({ sn: request.afterSn as Sequence, hash: request.afterHash });
    if (number === null) throw notKept(request.afterSn, recent);
    this.#streams.get(address)?.end(new UnderstudyError('aborted', 'this standby has begun another stream'));
    const stream = new StandbyStream({ call, request, recent, clock: this.#deps.clock, webAddress: this.#settings.webAddress }, number);
    this.#streams.set(address, stream);
    this.#deps.heard?.(stream);
    this.#deps.log.info({ standby: address, sn: request.afterSn }, 'a standby follows from memory');
    void stream.run().then((why) => {
      if (this.#streams.get(address) === stream) this.#streams.delete(address);
      this.#deps.log.info({ standby: address, sn: stream.sentSn, why: why.message }, 'a standby no longer follows from memory');
    });
    this.#beat();
  }

  /**
   * Serves `reportApplied`, which is answered whatever it says: a standby also asks by it whether this master is alive. It counts where it comes
   * on the connection on which that standby is fed.
   */
  report(call: ServerCall): void {
    const { address, appliedSn, verified, clockMs } = decodeRequest(operations.reportApplied.request, call.body);
    const clockAheadMs = clockMs === 0 ? null : clockMs - this.#deps.clock.wallMs();
    const stream = this.#streams.get(address);
    // Else anybody could speak for a standby.
    if (stream?.peer === call.peer) {
      stream.reported(appliedSn, verified, clockAheadMs);
      this.#deps.heard?.(stream);
    }
    call.reply();
  }

  #wake(): void {
    for (const stream of this.#streams.values()) stream.wake();
  }

  #beat(): void {
    if (this.#heart !== undefined) return;
    this.#heart = this.#deps.clock.setTimer(this.#settings.heartbeatIntervalMs, () => {
      this.#heart = undefined;
      if (this.#streams.size === 0) return;
      this.poke();
      this.#beat();
    });
  }
}

interface StreamParts {
  readonly call: ServerCall;
  readonly request: understudy.FollowJournalRequest;
  readonly recent: RecentBatches;
  readonly clock: Clock;
  readonly webAddress: string;
}

class StandbyStream implements Standby {
  readonly address: string;
  sentSn: number;
  appliedSn: number;
  isVerified = false;
  readonly isObserver: boolean;
  clockAheadMs: number | null = null;
  readonly #call: ServerCall;
  readonly #recent: RecentBatches;
  readonly #clock: Clock;
  readonly #webAddress: string;
  /** Of the batch to be sent next. */
  #number: number;
  #beatDue = true;
  #ended: UnderstudyError | null = null;
  #woken: Deferred<void> | null = null;

  /** @param number of the first batch behind what it has. */
  constructor({ call, request, recent, clock, webAddress }: StreamParts, number: number) {
    this.#call = call;
    this.address = request.address;
    this.isObserver = request.observer;
    this.sentSn = this.appliedSn = request.afterSn;
    this.#number = number;
    this.#recent = recent;
    this.#clock = clock;
    this.#webAddress = webAddress;
  }

  /** Of the connection on which it is fed. */
  get peer(): string {
    return this.#call.peer;
  }

  /** Sends until the stream has ended. @returns why. Never throws. */
  async run(): Promise<UnderstudyError> {
    const gone = () => this.end(new UnderstudyError('cancelled', 'the standby is gone'));
    if (this.#call.signal.aborted) gone();
    else this.#call.signal.addEventListener('abort', gone, { once: true });
    try {
      while (this.#ended === null) await this.#sendNext();
    } catch (error) {
      this.end(asError(error));
    }
    return this.#ended ?? new UnderstudyError('internal', 'a stream ended for no reason');
  }

  /** There may be more to send. */
  wake(): void {
    if (this.#number < this.#recent.first) this.end(notKept(this.sentSn, this.#recent));
    this.#woken?.resolve();
  }

  /** Sends a heartbeat next. */
  beat(): void {
    this.#beatDue = true;
    this.#woken?.resolve();
  }

  reported(appliedSn: number, isVerified: boolean, clockAheadMs: number | null): void {
    this.appliedSn = Math.max(this.appliedSn, Math.min(appliedSn, this.#recent.end.sn));
    this.isVerified = isVerified;
    this.clockAheadMs = clockAheadMs;
  }

  /** Idempotent. */
  end(why: UnderstudyError): void {
    if (this.#ended !== null) return;
    this.#ended = why;
    this.#call.fail(why);
    this.#woken?.resolve();
  }

  async #sendNext(): Promise<void> {
    if (this.#beatDue) {
      this.#beatDue = false;
      const beat = { committedSn: this.#recent.end.sn, timeMs: Math.floor(this.#clock.wallMs()), webAddress: this.#webAddress };
      return this.#call.item(understudy.FollowJournalItem.encode(beat).finish());
    }
    const batch = this.#recent.get(this.#number);
    if (batch !== undefined) {
      this.#number += 1;
      await this.#call.item(batch.item);
      this.sentSn = batch.end.sn;
      return;
    }
    this.#woken = deferred();
    await this.#woken.promise;
    this.#woken = null;
  }
}

function notKept(sn: number, recent: RecentBatches): UnderstudyError {
  return new UnderstudyError('out_of_range', `what follows is not kept in memory: sn=${sn} newest=${recent.end.sn}`);
}
