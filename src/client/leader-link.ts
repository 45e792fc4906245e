/**
 * The way to the leader, shared by all calls of a client.
 *
 * Invariants:
 * - At most one search is under way, however many calls wait for it; it ends when nobody waits.
 * - The first search after an answer begins at once; later ones pause ever longer, up to a quarter of a second.
 * - A hint is followed at most twice running without an answer in between: masters that point at each other cost no more than that.
 *
 * A leader that is stopped, or whose host is gone, breaks no connection. So while calls wait and nothing at all is answered, the link looks
 * around once per `suspectAfterMs`, and leaves a leader that has been superseded: its calls fail and are sent again to the new one.
 */
import type { Clock, Timer } from '../base/clock.js';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { sleep } from '../base/wait.js';
import type { CallBudget } from './call-budget.js';
import type { ClientSettings } from './client-settings.js';
import type { Connections, MasterConnection } from './connections.js';
import type { LeaderFinder } from './leader-finder.js';
import { Backoff } from './retry-policy.js';
import type { Route } from './route.js';

const HINTS_RUNNING_MAX = 2;
/** A look is cheap, and a takeover that took its time should not be noticed late for it. */
const SEARCH_PAUSE_MAX_MS = 250;

export interface LeaderLinkDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly connections: Connections;
  readonly finder: LeaderFinder;
}

interface Search {
  readonly found: Promise<MasterConnection>;
  readonly giveUp: AbortController;
  waiting: number;
}

export class LeaderLink implements Route {
  readonly #settings: ClientSettings;
  readonly #deps: LeaderLinkDeps;
  readonly #closing = new AbortController();
  #current: MasterConnection | undefined;
  /** The highest epoch seen of a leader that this link went to. */
  #epoch = 0;
  #search: Search | undefined;
  #hint: string | undefined;
  #hintsRunning = 0;
  /** Of the trouble since the last answer, if there is any. */
  #backoff: Backoff | undefined;
  #problem: UnderstudyError | undefined;
  #underWay = 0;
  #progress = 0;
  #watch: Timer | undefined;

  constructor(settings: ClientSettings, deps: LeaderLinkDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  get current(): MasterConnection | undefined {
    return this.#current;
  }

  /** What went wrong last, since the last answer. */
  get problem(): UnderstudyError | undefined {
    return this.#problem;
  }

  /** @throws `unavailable`, with what the search met, when the budget ends before a leader is found; `failed_precondition`: another cluster answers; `cancelled`. */
  async find(budget: CallBudget): Promise<MasterConnection> {
    if (this.#current !== undefined) return this.#current;
    const search = this.#search ?? this.#startSearch();
    search.waiting += 1;
    try {
      return await budget.wait(search.found);
    } catch (error) {
      budget.throwIfGivenUp();
      const problem = this.#problem ?? asError(error);
      if (isError(error, 'failed_precondition')) throw error;
      throw new UnderstudyError('unavailable', `no leader was found: ${problem.message}`, { cause: problem });
    } finally {
      search.waiting -= 1;
      if (search.waiting === 0) this.#endSearch(search);
    }
  }

  begin(): void {
    this.#underWay += 1;
    if (this.#watch === undefined) this.#startWatch();
  }

  end(): void {
    this.#underWay -= 1;
  }

  answered(): void {
    this.#progress += 1;
    this.#problem = undefined;
    if (this.#backoff === undefined) return;
    this.#backoff = undefined;
    this.#hintsRunning = 0;
  }

  failed(connection: MasterConnection, failure: UnderstudyError): void {
    if (connection !== this.#current) return;
    this.#problem = failure;
    const moved = failure.code === 'not_leader' || failure.code === 'fenced';
    if (!moved && !connection.lost) return;
    this.#current = undefined;
    if (failure.leader && failure.leader !== connection.address) this.#hint = failure.leader;
  }

  /** Ends the search and the watch. The connections are their owner's to close. */
  close(): void {
    this.#closing.abort(new UnderstudyError('cancelled', 'the client was closed'));
    this.#watch?.cancel();
    if (this.#search !== undefined) this.#endSearch(this.#search);
  }

  #startSearch(): Search {
    const giveUp = new AbortController();
    const search: Search = { found: this.#searchLeader(giveUp.signal), giveUp, waiting: 0 };
    // Whoever waits has its own way of hearing of this; a search that nobody waits for any longer tells nobody.
    search.found.catch(() => {}).finally(() => this.#endSearch(search));
    this.#search = search;
    return search;
  }

  #endSearch(search: Search): void {
    if (this.#search === search) this.#search = undefined;
    search.giveUp.abort();
  }

  async #searchLeader(signal: AbortSignal): Promise<MasterConnection> {
    const { clock, random, connections, finder } = this.#deps;
    for (;;) {
      if (this.#backoff === undefined) this.#backoff = new Backoff(this.#settings, clock, random);
      else await sleep(clock, Math.min(this.#backoff.pauseMs(), SEARCH_PAUSE_MAX_MS), signal);
      try {
        const hint = this.#takeHint();
        const place = hint === undefined ? await finder.look(signal) : { address: hint, epoch: this.#epoch };
        const connection = await connections.open(place.address, signal);
        if (signal.aborted) throw signal.reason;
        this.#epoch = Math.max(this.#epoch, place.epoch);
        this.#current = connection;
        return connection;
      } catch (error) {
        // Where the leader should be is a master of another cluster, or of another protocol: a later look would find it again.
        if (signal.aborted || isError(error, 'failed_precondition')) throw error;
        this.#problem = asError(error, 'unavailable', 'looking for the leader');
      }
    }
  }

  #takeHint(): string | undefined {
    const hint = this.#hint;
    this.#hint = undefined;
    if (hint === undefined || this.#hintsRunning >= HINTS_RUNNING_MAX) return undefined;
    this.#hintsRunning += 1;
    return hint;
  }

  #startWatch(): void {
    const seen = this.#progress;
    if (this.#closing.signal.aborted) return;
    this.#watch = this.#deps.clock.setTimer(this.#settings.suspectAfterMs, () => {
      const silent = this.#underWay > 0 && this.#progress === seen;
      const looked = silent && this.#current !== undefined ? this.#lookAround(this.#current) : Promise.resolve();
      looked.finally(() => {
        this.#watch = undefined;
        if (this.#underWay > 0) this.#startWatch();
      });
    });
  }

  /** Leaves `silent` if another master leads in a later epoch. */
  async #lookAround(silent: MasterConnection): Promise<void> {
    try {
      const place = await this.#deps.finder.look(this.#closing.signal);
      if (place.address === silent.address) this.#epoch = Math.max(this.#epoch, place.epoch);
      if (place.address === silent.address || place.epoch <= this.#epoch || this.#current !== silent) return;
      this.#problem = new UnderstudyError('unavailable', `left a silent leader address=${silent.address} for=${place.address}`);
      this.#hint = place.address;
      this.#current = undefined;
      silent.close();
    } catch (error) {
      this.#problem = asError(error, 'unavailable', 'looking around');
    }
  }
}
