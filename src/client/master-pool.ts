/**
 * The way to any master that is near enough, for reads that need not be the newest: standbys in turn; the leader where no standby answers,
 * or all are too far behind.
 *
 * Invariants:
 * - A master that did not do its part is not asked again before the next survey, which nobody waits for while others answer.
 * - At most one survey of the masters is under way. Calls wait for one only where nobody is left to be asked.
 */
import { setMaxListeners } from 'node:events';
import { asError, UnderstudyError } from '../base/errors.js';
import { sleep } from '../base/wait.js';
import type { CallBudget } from './call-budget.js';
import type { ClientSettings } from './client-settings.js';
import type { MasterConnection } from './connections.js';
import type { LeaderLinkDeps } from './leader-link.js';
import { Backoff } from './retry-policy.js';
import type { Route } from './route.js';

const SURVEY_INTERVAL_MS = 2_000;

export class MasterPool implements Route {
  readonly #settings: ClientSettings;
  readonly #deps: LeaderLinkDeps;
  readonly #closing = new AbortController();
  readonly #members = new Map<string, MasterConnection>();
  /** Those of them that take turns. */
  #ring: MasterConnection[] = [];
  #turn = 0;
  /** The master that answered last without being behind. */
  #leader = '';
  #survey: Promise<void> | undefined;
  #surveyedMs = Number.NEGATIVE_INFINITY;
  #backoff: Backoff | undefined;
  #problem: UnderstudyError | undefined;

  constructor(settings: ClientSettings, deps: LeaderLinkDeps) {
    // Each connection that a survey still waits for listens to it.
    setMaxListeners(0, this.#closing.signal);
    this.#settings = settings;
    this.#deps = deps;
  }

  /** A standby says within its bound that it is too far behind; who says nothing at all hangs. */
  get attemptMsMax(): number {
    const { attemptTimeoutMs, standbyWaitMs, suspectAfterMs } = this.#settings;
    return Math.min(attemptTimeoutMs, standbyWaitMs + suspectAfterMs);
  }

  /** The next one, each time. */
  get current(): MasterConnection | undefined {
    if (this.#ring.length > 0 && this.#deps.clock.monotonicMs() - this.#surveyedMs > SURVEY_INTERVAL_MS) this.#look().catch(() => {});
    while (this.#ring.length > 0) {
      this.#turn = (this.#turn + 1) % this.#ring.length;
      const connection = this.#ring[this.#turn] as MasterConnection;
      if (!connection.lost) return connection;
      this.#drop(connection);
    }
    return undefined;
  }

  async find(budget: CallBudget): Promise<MasterConnection> {
    const { clock, random } = this.#deps;
    try {
      for (;;) {
        if (this.#backoff === undefined) this.#backoff = new Backoff(this.#settings, clock, random);
        else await sleep(clock, this.#backoff.pauseMs(), budget.waitSignal);
        const looked = await budget.wait(this.#look().catch((error) => asError(error)));
        if (looked !== undefined) this.#problem = looked;
        const found = this.current;
        if (found !== undefined) return found;
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

  /** The master at `address` has answered; `newest`: it leads. */
  told(address: string, newest: boolean): void {
    const leader = newest ? address : this.#leader === address ? '' : this.#leader;
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#arrange();
  }

  failed(connection: MasterConnection, failure: UnderstudyError): void {
    this.#problem = failure;
    this.#drop(connection);
  }

  /** Ends the survey. The connections are their owner's to close. */
  close(): void {
    this.#closing.abort(new UnderstudyError('cancelled', 'the client was closed'));
  }

  #look(): Promise<void> {
    this.#survey ??= this.#takeLook().finally(() => {
      this.#survey = undefined;
    });
    return this.#survey;
  }

  /** Resolves once one master is connected; the others join as they come. @throws `unavailable`: none is known, or none can be reached. */
  async #takeLook(): Promise<void> {
    const { clock, connections, finder } = this.#deps;
    const { signal } = this.#closing;
    this.#surveyedMs = clock.monotonicMs();
    const addresses = await finder.masters(signal);
    const joining = addresses.map(async (address) => this.#join(address, await connections.open(address, signal)));
    await Promise.any(joining).catch(({ errors }: AggregateError) => {
      throw asError(errors[0], 'unavailable', 'no connection');
    });
  }

  #join(address: string, connection: MasterConnection): void {
    if (this.#members.get(address) === connection) return;
    this.#members.set(address, connection);
    this.#arrange();
  }

  #drop(connection: MasterConnection): void {
    if (this.#members.get(connection.address) === connection) this.#members.delete(connection.address);
    this.#arrange();
  }

  #arrange(): void {
    const members = [...this.#members.values()];
    const standbys = members.filter(({ address }) => address !== this.#leader);
    this.#ring = standbys.length > 0 ? standbys : members;
    // Clients that meet the same masters begin with different ones.
    this.#turn = Math.floor(this.#deps.random.float() * this.#ring.length);
  }
}
