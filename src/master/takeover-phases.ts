/**
 * How long each part of taking the lead takes: catching up with the journal, having the store verified, looking for a leader that still serves,
 * claiming, serving, publishing. One takeover at a time, as there is one claim; parts that are skipped take no time and are not told.
 */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import { type Histogram, type Metrics, noMetrics, SECONDS } from '../base/metrics.js';

const PHASES = ['catch_up', 'verify', 'look_around', 'claim', 'serve', 'publish'] as const;
export type TakeoverPhase = (typeof PHASES)[number];

export interface TakeoverPhasesDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Metrics;
}

export class TakeoverPhases {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #histograms: ReadonlyMap<TakeoverPhase, Histogram>;
  readonly #whole: Histogram;
  #beganMs = 0;
  #sinceMs = 0;
  /** Seconds; null while no takeover is under way. */
  #took: Map<TakeoverPhase, number> | null = null;
  #last: ReadonlyMap<TakeoverPhase, number> | null = null;

  constructor({ clock, log, metrics = noMetrics }: TakeoverPhasesDeps) {
    this.#clock = clock;
    this.#log = log;
    const help = 'Time that a part of taking the lead took.';
    this.#histograms = new Map(
      PHASES.map((phase) => [phase, metrics.histogram('understudy_takeover_phase_seconds', help, SECONDS, { phase })]),
    );
    this.#whole = metrics.histogram(
      'understudy_takeover_seconds',
      'Time from the start of taking the lead until it is published.',
      SECONDS,
    );
    metrics.gauge('understudy_takeover_last_phase_seconds', 'Time that each part of the last takeover took.', () =>
      this.#last === null ? null : [...this.#last].map(([phase, seconds]) => [{ phase }, seconds]),
    );
  }

  began(): void {
    this.#beganMs = this.#sinceMs = this.#clock.monotonicMs();
    this.#took = new Map();
  }

  /** The part that ran since the one before, or since it began, has ended. */
  ended(phase: TakeoverPhase): void {
    if (this.#took === null) return;
    const nowMs = this.#clock.monotonicMs();
    const seconds = (nowMs - this.#sinceMs) / 1_000;
    this.#sinceMs = nowMs;
    this.#took.set(phase, seconds);
    this.#histograms.get(phase)?.observe(seconds);
    if (phase === 'publish') this.#done(this.#took, (nowMs - this.#beganMs) / 1_000);
  }

  #done(took: ReadonlyMap<TakeoverPhase, number>, seconds: number): void {
    this.#took = null;
    this.#last = took;
    this.#whole.observe(seconds);
    const phases = [...took].map(([phase, part]) => `${phase}=${part.toFixed(3)}`).join(' ');
    this.#log.info({ seconds: Number(seconds.toFixed(3)), phases }, 'took the lead');
  }
}
