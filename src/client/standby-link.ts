/**
 * The way to any master that answers, for reads that need not be the newest: a standby where there is one, chosen by chance so that clients
 * spread, kept while it answers. When all have failed in turn, a pause, ever longer.
 */
import { asError, UnderstudyError } from '../base/errors.js';
import { sleep } from '../base/wait.js';
import type { CallBudget } from './call-budget.js';
import type { ClientSettings } from './client-settings.js';
import type { MasterConnection } from './connections.js';
import type { LeaderLinkDeps } from './leader-link.js';
import { Backoff } from './retry-policy.js';
import type { Route } from './route.js';

export class StandbyLink implements Route {
  readonly #settings: ClientSettings;
  readonly #deps: LeaderLinkDeps;
  readonly #leader: Route;
  #current: MasterConnection | undefined;
  /** Masters not yet tried in this round, next one last. */
  #untried: string[] = [];
  #backoff: Backoff | undefined;
  #problem: UnderstudyError | undefined;

  /** @param leader where the leader is: tried last in each round. */
  constructor(settings: ClientSettings, deps: LeaderLinkDeps, leader: Route) {
    this.#settings = settings;
    this.#deps = deps;
    this.#leader = leader;
  }

  get current(): MasterConnection | undefined {
    return this.#current;
  }

  async find(budget: CallBudget): Promise<MasterConnection> {
    try {
      for (;;) {
        if (this.#current !== undefined) return this.#current;
        const address = this.#untried.pop();
        if (address === undefined) await this.#startRound(budget);
        else await this.#tryMaster(address, budget.waitSignal);
      }
    } catch (error) {
      budget.throwIfGivenUp();
      const problem = this.#problem ?? asError(error);
      throw new UnderstudyError('unavailable', `no master answered: ${problem.message}`, { cause: problem });
    }
  }

  begin(): void {}

  end(): void {}

  answered(): void {
    this.#backoff = undefined;
  }

  failed(connection: MasterConnection, failure: UnderstudyError): void {
    if (connection !== this.#current) return;
    this.#current = undefined;
    this.#problem = failure;
  }

  async #startRound(budget: CallBudget): Promise<void> {
    const { clock, random, finder } = this.#deps;
    if (this.#backoff === undefined) this.#backoff = new Backoff(this.#settings, clock, random);
    else await sleep(clock, this.#backoff.pauseMs(), budget.waitSignal);
    const leader = this.#leader.current?.address;
    const addresses = [...(await budget.wait(finder.masters(budget.waitSignal)))];
    const places = addresses.map((address) => ({ address, order: address === leader ? -1 : random.float() }));
    this.#untried = places.sort((a, b) => a.order - b.order).map(({ address }) => address);
  }

  async #tryMaster(address: string, signal: AbortSignal): Promise<void> {
    try {
      const connection = await this.#deps.connections.open(address, signal);
      this.#current ??= connection;
    } catch (error) {
      if (signal.aborted) throw error;
      this.#problem = asError(error, 'unavailable', `no connection address=${address}`);
    }
  }
}
