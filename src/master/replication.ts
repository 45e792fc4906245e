/**
 * How all masters replicate, as this one sees it, or as the leader does, who is asked where there is one.
 *
 *   asked --> this one leads: it asks every master that it knows of
 *         --> another one leads: that is asked, and what it tells is passed on
 *         --> nobody leads, or the leader does not answer: this one asks every master that it knows of, and says so
 *
 * However often it is asked, it asks once a second: who comes meanwhile is told what came of that. Nobody is waited for longer than a second.
 */
import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../base/clock.js';
import { encodeMessage } from '../base/encode-message.js';
import { asError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { within } from '../base/wait.js';
import type { Election } from '../election/election.js';
import { decodeRequest, type MessageType } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import type { Network } from '../rpc/network.js';
import type { CallHandler, ServerCall } from '../rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../rpc/rpc-connection.js';
import type { LeadProof } from './lead-proof.js';
import { digestsOf, type Replicating, replicaReport } from './replica-report.js';
import { compared, lagOf, type OwnView, replicationOf } from './replication-view.js';
import { type Known, Roster } from './roster.js';
import type { Standby } from './standby-streams.js';

export interface ReplicationSettings {
  /** `host:port` of masters of the cluster, itself perhaps among them. */
  readonly peers: readonly string[];
}

interface Deps {
  readonly clock: Clock;
  readonly log: Log;
  readonly network: Network;
  readonly election: Pick<Election, 'candidates'>;
}

export interface ReplicationMaster extends Replicating {
  readonly proof: LeadProof;
}

const FRESH_MS = 1_000;
const ANSWER_MAX_MS = 1_000;

type Told = understudy.ReplicationResponse.$Properties;

interface Round {
  readonly told: Promise<Told>;
  /** Monotonic; plus infinity while it is under way. */
  endedMs: number;
}

export class Replication {
  readonly #settings: ReplicationSettings;
  readonly #deps: Deps;
  readonly #master: ReplicationMaster;
  readonly #roster: Roster;
  #own: Round | null = null;
  #leaders: Round | null = null;

  constructor(settings: ReplicationSettings, deps: Deps, master: ReplicationMaster) {
    this.#settings = settings;
    this.#deps = deps;
    this.#master = master;
    this.#roster = new Roster(deps.clock);
  }

  /** @returns the handlers by method number. */
  methods(): ReadonlyMap<number, CallHandler> {
    const { replicaReport: own, replication } = operations;
    return new Map<number, CallHandler>([
      [own.method, (call) => call.reply(encodeMessage(own.response, replicaReport(this.#master, this.#deps.clock)))],
      [replication.method, (call) => void this.#answer(call)],
    ]);
  }

  /** A standby is fed from here, and has said so much. */
  heard({ address, isObserver, appliedSn, isVerified, clockAheadMs }: Standby): void {
    const known = this.#roster.see(address, 'stream');
    Object.assign(known, { isObserver, appliedSn, isVerified, clockAheadMs, epoch: this.#master.replica?.state.epoch ?? 0 });
    known.lag = lagOf(this.#master.replica, appliedSn);
  }

  /** @returns `host:port` of this master and of those that it has met. */
  addresses(): readonly string[] {
    return [this.#master.rpcAddress, ...this.#roster.list().map(({ address }) => address)];
  }

  /** @returns `host:port` of all other masters that this one knows of, those too that cannot be seen. Never rejects. */
  async others(): Promise<readonly string[]> {
    await this.#meetAll();
    return this.#roster.list().map(({ address }) => address);
  }

  /** @returns what is known without asking anybody. */
  remembered(): Told {
    return replicationOf(this.#view(''));
  }

  /** @returns as the leader sees it, where one can be asked; else as this master does. Never rejects. */
  async told(): Promise<Told> {
    if (await this.#leads()) return this.own();
    const leader = this.#master.leaderAddress;
    if (leader === '') return this.own('nobody leads, as far as this master knows');
    this.#leaders = this.#fresh(this.#leaders) ?? this.#round(this.#ofLeader(leader));
    return this.#leaders.told;
  }

  /** @returns as this master sees it. @param why it is not the leader who tells. Never rejects. */
  async own(why = ''): Promise<Told> {
    this.#own = this.#fresh(this.#own) ?? this.#round(this.#askAll());
    const told = await this.#own.told;
    return why === '' ? told : { ...told, why };
  }

  async #answer(call: ServerCall): Promise<void> {
    try {
      const { own } = decodeRequest(operations.replication.request, call.body);
      call.reply(encodeMessage(operations.replication.response, own ? await this.#ownOrNot() : await this.told()));
    } catch (error) {
      call.fail(asError(error));
    }
  }

  async #ownOrNot(): Promise<Told> {
    return (await this.#leads()) ? this.own() : this.own('this master does not lead');
  }

  /** By the journal's word, where it answers. */
  async #leads(): Promise<boolean> {
    const refused = await this.#master.proof.refused();
    return this.#master.leadership !== null && refused?.code !== 'not_leader';
  }

  async #ofLeader(leader: string): Promise<Told> {
    try {
      const told = await this.#ask(leader, operations.replication, { own: true }, 2 * ANSWER_MAX_MS);
      if (told.why === '') return told;
      return await this.own(`${leader} does not lead`);
    } catch (error) {
      return await this.own(`the leader does not answer: address=${leader} reason=${asError(error).message}`);
    }
  }

  async #meetAll(): Promise<void> {
    for (const address of this.#settings.peers) this.#meet(address, 'settings');
    this.#meet(this.#master.leaderAddress, 'journal');
    for (const address of await this.#candidates()) this.#meet(address, 'election');
  }

  async #askAll(): Promise<Told> {
    await this.#meetAll();
    await Promise.all(this.#roster.list().map((known) => this.#look(known)));
    const isLeading = this.#master.leadership !== null;
    return replicationOf(this.#view(isLeading ? '' : 'this master does not lead'));
  }

  /** Of a service that does not answer, none: it is no part of how masters replicate. */
  async #candidates(): Promise<readonly string[]> {
    const { clock, election } = this.#deps;
    return await within(clock, ANSWER_MAX_MS, election.candidates(), 'the election service does not answer').catch(() => []);
  }

  #meet(address: string, from: 'settings' | 'election' | 'journal'): void {
    if (address !== '' && address !== this.#master.rpcAddress) this.#roster.meet(address, from);
  }

  async #look({ address, knownFrom }: Known): Promise<void> {
    const { clock } = this.#deps;
    const [askedMs, askedAt] = [clock.wallMs(), clock.monotonicMs()];
    try {
      const report = await this.#ask(address, operations.replicaReport, {}, ANSWER_MAX_MS);
      const { status, clockMs } = report;
      if (status?.incarnationId !== this.#master.incarnationId)
        throw new UnderstudyError('failed_precondition', 'it follows another journal');
      const clockErrorMs = Math.ceil((clock.monotonicMs() - askedAt) / 2);
      const known = this.#roster.see(address, knownFrom);
      const appliedSn = status.appliedSn ?? 0;
      Object.assign(known, {
        report,
        appliedSn,
        epoch: status.epoch ?? 0,
        isVerified: status.verified ?? false,
        isObserver: status.observer ?? false,
        lag: lagOf(this.#master.replica, appliedSn),
        clockAheadMs: Math.round(clockMs - (askedMs + clockErrorMs)),
        clockErrorMs,
        compared: compared(digestsOf(this.#master), report.digests) ?? known.compared,
      });
    } catch (error) {
      const known = this.#roster.get(address);
      if (known !== undefined) known.why = asError(error).message;
    }
  }

  #view(why: string): OwnView {
    const { clock } = this.#deps;
    const report = replicaReport(this.#master, clock);
    return { master: this.#master, report, known: this.#roster.list(), nowMs: clock.wallMs(), nowAtMs: clock.monotonicMs(), why };
  }

  #fresh(round: Round | null): Round | null {
    return round !== null && this.#deps.clock.monotonicMs() - round.endedMs <= FRESH_MS ? round : null;
  }

  #round(told: Promise<Told>): Round {
    const round = { told, endedMs: Number.POSITIVE_INFINITY };
    void told.finally(() => {
      round.endedMs = this.#deps.clock.monotonicMs();
    });
    return round;
  }

  async #ask<Request, Answer>(
    address: string,
    operation: {
      readonly method: number;
      readonly request: MessageType<unknown, Request>;
      readonly response: MessageType<Answer, unknown>;
    },
    request: Request,
    timeoutMs: number,
  ): Promise<Answer> {
    const limit = new AbortController();
    const timer = this.#deps.clock.setTimer(timeoutMs, () =>
      limit.abort(new UnderstudyError('deadline_exceeded', `it did not answer in time: ms=${timeoutMs}`)),
    );
    try {
      await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, this.#deps, address, limit.signal);
      const body = await connection.call(operation.method, encodeMessage(operation.request, request), { timeoutMs, signal: limit.signal });
      return operation.response.decode(body);
    } finally {
      timer.cancel();
    }
  }
}
