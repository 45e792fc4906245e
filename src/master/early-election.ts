/**
 * Brings the election forward when the leader is found dead (design: death noticed fast): at most once for each epoch, and after an election
 * that this master brought forward, not again for `expelIntervalMs`. A wrong guess costs one needless election, and a network that makes this
 * master guess wrong all the time costs no more than that.
 */
import type { Clock } from '../base/clock.js';
import { asError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Election } from '../election/election.js';

export interface EarlyElectionSettings {
  /** As long as the election waits by itself for a master that went silent. */
  readonly expelIntervalMs: number;
  /** Nobody is elected by itself: an operator has to say who leads. */
  readonly isManual: boolean;
}

export interface EarlyElectionDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly election: Election;
}

export class EarlyElection {
  readonly #settings: EarlyElectionSettings;
  readonly #deps: EarlyElectionDeps;
  #epoch = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(settings: EarlyElectionSettings, deps: EarlyElectionDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** The leader of that epoch is dead, as far as can be told. Does not wait. */
  leaderGone(leader: { readonly address: string; readonly epoch: number }, why: string): void {
    const { clock, log } = this.#deps;
    if (leader.epoch <= this.#epoch || clock.monotonicMs() < this.#notBeforeMs) return;
    const before = this.#epoch;
    this.#epoch = leader.epoch;
    if (this.#settings.isManual)
      return log.warn({ leader: leader.address, why }, 'the leader is gone: nobody leads until an operator says who');
    this.#expel(leader.address, why).catch((error: unknown) => {
      // Nothing was removed: the next sign of its death counts again.
      this.#epoch = before;
      this.#deps.log.warn({ leader: leader.address, error: asError(error) }, 'the election cannot be brought forward');
    });
  }

  async #expel(address: string, why: string): Promise<void> {
    const { clock, log, election } = this.#deps;
    const wasThere = await election.expel(address);
    if (wasThere) this.#notBeforeMs = clock.monotonicMs() + this.#settings.expelIntervalMs;
    log.info({ leader: address, why, wasThere }, 'the leader is gone: the election is brought forward');
  }
}
