/**
 * Finds the leader: in the leader directory, or by asking all known masters at once.
 *
 * Of several that claim to lead, the highest epoch wins. What is found may be out of date the moment it is told: whoever leads is proved
 * by its answers alone, so a wrong guess costs time and nothing else. With a directory that does not answer, the masters last seen are
 * asked: a client that has found the cluster once outlives the loss of its directory.
 */
import type { Clock } from '../base/clock.js';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import type { LeaderDirectory } from '../election/election.js';
import { askMaster, type MasterAnswer } from './ask-masters.js';
import { CallBudget } from './call-budget.js';
import type { ClientSettings } from './client-settings.js';
import type { Connections } from './connections.js';

/** Where the leader is, as far as could be seen. */
export interface LeaderPlace {
  /** `host:port` that clients call. */
  readonly address: string;
  /** `host:port` for people and scripts. */
  readonly webAddress: string;
  readonly epoch: number;
}

/** Once one master says that it leads, others have this long to claim a higher epoch. */
const CONTRADICTION_MS = 20;

export class LeaderFinder {
  readonly #settings: ClientSettings;
  readonly #clock: Clock;
  readonly #connections: Connections;
  readonly #directory: LeaderDirectory | undefined;
  /** Masters known by now, newest last; at most `mastersMax`. */
  readonly #known = new Set<string>();

  constructor(settings: ClientSettings, clock: Clock, connections: Connections, directory: LeaderDirectory | undefined) {
    this.#settings = settings;
    this.#clock = clock;
    this.#connections = connections;
    this.#directory = directory;
    for (const address of settings.masters) this.learn(address);
  }

  /** Takes one look, bounded by `lookTimeoutMs`. @throws `unavailable`: no leader was seen; as `signal` was aborted. */
  async look(signal: AbortSignal): Promise<LeaderPlace> {
    const budget = new CallBudget(this.#clock, this.#settings.lookTimeoutMs, signal, undefined);
    try {
      return (await this.#lookUp(budget)) ?? (await this.#askAround(budget));
    } finally {
      budget.release();
    }
  }

  /** @returns the addresses of all masters that are known, the directory asked first. Never throws for a directory that does not answer. */
  async masters(signal: AbortSignal): Promise<readonly string[]> {
    const budget = new CallBudget(this.#clock, this.#settings.lookTimeoutMs, signal, undefined);
    try {
      const candidates = await this.#directory?.candidates(budget.waitSignal);
      for (const address of candidates ?? []) this.learn(address);
    } catch (error) {
      if (this.#known.size === 0) throw asError(error, 'unavailable', 'the leader directory does not answer');
    } finally {
      budget.release();
    }
    return [...this.#known];
  }

  /** Remembers that there is, or may be, a master at `address`. */
  learn(address: string): void {
    this.#known.delete(address);
    this.#known.add(address);
    for (const oldest of this.#known) {
      if (this.#known.size <= this.#settings.mastersMax) return;
      this.#known.delete(oldest);
    }
  }

  /** @returns what the directory says; undefined where the known masters have to be asked instead. */
  async #lookUp(budget: CallBudget): Promise<LeaderPlace | undefined> {
    if (this.#directory === undefined) return undefined;
    try {
      const [leader] = await budget.wait(this.#directory.leaders(budget.waitSignal));
      if (leader === undefined) throw new UnderstudyError('unavailable', 'no master leads now');
      this.learn(leader.rpcAddress);
      return { address: leader.rpcAddress, webAddress: leader.webAddress, epoch: leader.epoch };
    } catch (error) {
      budget.throwIfGivenUp();
      if (this.#known.size === 0) throw asError(error, 'unavailable', 'the leader directory does not answer');
      return undefined;
    }
  }

  #askAround(budget: CallBudget): Promise<LeaderPlace> {
    const asked = new Set<string>();
    let pending = 0;
    let best: LeaderPlace | undefined;
    let problem: UnderstudyError | undefined;
    let foreign = '';
    return new Promise((resolve, reject) => {
      const settle = () => {
        if (best !== undefined) resolve(best);
        else reject(new UnderstudyError('unavailable', `no master leads now asked=${[...asked].join(',')}${foreign}`, { cause: problem }));
      };
      const hear = ({ address, status, error }: MasterAnswer) => {
        pending -= 1;
        problem = error ?? problem;
        if (isError(error, 'failed_precondition')) foreign = ` (${error.message})`;
        if (status?.state === 'ACTIVE') {
          if (best === undefined) this.#clock.setTimer(CONTRADICTION_MS, settle);
          if (best === undefined || status.epoch > best.epoch) best = { address, webAddress: status.webAddress, epoch: status.epoch };
        } else if (status?.leader) ask(status.leader);
        if (pending === 0) settle();
      };
      const ask = (address: string) => {
        if (asked.has(address) || asked.size >= this.#settings.mastersMax) return;
        asked.add(address);
        pending += 1;
        askMaster(this.#connections, address, budget).then(hear, reject);
      };
      for (const address of this.#known) ask(address);
      if (pending === 0) settle();
    });
  }
}
