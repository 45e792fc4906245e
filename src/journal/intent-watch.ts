/**
 * Lets claimants win against a busy leader, which needs one round trip a slot where they need two: a leader that finds an intent for its
 * epoch sends nothing for some round trips. Only liveness hangs on it.
 *
 * A leader cannot know how far away the claimant is, so each further pause for the same intent is twice as long; so many and no more, for the
 * claimant may be dead.
 */
import { sleep } from '../base/wait.js';
import { intentEpochOf, intentPrefix, type ObjectContext } from './object-layout.js';

const PAUSE_ROUND_TRIPS = 8;
const PAUSE_MIN_MS = 250;
const PAUSES_MAX = 4;
const INTENTS_MAX = 100;

export class IntentWatch {
  readonly #context: ObjectContext;
  readonly #epoch: number;
  /** Pauses so far, for each intent that stands. */
  #pauses = new Map<string, number>();
  #roundTripMs = 0;
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(context: ObjectContext, epoch: number) {
    this.#context = context;
    this.#epoch = epoch;
  }

  noteRoundTrip(tookMs: number): void {
    this.#roundTripMs += (tookMs - this.#roundTripMs) / 8;
  }

  /** Begins a pause where somebody asks for one, and removes what nobody waits for any more. @throws as `ObjectStore.list`. */
  async look(): Promise<void> {
    const { deps, format } = this.#context;
    const { keys } = await deps.store.list({ prefix: intentPrefix(format), limit: INTENTS_MAX });
    const mine = keys.filter((key) => intentEpochOf(format, key) === this.#epoch);
    const pauses = mine.map((key) => [key, this.#pauses.get(key) ?? 0] as const);
    this.#pauses = new Map(pauses.map(([key, count]) => [key, count + 1]));
    const waiting = pauses.filter(([, count]) => count < PAUSES_MAX);
    if (waiting.length > 0) this.#begin(Math.max(...waiting.map(([, count]) => count)));
    for (const key of keys) {
      if (intentEpochOf(format, key) < this.#epoch || (pauses.find(([one]) => one === key)?.[1] ?? 0) >= PAUSES_MAX)
        await deps.store.delete(key);
    }
  }

  #begin(pausesBefore: number): void {
    const { clock, log } = this.#context.deps;
    const pauseMs = Math.max(PAUSE_ROUND_TRIPS * this.#roundTripMs, PAUSE_MIN_MS) * 2 ** pausesBefore;
    this.#untilMs = clock.monotonicMs() + pauseMs;
    log.info({ epoch: this.#epoch, pauseMs }, 'a claimant asks for a pause');
  }

  get isPausing(): boolean {
    return this.#context.deps.clock.monotonicMs() < this.#untilMs;
  }

  /** Resolves when nobody is to be let through. @throws as `sleep`. */
  async pause(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context.deps;
    for (let leftMs = this.#untilMs - clock.monotonicMs(); leftMs > 0; leftMs = this.#untilMs - clock.monotonicMs()) {
      await sleep(clock, leftMs, signal);
    }
  }
}
