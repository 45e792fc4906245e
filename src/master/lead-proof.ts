/**
 * Whether this master serves as leader, by the journal's word: what load balancers and scripts go by, who ask often and want to know at once.
 *
 * Who asks within 100 ms of a confirm's beginning is told what that found: asking costs the journal ten confirms a second at most, and one is
 * in flight at a time. A journal that takes longer than half a second to answer has not confirmed.
 */
import type { Clock } from '../base/clock.js';
import { asError, type UnderstudyError } from '../base/errors.js';
import { within } from '../base/wait.js';
import type { Leadership } from './leadership.js';

/** Null: nobody has superseded it, and its reads are answered. Else why it cannot be said to serve; `not_leader`: somebody else leads, or nobody. */
export type Refused = UnderstudyError | null;

interface Proving {
  readonly leadership: Leadership;
  readonly beganMs: number;
  readonly proof: Promise<Refused>;
  isSettled: boolean;
}

interface Leading {
  /** Null unless it leads. */
  readonly leadership: Leadership | null;
  /** It is not about to stop or to yield. */
  readonly leads: boolean;
  notLeader(): UnderstudyError;
}

const FRESH_MS = 100;
const CONFIRM_MAX_MS = 500;

export class LeadProof {
  readonly #master: Leading;
  readonly #clock: Clock;
  #proving: Proving | null = null;

  constructor(master: Leading, clock: Clock) {
    this.#master = master;
    this.#clock = clock;
  }

  /** Never throws. A leader that is handing over has just been confirmed, and is not to be superseded now. */
  async refused(): Promise<Refused> {
    const { leadership, leads } = this.#master;
    if (leadership === null || !leads) return this.#master.notLeader();
    if (leadership.isHeld) return null;
    const { proof, beganMs, isSettled } = this.#current(leadership);
    const leftMs = beganMs + CONFIRM_MAX_MS - this.#clock.monotonicMs();
    const late = 'the journal has not confirmed in time that this master leads';
    const refused = isSettled ? await proof : await within(this.#clock, Math.max(0, leftMs), proof, late).catch(asError);
    if (this.#master.leadership === leadership && this.#master.leads) return leadership.isHeld ? null : refused;
    return this.#master.notLeader();
  }

  /** @returns the one that is in flight, or fresh. */
  #current(leadership: Leadership): Proving {
    const last = this.#proving;
    if (last?.leadership === leadership && (!last.isSettled || this.#clock.monotonicMs() - last.beganMs <= FRESH_MS)) return last;
    const proof = new Promise<Refused>((resolve) => leadership.release(resolve));
    const proving: Proving = { leadership, beganMs: this.#clock.monotonicMs(), proof, isSettled: false };
    void proof.then(() => {
      proving.isSettled = true;
    });
    this.#proving = proving;
    return proving;
  }
}
