/**
 * Where the leader is, for those who came to this master instead: by the stream that it feeds this standby with, or by asking.
 *
 * Who asks may come often and all at once: one question is in flight, and its answer holds for 100 ms. That a leader is named here proves
 * nothing: it says itself whether it serves.
 */
import type { Feeder } from './follower.js';
import { findLeading, type IncumbentDeps } from './incumbent.js';

export interface Place {
  readonly rpcAddress: string;
  readonly webAddress: string;
}

/** What it sees of its master. */
interface Asking {
  readonly rpcAddress: string;
  /** `host:port` of another master that leads; empty where none is known. */
  readonly leaderAddress: string;
  readonly feeder: Feeder | null;
}

interface Question {
  readonly address: string;
  readonly answer: Promise<Place | null>;
  /** Monotonic; infinite until it is answered. */
  staleMs: number;
}

const FRESH_MS = 100;

export class LeaderPlace {
  readonly #master: Asking;
  readonly #deps: IncumbentDeps;
  readonly #signal: AbortSignal;
  #question: Question | null = null;
  /** The last one that was known, for while this master has no state to tell it. */
  #last = '';

  /** @param signal ends it. */
  constructor(master: Asking, deps: IncumbentDeps, signal: AbortSignal) {
    this.#master = master;
    this.#deps = deps;
    this.#signal = signal;
  }

  /** The leader that feeds this standby, as it says; null where none does. */
  get fedFrom(): Place | null {
    const { feeder, leaderAddress } = this.#master;
    if (feeder === null || feeder.webAddress === '' || feeder.address !== leaderAddress) return null;
    return { rpcAddress: feeder.address, webAddress: feeder.webAddress };
  }

  /** @returns null where no other master says within 600 ms that it leads. Never throws. */
  find(): Promise<Place | null> {
    const { fedFrom } = this;
    if (fedFrom !== null) return Promise.resolve(fedFrom);
    const address = this.#master.leaderAddress || this.#last;
    this.#last = address;
    if (address === '') return Promise.resolve(null);
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#question?.address === address && nowMs < this.#question.staleMs) return this.#question.answer;
    const question: Question = { address, answer: this.#ask(address), staleMs: Number.POSITIVE_INFINITY };
    void question.answer.then(() => {
      question.staleMs = this.#deps.clock.monotonicMs() + FRESH_MS;
    });
    this.#question = question;
    return question.answer;
  }

  async #ask(address: string): Promise<Place | null> {
    const leading = await findLeading(this.#deps, address, this.#master.rpcAddress, this.#signal);
    return leading === null || leading.webAddress === '' ? null : { rpcAddress: leading.rpcAddress, webAddress: leading.webAddress };
  }
}
