/**
 * What keeps a leader's journal from taking changes, from the append that told so to the one that shows that it is over.
 *
 * A store that is full is not asked for each change that comes: one now and then finds out whether there is room again. If none comes, the leader
 * has to find out by itself: what it says of itself must not depend on its clients.
 */
import type { Clock, Timer } from '../base/clock.js';

/** From an append that failed to the next change that is tried. */
const TRY_AGAIN_MS = 500;
/** From the last attempt to one of the leader's own. */
const TRY_ALONE_MS = 1_000;

export class JournalTrouble {
  readonly #clock: Clock;
  readonly #tryAlone: () => void;
  #text = '';
  #tryAgainMs = 0;
  #timer: Timer | null = null;

  /** @param tryAlone appends something, if nothing keeps it from that and it `mayTry`: called about once a second while there is trouble. */
  constructor(clock: Clock, tryAlone: () => void) {
    this.#clock = clock;
    this.#tryAlone = tryAlone;
  }

  /** Why the journal took nothing the last time it was asked, for people; empty when it does. */
  get text(): string {
    return this.#text;
  }

  /** @returns whether a change may be tried; then the next one may half a second later. */
  mayTry(): boolean {
    if (this.#text === '') return true;
    const now = this.#clock.monotonicMs();
    if (now < this.#tryAgainMs) return false;
    this.#tryAgainMs = now + TRY_AGAIN_MS;
    return true;
  }

  /** An append failed, and wrote nothing. */
  failed(why: string): void {
    this.#text = why;
    this.#tryAgainMs = this.#clock.monotonicMs() + TRY_AGAIN_MS;
    this.#rearm();
  }

  /** The journal took a change, or is no longer this leader's. Idempotent. */
  over(): void {
    this.#text = '';
    this.#timer?.cancel();
    this.#timer = null;
  }

  #rearm(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(TRY_ALONE_MS, () => {
      this.#rearm();
      this.#tryAlone();
    });
  }
}
