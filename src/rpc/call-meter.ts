/** Counts the calls of a server, by method and outcome, and how long each takes, from its arrival to its answer. */
import type { ErrorCode } from '../base/errors.js';
import { type Histogram, type Metrics, SECONDS } from '../base/metrics.js';

/** Methods that nobody has a name for are one. */
const UNKNOWN = 'unknown';
const OK = 'ok';

export class CallMeter {
  readonly #metrics: Metrics;
  readonly #names: ReadonlyMap<number, string>;
  /** By method number, answered without an error: nearly all. */
  readonly #ok: (Histogram | undefined)[] = [];
  #inFlight = 0;

  /** @param names of the methods. */
  constructor(metrics: Metrics, names: ReadonlyMap<number, string>) {
    this.#metrics = metrics;
    this.#names = names;
    metrics.gauge('understudy_rpc_calls_in_flight', 'Calls that the service works for now.', () => this.#inFlight);
  }

  began(): void {
    this.#inFlight += 1;
  }

  /** @param code of the error that it was answered with, or why its caller gave up; null: it was answered. */
  settled(method: number, tookMs: number, code: ErrorCode | null): void {
    this.#inFlight -= 1;
    this.#histogram(method, code).observe(tookMs / 1_000);
  }

  #histogram(method: number, code: ErrorCode | null): Histogram {
    const ok = code === null ? this.#ok[method] : undefined;
    if (ok !== undefined) return ok;
    const name = this.#names.get(method);
    const labels = { method: name ?? UNKNOWN, outcome: code ?? OK };
    const found = this.#metrics.histogram('understudy_rpc_call_seconds', 'Time from a call to its answer.', SECONDS, labels);
    if (code === null && name !== undefined) this.#ok[method] = found;
    return found;
  }
}
