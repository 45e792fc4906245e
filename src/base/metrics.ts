/**
 * What a program counts and measures, for operators. Whoever counts holds its counter from the start, labels and all, so that counting costs an
 * addition; what is kept elsewhere anyway is read when somebody looks.
 *
 * Names follow Prometheus' conventions: `understudy_<what>_<unit>`, base units (seconds, bytes), counters end in `_total`. Labels have few
 * values, each known beforehand: never a path, a user, a client's address. Masters alone are named by their addresses, of which there are at
 * most 32.
 */
export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(by?: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

/** One number, or one for each set of labels; null where there is nothing to tell now. */
export type Reading = number | null | readonly (readonly [Labels, number])[];

export interface Metrics {
  /** @returns the one of these labels; asked for again, the same one. */
  counter(name: string, help: string, labels?: Labels): Counter;
  /** As `counter`. @param bounds upper ones of its buckets, rising. */
  histogram(name: string, help: string, bounds: readonly number[], labels?: Labels): Histogram;
  /** `read` is called whenever somebody looks; it is quick, and does not throw. */
  gauge(name: string, help: string, read: () => Reading): void;
  /** A count that is kept elsewhere. @param read as of a gauge. */
  count(name: string, help: string, read: () => Reading): void;
}

/** Metrics as they are told. */
export interface ShownMetrics {
  readonly contentType: string;
  /** @returns all of them in Prometheus' text format. Rests on the way, so that it keeps nobody waiting. */
  text(): Promise<string>;
  /** @returns each by name and labels (`name{label="value"}`); of histograms count and sum alone. What is no finite number is left out. */
  values(): Promise<ReadonlyMap<string, number>>;
}

/** Of what takes from a hundred microseconds to ten seconds. */
export const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

const nothing = { add() {}, observe() {} };

/** Counts nothing. */
export const noMetrics: Metrics = { counter: () => nothing, histogram: () => nothing, gauge() {}, count() {} };
