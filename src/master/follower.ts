/** Replays the journal into a replica, as it grows, until it is stopped. */
import type { Clock } from '../base/clock.js';
import { asError, type UnderstudyError } from '../base/errors.js';
import { sleep } from '../base/wait.js';
import type { Journal } from '../journal/journal.js';
import type { Replica } from './replica.js';

export interface FollowerDeps {
  readonly clock: Clock;
  readonly journal: Journal;
  /** The replica has all that is known to be committed. Told again and again. */
  readonly caughtUp: () => void;
  /** Replay has ended with this error; not told once `stop` was called. */
  readonly failed: (error: UnderstudyError) => void;
}

/** A journal that does not answer is left alone for so long. */
const PAUSE_MS = 500;

export class Follower {
  readonly #deps: FollowerDeps;
  #running: { readonly stop: AbortController; readonly done: Promise<void> } | null = null;

  constructor(deps: FollowerDeps) {
    this.#deps = deps;
  }

  /** Begins where the replica stands. It must not run already. */
  start(replica: Replica): void {
    const stop = new AbortController();
    this.#running = { stop, done: this.#follow(replica, stop.signal) };
  }

  /** Resolves when nothing more is applied: the replica stands at a batch's end. Idempotent. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    running?.stop.abort();
    await running?.done;
  }

  async #follow(replica: Replica, signal: AbortSignal): Promise<void> {
    const { clock, journal, caughtUp, failed } = this.#deps;
    try {
      for await (const batch of journal.read({ from: replica.end, signal, onIdle: caughtUp })) {
        if (signal.aborted) return;
        await replica.applyBatch(batch);
      }
    } catch (thrown) {
      const error = asError(thrown);
      if (error.code === 'unavailable') await sleep(clock, PAUSE_MS, signal).catch(() => {});
      if (!signal.aborted) failed(error);
    }
  }
}
