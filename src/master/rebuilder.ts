/**
 * Opens a replica after the one before has failed: as often as it takes, after pauses that grow where it fails again soon.
 */
import type { Clock } from '../base/clock.js';
import { asError, type UnderstudyError } from '../base/errors.js';
import { sleep } from '../base/wait.js';
import { Replica, type ReplicaDeps, type ReplicaSettings } from './replica.js';

/** A replica that fails again within the longest pause waits for the next try, longer each time. */
const PAUSE_MS = 1_000;
const PAUSE_MAX_MS = 60_000;

export class Rebuilder {
  readonly #settings: ReplicaSettings;
  readonly #clock: Clock;
  #pauseMs = 0;
  #triedMs = Number.NEGATIVE_INFINITY;

  constructor(settings: ReplicaSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /**
   * @param deps for each try.
   * @param anew what went wrong with the store may be in it still: it is set aside, once.
   * @param failed told of each try that fails.
   * @returns null once `signal` is aborted, or where nothing is left to make a replica from.
   */
  async rebuild(
    deps: () => ReplicaDeps,
    anew: boolean,
    failed: (error: UnderstudyError) => void,
    signal: AbortSignal,
  ): Promise<Replica | null> {
    const isSoon = this.#clock.monotonicMs() - this.#triedMs < PAUSE_MAX_MS;
    this.#pauseMs = isSoon ? longer(this.#pauseMs) : 0;
    for (let isAside = !anew; ; this.#pauseMs = longer(this.#pauseMs)) {
      if (this.#pauseMs > 0) await sleep(this.#clock, this.#pauseMs, signal).catch(() => {});
      if (signal.aborted) return null;
      this.#triedMs = this.#clock.monotonicMs();
      const given = deps();
      try {
        if (!isAside) await given.stores.setAside();
        isAside = true;
        return await Replica.open(this.#settings, given, signal);
      } catch (thrown) {
        const error = asError(thrown);
        if (signal.aborted) return null;
        given.log.error({ error }, 'the metastore cannot be opened');
        failed(error);
        if (error.code === 'data_loss') return null;
      }
    }
  }
}

function longer(pauseMs: number): number {
  return Math.min(Math.max(pauseMs * 2, PAUSE_MS), PAUSE_MAX_MS);
}
