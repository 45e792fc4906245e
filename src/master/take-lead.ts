/**
 * Takes the lead because somebody said so: the leader that hands it over (hand-over.ts), or an operator where no leader serves. No election
 * is asked: the journal decides, and the election comes to agree afterwards.
 */

import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../base/clock.js';
import { type UnderstudyError as Failure, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { type Deferred, deferred, throwIfAborted, within } from '../base/wait.js';
import type { Journal } from '../journal/journal.js';
import type { Network } from '../rpc/network.js';
import type { AppliedWatch } from './applied-watch.js';
import { findIncumbent } from './incumbent.js';
import type { Replica } from './replica.js';
import type { Role, RoleInput } from './role-machine.js';

/** How long a standby may take to come up to the leader's end, and to be counted anew. */
export const REHEARSAL_MAX_MS = 5_000;

export interface LeadTakerDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly network: Network;
  readonly journal: Pick<Journal, 'incarnationId'>;
}

/** What the taking of the lead sees of its master. */
export interface Taking {
  readonly rpcAddress: string;
  readonly clusterId: string;
  readonly incarnationId: string;
  readonly isObserver: boolean;
  readonly role: Role;
  readonly replica: Replica | null;
  readonly applied: AppliedWatch;
  /** Feeds the role machine. */
  input(input: RoleInput): void;
}

interface Told {
  /** Aborted when whoever told it has gone: then it is not to claim. */
  readonly signal: AbortSignal;
  readonly done: Deferred<{ readonly epoch: number; readonly sn: number }>;
}

export class LeadTaker {
  readonly #deps: LeadTakerDeps;
  readonly #master: Taking;
  #told: Told | null = null;

  constructor(deps: LeadTakerDeps, master: Taking) {
    this.#deps = deps;
    this.#master = master;
  }

  /**
   * Resolves when this master leads and serves; a rehearsal, when it could.
   *
   * @param signal aborted when nobody waits for the answer any longer.
   * @throws `failed_precondition`: it cannot lead. `unavailable`: not now: too far behind, its store not counted yet, a claim that failed.
   */
  async take(request: understudy.TakeLeadRequest, signal: AbortSignal): Promise<understudy.TakeLeadResponse.$Properties> {
    const { clock } = this.#deps;
    const { rpcAddress } = this.#master;
    const replica = this.#able(request);
    await this.#upTo(request.sn, replica, signal);
    await within(clock, REHEARSAL_MAX_MS, replica.verified(), 'the metastore has not been counted anew yet');
    throwIfAborted(signal);
    if (request.rehearsal) return { epoch: replica.state.epoch, sn: replica.end.sn, rpcAddress };
    if (request.from === '' && !request.force) await this.#refuseWhileLed(replica, signal);
    this.#able(request);
    const told: Told = { signal, done: deferred() };
    this.#told = told;
    this.#deps.log.info({ by: request.from || `operator ${request.user}`, force: request.force }, 'told to lead');
    this.#master.input({ type: 'told to lead' });
    return { ...(await told.done.promise), rpcAddress };
  }

  /** Asked just before the journal is. @throws where whoever told this master to lead has given up. */
  throwIfUnwanted(): void {
    throwIfAborted(this.#told?.signal);
  }

  /** The role machine made a step. */
  stepped(role: Role, input: RoleInput): void {
    const isUnderWay = role.name === 'leading' || (role.name === 'claiming' && role.told);
    if (this.#told === null || isUnderWay) return;
    const cause: Failure | undefined = 'error' in input ? input.error : undefined;
    const why = cause === undefined ? `because=${input.type}` : cause.message;
    this.#told.done.reject(new UnderstudyError('unavailable', `this master could not take the lead: ${why}`, { cause }));
    this.#told = null;
  }

  /** It leads in this epoch, as of this entry. */
  serves(epoch: number, sn: number): void {
    this.#told?.done.resolve({ epoch, sn });
    this.#told = null;
  }

  /** @returns the replica, if this master may be told to lead. */
  #able({ clusterId, incarnationId, epoch, from }: understudy.TakeLeadRequest): Replica {
    const { role, replica, isObserver } = this.#master;
    const refuse = (why: string) => new UnderstudyError('failed_precondition', why);
    if (clusterId !== '' && clusterId !== this.#master.clusterId)
      throw refuse(`a master of another cluster: cluster=${this.#master.clusterId}`);
    if (from !== '' && incarnationId !== this.#master.incarnationId)
      throw refuse(`a master of another journal: incarnation=${this.#master.incarnationId}`);
    if (isObserver) throw refuse('an observer never leads');
    if (role.name === 'leading' || role.name === 'suspended') throw refuse('it leads already');
    if (this.#told !== null) throw new UnderstudyError('aborted', 'it has been told to lead already');
    if (role.name === 'halted') throw refuse('it can follow the journal no further; its log says why');
    if (replica === null || (role.name !== 'following' && role.name !== 'claiming'))
      throw new UnderstudyError('unavailable', `not now: role=${role.name}`);
    if (from !== '' && replica.state.epoch > epoch) throw refuse(`there is a later leader: epoch=${replica.state.epoch}`);
    return replica;
  }

  async #upTo(sn: number, replica: Replica, signal: AbortSignal): Promise<void> {
    const enough = new AbortController();
    const timer = this.#deps.clock.setTimer(REHEARSAL_MAX_MS, () => enough.abort());
    try {
      await this.#master.applied.reached(sn, AbortSignal.any([signal, enough.signal]));
    } catch (cause) {
      throwIfAborted(signal);
      throw new UnderstudyError('unavailable', `it is too far behind: entries=${sn - replica.end.sn}`, { cause });
    } finally {
      timer.cancel();
    }
  }

  async #refuseWhileLed(replica: Replica, signal: AbortSignal): Promise<void> {
    const { leaderAddress: address, epoch } = replica.state;
    const incumbent = await findIncumbent(this.#deps, { address, epoch }, this.#master.rpcAddress, signal);
    if (incumbent !== null)
      throw new UnderstudyError(
        'failed_precondition',
        `a leader serves, which has to hand over itself (leader transfer): leader=${incumbent.address} epoch=${incumbent.epoch}`,
      );
  }
}
