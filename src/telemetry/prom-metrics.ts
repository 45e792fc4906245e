/**
 * Metrics in Prometheus' format, by prom-client: its registry, its text, its measures of the process.
 *
 * Counters and histograms are held and told here: prom-client's own hash their labels at each call, which costs thirty times as much. Their names
 * with labels are made into text once, so that telling them is quick, too. What is told is made piece by piece, with rests in between.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Clock } from '../base/clock.js';
import type { Counter, Histogram, Labels, Metrics, Reading, ShownMetrics } from '../base/metrics.js';

const TURN_MS = 1;

type Kind = 'counter' | 'gauge' | 'histogram';

/** What prom-client's metrics tell. */
interface Told {
  readonly name: string;
  readonly values: readonly {
    readonly labels: Readonly<Record<string, string | number>>;
    readonly value: number;
    readonly metricName?: string;
  }[];
}

/** What the convention would have named otherwise, and what says nothing: a count of handles by kind. */
const UNWANTED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];
const KINDS_OF_HANDLES = ['nodejs_active_handles', 'nodejs_active_requests'];

export class PromMetrics implements Metrics, ShownMetrics {
  readonly contentType: string;
  readonly #clock: Pick<Clock, 'defer' | 'monotonicMs'>;
  readonly #registry = new Registry();
  readonly #families = new Map<string, Family>();

  constructor(clock: Pick<Clock, 'defer' | 'monotonicMs'>) {
    this.#clock = clock;
    this.contentType = this.#registry.contentType;
    collectDefaultMetrics({ register: this.#registry });
    for (const name of [...UNWANTED, ...KINDS_OF_HANDLES]) this.#registry.removeSingleMetric(name);
  }

  counter(name: string, help: string, labels: Labels = {}): Counter {
    return this.#family(name, help, 'counter').child(labels, () => new HeldCounter(name, labels)) as HeldCounter;
  }

  histogram(name: string, help: string, bounds: readonly number[], labels: Labels = {}): Histogram {
    return this.#family(name, help, 'histogram').child(labels, () => new HeldHistogram(name, bounds, labels)) as HeldHistogram;
  }

  gauge(name: string, help: string, read: () => Reading): void {
    this.#family(name, help, 'gauge').child({}, () => new Read(name, read));
  }

  count(name: string, help: string, read: () => Reading): void {
    this.#family(name, help, 'counter').child({}, () => new Read(name, read));
  }

  async text(): Promise<string> {
    const parts: string[] = [];
    const turns = new Turns(this.#clock);
    for (const { name } of this.#registry.getMetricsAsArray()) {
      parts.push(await this.#registry.getSingleMetricAsString(name));
      await turns.rest();
    }
    for (const family of this.#families.values()) {
      parts.push(family.head);
      for (const child of family.children()) {
        const lines = child.lines();
        if (lines !== '') parts.push(lines);
        await turns.rest();
      }
    }
    return `${parts.join('\n')}\n`;
  }

  async values(): Promise<ReadonlyMap<string, number>> {
    const into = new Map<string, number>();
    const turns = new Turns(this.#clock);
    for (const metric of this.#registry.getMetricsAsArray()) {
      const { name, values } = await (metric as unknown as { get(): Promise<Told> }).get();
      for (const { metricName = name, labels, value } of values) {
        if (!metricName.endsWith('_bucket')) put(into, metricName + labelsText(labels), value);
      }
      await turns.rest();
    }
    for (const family of this.#families.values()) {
      for (const child of family.children()) {
        child.tell(into);
        await turns.rest();
      }
    }
    return into;
  }

  #family(name: string, help: string, kind: Kind): Family {
    let family = this.#families.get(name);
    if (family === undefined) {
      family = new Family(name, help, kind);
      this.#families.set(name, family);
    }
    return family;
  }
}

/** Rests after each turn of a millisecond: what else there is to do comes between. */
class Turns {
  readonly #clock: Pick<Clock, 'defer' | 'monotonicMs'>;
  #sinceMs: number;

  constructor(clock: Pick<Clock, 'defer' | 'monotonicMs'>) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
  }

  async rest(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#sinceMs < TURN_MS) return;
    await new Promise<void>((resolve) => this.#clock.defer(resolve));
    this.#sinceMs = this.#clock.monotonicMs();
  }
}

/** What counts, and tells what it has counted. */
interface Child {
  /** As text, a line each. */
  lines(): string;
  /** As numbers, by names and labels; of a histogram count and sum alone. */
  tell(into: Map<string, number>): void;
}

/** All that is counted under one name. */
class Family {
  readonly head: string;
  readonly #children = new Map<string, Child>();

  constructor(name: string, help: string, type: Kind) {
    this.head = `# HELP ${name} ${help}\n# TYPE ${name} ${type}`;
  }

  child(labels: Labels, make: () => Child): Child {
    const key = labelsText(labels);
    const child = this.#children.get(key) ?? make();
    this.#children.set(key, child);
    return child;
  }

  children(): Iterable<Child> {
    return this.#children.values();
  }
}

class HeldCounter implements Counter, Child {
  readonly #start: string;
  #value = 0;

  constructor(name: string, labels: Labels) {
    this.#start = `${name}${labelsText(labels)}`;
  }

  add(by = 1): void {
    this.#value += by;
  }

  lines(): string {
    return `${this.#start} ${this.#value}`;
  }

  tell(into: Map<string, number>): void {
    put(into, this.#start, this.#value);
  }
}

class HeldHistogram implements Histogram, Child {
  readonly #bounds: readonly number[];
  /** Of each bucket alone; the last one is without bound. */
  readonly #counts: Float64Array;
  /** What each line begins with: the buckets, sum, count. */
  readonly #starts: readonly string[];
  #sum = 0;

  constructor(name: string, bounds: readonly number[], labels: Labels) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
    const buckets = [...bounds, '+Inf'].map((le) => `${name}_bucket${labelsText({ ...labels, le })}`);
    this.#starts = [...buckets, `${name}_sum${labelsText(labels)}`, `${name}_count${labelsText(labels)}`];
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] as number)) at += 1;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += value;
  }

  lines(): string {
    let count = 0;
    const values = [...this.#counts].map((of) => (count += of));
    return [...values, this.#sum, count].map((value, at) => `${this.#starts[at]} ${value}`).join('\n');
  }

  tell(into: Map<string, number>): void {
    const [sum = '', count = ''] = this.#starts.slice(-2);
    put(into, sum, this.#sum);
    put(
      into,
      count,
      this.#counts.reduce((all, of) => all + of, 0),
    );
  }
}

class Read implements Child {
  readonly #name: string;
  readonly #read: () => Reading;

  constructor(name: string, read: () => Reading) {
    this.#name = name;
    this.#read = read;
  }

  lines(): string {
    return this.#told()
      .map(([start, value]) => `${start} ${value}`)
      .join('\n');
  }

  tell(into: Map<string, number>): void {
    for (const [start, value] of this.#told()) put(into, start, value);
  }

  #told(): readonly (readonly [start: string, value: number])[] {
    const reading = this.#read();
    if (reading === null) return [];
    if (typeof reading === 'number') return [[this.#name, reading]];
    return reading.map(([labels, value]) => [this.#name + labelsText(labels), value]);
  }
}

/** What is no finite number is left out. */
function put(into: Map<string, number>, name: string, value: number): void {
  if (Number.isFinite(value)) into.set(name, value);
}

/** @returns `{method="createFile"}`; empty where there are none. */
function labelsText(labels: Readonly<Record<string, string | number>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
}
