/**
 * Hands the lead over on purpose (design: "Hand-over on purpose"): the leader's side; take-lead.ts is the other one.
 *
 * 1. Rehearsal: whoever may be the next one is asked whether it could lead, and to come up to this leader's end. The first to say yes is
 *    the target. Nothing has changed by then, for anybody.
 * 2. Calls that come wait from now on; what was taken before is flushed and answered.
 * 3. The target is told to take the lead: it claims at once, without an election, and serves.
 * 4. What waits here is answered with `not_leader` and the target's address: clients go there at once.
 *
 * Each step is bounded. Where one fails the journal is asked whether this leader still leads; if so it goes on, and who waited is served.
 * None of this is part of the safety argument: the target's claim fences this leader as any claim does.
 */
import type { Clock } from '../base/clock.js';
import { encodeMessage } from '../base/encode-message.js';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { within } from '../base/wait.js';
import { decodeResponse } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import type { Network } from '../rpc/network.js';
import type { RpcConnection } from '../rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../rpc/rpc-connection.js';
import type { AppliedWatch } from './applied-watch.js';
import type { Leadership } from './leadership.js';
import type { Replica } from './replica.js';
import type { RoleInput } from './role-machine.js';
import { REHEARSAL_MAX_MS } from './take-lead.js';

export interface HandOverDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly network: Network;
}

/** What a hand-over sees of its master. */
export interface HandingOver {
  readonly rpcAddress: string;
  readonly clusterId: string;
  readonly incarnationId: string;
  readonly replica: Replica | null;
  /** Null unless it leads. */
  readonly leadership: Leadership | null;
  readonly applied: AppliedWatch;
  /** `host:port` of masters that may be told to lead. */
  successors(): readonly string[];
  notLeader(): UnderstudyError;
  /** Feeds the role machine. */
  input(input: RoleInput): void;
}

export interface HandedOver {
  readonly from: string;
  readonly to: string;
  /** In which the new leader leads. */
  readonly epoch: number;
  /** For how long calls were held, milliseconds. */
  readonly pauseMs: number;
}

/** Over the target's own bound, so that it can say what keeps it. */
const ANSWER_MARGIN_MS = 1_000;
/** How long what is in flight may take, and how long the target may take to serve: calls wait meanwhile. */
const FLUSH_MAX_MS = 2_000;
const TAKE_MAX_MS = 2_000;
const SEEN_MAX_MS = 1_000;
const CONFIRM_MAX_MS = 2_000;

interface Target {
  readonly address: string;
  readonly connection: RpcConnection;
}

export class HandOver {
  readonly #deps: HandOverDeps;
  readonly #master: HandingOver;
  #running = false;
  /** Masters that were known when the lead was last handed over. */
  #known: readonly string[] = [];
  /** Who leads after this master, until the journal says so here: `sn` is its claim's, 0 while it is not known. */
  #successor: { readonly address: string; readonly epoch: number; readonly sn: number } | null = null;

  constructor(deps: HandOverDeps, master: HandingOver) {
    this.#deps = deps;
    this.#master = master;
  }

  /** `host:port` of the master that took the lead from this one, or is about to; empty once the journal knows better. */
  get successor(): string {
    const successor = this.#successor;
    return successor !== null && successor.epoch > (this.#master.replica?.state.epoch ?? 0) ? successor.address : '';
  }

  /**
   * Resolves when another master serves, and this one does not any longer.
   *
   * @param to `host:port` of the target; empty: the standby that is at this leader's end first.
   * @throws `not_leader`; `aborted`: a hand-over is under way, or the lead went elsewhere. Everything else: this master goes on leading.
   */
  async run(to: string): Promise<HandedOver> {
    const { leadership, rpcAddress } = this.#master;
    if (leadership === null) throw this.#master.notLeader();
    if (to === rpcAddress) throw new UnderstudyError('failed_precondition', `this master leads already: address=${to}`);
    if (this.#running) throw new UnderstudyError('aborted', 'the lead is being handed over already');
    this.#running = true;
    try {
      const target = await this.#findTarget(to === '' ? this.#master.successors() : [to]);
      await using _ = target.connection;
      return await this.#handTo(target, leadership);
    } finally {
      this.#running = false;
    }
  }

  /** Before this master stops: hands over, if it leads and somebody takes the lead. The successor is in the journal by then. In manual mode to nobody. */
  async leave({ isManual }: { readonly isManual: boolean }): Promise<void> {
    if (this.#master.leadership === null) return;
    if (isManual) return this.#deps.log.warn({}, 'stopping while it leads: nobody leads until an operator says who');
    if (this.#master.successors().length === 0) return;
    try {
      await this.run('');
      await this.seen();
    } catch (thrown) {
      this.#deps.log.warn({ error: asError(thrown) }, 'the lead is left to the election');
    }
  }

  /**
   * Resolves when the successor's claim has been applied here and by the others, so that whoever is elected next knows of it; or after a
   * while. Once for each hand-over.
   */
  async seen(): Promise<void> {
    const { epoch = 0, sn = 0 } = this.#successor ?? {};
    const known = this.#known;
    this.#known = [];
    if ((this.#master.replica?.state.epoch ?? 0) > epoch) return;
    const enough = new AbortController();
    const timer = this.#deps.clock.setTimer(SEEN_MAX_MS, () => enough.abort());
    const others = known.map(async (address) => {
      const { connection } = await this.#rehearse(address, { epoch, sn }, enough.signal);
      await connection.close();
    });
    // Whoever refuses has seen it, or is not going to lead.
    await Promise.allSettled([this.#master.applied.reached(sn, enough.signal), ...others]);
    timer.cancel();
  }

  /** @returns the first of `addresses` that is ready. The others' answers are not waited for. */
  async #findTarget(addresses: readonly string[]): Promise<Target> {
    if (addresses.length === 0) throw new UnderstudyError('failed_precondition', 'no standby is known that could take the lead');
    const enough = new AbortController();
    const timer = this.#deps.clock.setTimer(REHEARSAL_MAX_MS + ANSWER_MARGIN_MS, () => enough.abort());
    try {
      let found = false;
      const rehearsals = addresses.map(async (address) => {
        const target = await this.#rehearse(address, { sn: this.#master.replica?.end.sn ?? 0 }, enough.signal);
        if (!found) {
          found = true;
          return target;
        }
        await target.connection.close();
        throw new UnderstudyError('cancelled', 'another one was first');
      });
      return await Promise.any(rehearsals);
    } catch (thrown) {
      throw cannotLead(
        addresses,
        (thrown as AggregateError).errors.map((error) => asError(error)),
      );
    } finally {
      timer.cancel();
      enough.abort();
    }
  }

  async #rehearse(address: string, asked: { sn: number; epoch?: number }, signal: AbortSignal): Promise<Target> {
    const connection = await connectRpc(RPC_CLIENT_DEFAULTS, this.#deps, address, signal);
    try {
      const { rpcAddress } = await this.#ask(connection, { ...asked, rehearsal: true }, REHEARSAL_MAX_MS + ANSWER_MARGIN_MS, signal);
      return { address: rpcAddress, connection };
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async #handTo({ address, connection }: Target, leadership: Leadership): Promise<HandedOver> {
    const { clock, log } = this.#deps;
    const { epoch } = leadership.writer;
    this.#known = this.#master.successors();
    const heldMs = clock.monotonicMs();
    const flushed = leadership.hold();
    try {
      await within(clock, FLUSH_MAX_MS, flushed, 'the journal does not take what is in flight');
      const flushMs = clock.monotonicMs() - heldMs;
      if (this.#master.leadership !== leadership) throw new UnderstudyError('aborted', 'the lead was lost during the hand-over');
      this.#successor = { address, epoch: epoch + 1, sn: 0 };
      const taken = await this.#ask(connection, {}, TAKE_MAX_MS);
      const now = this.#master.leadership;
      if (now !== null && now !== leadership) throw new UnderstudyError('aborted', 'this master claimed anew during the hand-over');
      this.#successor = { address, epoch: taken.epoch, sn: taken.sn };
      this.#master.input({ type: 'handed over' });
      const pauseMs = clock.monotonicMs() - heldMs;
      log.info({ to: address, epoch: taken.epoch, pauseMs: Math.round(pauseMs), flushMs: Math.round(flushMs) }, 'handed the lead over');
      return { from: this.#master.rpcAddress, to: address, epoch: taken.epoch, pauseMs };
    } catch (thrown) {
      throw await this.#failed(asError(thrown), address, leadership);
    }
  }

  /** The target may lead or not: the journal tells. */
  async #failed(error: UnderstudyError, address: string, leadership: Leadership): Promise<UnderstudyError> {
    const confirmed = within(this.#deps.clock, CONFIRM_MAX_MS, leadership.writer.confirm(), 'the journal does not answer');
    const fenced = await confirmed.then(
      () => false,
      (thrown) => isError(thrown, 'fenced'),
    );
    const leads = this.#master.leadership === leadership;
    if (fenced) {
      if (leads) this.#master.input({ type: 'handed over' });
      const message = `the lead went to another master, which did not say so in time: perhaps=${address}`;
      return new UnderstudyError('aborted', message, { cause: error });
    }
    if (!leads) return new UnderstudyError('aborted', 'the lead was lost during the hand-over', { cause: error });
    this.#successor = null;
    leadership.resume();
    const message = `the hand-over failed, and this master goes on leading: to=${address}: ${error.message}`;
    return new UnderstudyError('unavailable', message, { cause: error });
  }

  async #ask(
    connection: RpcConnection,
    asked: { sn?: number; epoch?: number; rehearsal?: boolean },
    timeoutMs: number,
    signal?: AbortSignal,
  ) {
    const { clusterId, incarnationId, rpcAddress: from, leadership } = this.#master;
    const { method, request, response } = operations.takeLead;
    const body = encodeMessage(request, { clusterId, incarnationId, from, epoch: leadership?.writer.epoch ?? 0, ...asked });
    return decodeResponse(response, await connection.call(method, body, signal === undefined ? { timeoutMs } : { timeoutMs, signal }));
  }
}

function cannotLead(addresses: readonly string[], errors: readonly UnderstudyError[]): UnderstudyError {
  const why = addresses.map((address, at) => `${address}: ${errors[at]?.message ?? 'no answer'}`).join('; ');
  const one = addresses.length === 1 ? errors[0] : undefined;
  const code = one?.code === 'failed_precondition' ? one.code : 'unavailable';
  return new UnderstudyError(code, `no master can take the lead, and this one goes on: ${why}`, { cause: errors[0] });
}
