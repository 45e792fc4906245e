/**
 * Lets claimants win against a busy leader, which needs one round trip a slot where they need two: a leader that finds an intent for its
 * epoch sends nothing for some round trips. Only liveness hangs on it.
 */
import { sleep } from '../base/wait.js';
import { intentEpochOf, intentPrefix, type ObjectContext } from './object-layout.js';

const PAUSE_ROUND_TRIPS = 8;
const PAUSE_MIN_MS = 250;
const PAUSE_MAX_MS = 5_000;
const INTENTS_MAX = 100;

export class IntentWatch {
  readonly #context: ObjectContext;
  readonly #epoch: number;
  #roundTripMs = 0;
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(context: ObjectContext, epoch: number) {
    this.#context = context;
    this.#epoch = epoch;
  }

  noteRoundTrip(tookMs: number): void {
    this.#roundTripMs += (tookMs - this.#roundTripMs) / 8;
  }

  /** Begins a pause where somebody asks for one, and removes what has been heard. */
  async look(): Promise<void> {
    const { deps, format } = this.#context;
    const { keys } = await deps.store.list({ prefix: intentPrefix(format), limit: INTENTS_MAX });
    if (keys.some((key) => intentEpochOf(format, key) === this.#epoch)) {
      const pauseMs = Math.min(Math.max(PAUSE_ROUND_TRIPS * this.#roundTripMs, PAUSE_MIN_MS), PAUSE_MAX_MS);
      this.#untilMs = deps.clock.monotonicMs() + pauseMs;
      deps.log.info({ epoch: this.#epoch, pauseMs }, 'a claimant asks for a pause');
    }
    for (const key of keys) if (intentEpochOf(format, key) <= this.#epoch) await deps.store.delete(key);
  }

  /** Resolves when nobody is to be let through. @throws as `sleep`. */
  async pause(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context.deps;
    for (let leftMs = this.#untilMs - clock.monotonicMs(); leftMs > 0; leftMs = this.#untilMs - clock.monotonicMs()) {
      await sleep(clock, leftMs, signal);
    }
  }
}
