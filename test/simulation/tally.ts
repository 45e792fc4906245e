/**
 * The sum of many worlds: what happened in them, and how fast they were lived.
 */
import { createHash } from 'node:crypto';
import type { Lived } from './run.js';
import type { WorldOutcome } from './world.js';

/** What is added up over all worlds. */
const SUMMED = [
  'events',
  'virtualMs',
  'acknowledged',
  'acknowledgedUnderFaults',
  'unknown',
  'looks',
  'epochs',
  'told',
  'digestsCompared',
  'durableChecked',
  'marksChecked',
  'readsChecked',
  'retentionsChecked',
  'boundsChecked',
  'rowsCompared',
  'published',
  'loaded',
  'bytesWritten',
  'bytesRead',
  'bytesStored',
  'filesAtEnd',
  'filesLost',
  'blocksAtEnd',
] as const satisfies readonly (keyof WorldOutcome)[];

export class Tally {
  /** Worlds that went wrong. */
  readonly failures: WorldOutcome[] = [];
  readonly faults = new Map<string, number>();
  readonly sums: Record<(typeof SUMMED)[number], number> = {
    events: 0,
    virtualMs: 0,
    acknowledged: 0,
    acknowledgedUnderFaults: 0,
    unknown: 0,
    looks: 0,
    epochs: 0,
    told: 0,
    digestsCompared: 0,
    durableChecked: 0,
    marksChecked: 0,
    readsChecked: 0,
    retentionsChecked: 0,
    boundsChecked: 0,
    rowsCompared: 0,
    published: 0,
    loaded: 0,
    bytesWritten: 0,
    bytesRead: 0,
    bytesStored: 0,
    filesAtEnd: 0,
    filesLost: 0,
    blocksAtEnd: 0,
  };
  worlds = 0;
  #cpuMs = 0;
  readonly #traces = new Map<number, string>();
  readonly #beganAt = performance.now();

  add({ outcome, cpuMs }: Lived): void {
    this.worlds++;
    this.#cpuMs += cpuMs;
    for (const key of SUMMED) this.sums[key] += outcome[key];
    for (const [name, count] of Object.entries(outcome.faults)) this.faults.set(name, (this.faults.get(name) ?? 0) + count);
    if (outcome.violations.length > 0) this.failures.push(outcome);
    this.#traces.set(outcome.seed, outcome.trace);
  }

  get seconds(): number {
    return (performance.now() - this.#beganAt) / 1_000;
  }

  /** Of processor time. */
  get eventsPerSecond(): number {
    return this.sums.events / Math.max(this.#cpuMs / 1_000, 1e-9);
  }

  /** One line, while it goes on. */
  progress(): string {
    const { events, virtualMs } = this.sums;
    const each = (count: number) => Math.round(count / this.seconds).toLocaleString('en');
    return `${Math.round(this.seconds)} s: ${this.worlds.toLocaleString('en')} worlds, ${each(events)} events/s, ${each(virtualMs / 1_000)} simulated s/s, ${this.failures.length} went wrong`;
  }

  table(): string {
    const { sums, seconds } = this;
    const cpuSeconds = Math.max(this.#cpuMs / 1_000, 1e-9);
    const rate = (count: number) => `${shown(count / seconds)} a second, ${shown(count / cpuSeconds)} a second of processor time`;
    const faults = [...this.faults].sort(([, a], [, b]) => b - a);
    const rows: readonly (readonly [what: string, count: number, more: string])[] = [
      ['worlds', this.worlds, rate(this.worlds)],
      ['events', sums.events, rate(sums.events)],
      ['simulated seconds', sums.virtualMs / 1_000, rate(sums.virtualMs / 1_000)],
      ['changes acknowledged', sums.acknowledged, `${shown(sums.acknowledgedUnderFaults)} of them while faults went on`],
      ['changes of unknown outcome', sums.unknown, ''],
      ['reads checked', sums.looks, ''],
      ['changes watched', sums.told, ''],
      ['epochs', sums.epochs, ''],
      ['digests compared', sums.digestsCompared, ''],
      ['rows compared, store by store', sums.rowsCompared, ''],
      ['batches looked for in the storage', sums.durableChecked, ''],
      ['marks held against what was committed', sums.marksChecked, ''],
      ['answers held against confirms', sums.readsChecked, ''],
      ['claims at which what is kept was looked for', sums.retentionsChecked, ''],
      ['looks at what a master holds in memory', sums.boundsChecked, ''],
      ['checkpoints published', sums.published, `${shown(sums.loaded)} loaded`],
      [
        'contents of files acknowledged',
        sums.bytesWritten,
        `${shown(sums.bytesRead)} read; ${shown(sums.bytesStored)} looked for in mounted storage`,
      ],
      ['files read at the end', sums.filesAtEnd, `in ${shown(sums.blocksAtEnd)} blocks; ${shown(sums.filesLost)} lost by what was done`],
      ['faults', faults.reduce((sum, [, count]) => sum + count, 0), ''],
      ...faults.map(([name, count]) => [`  ${name}`, count, ''] as const),
      ['worlds that went wrong', this.failures.length, this.failures.map(({ seed }) => seed).join(' ')],
    ];
    return rows.map(([what, count, more]) => `${what.padEnd(52)}${shown(count).padStart(14)}  ${more}`.trimEnd()).join('\n');
  }

  /** For machines. */
  report(): object {
    const { worlds, sums, seconds, failures } = this;
    const faults = Object.fromEntries(this.faults);
    return { worlds, seconds, cpuSeconds: this.#cpuMs / 1_000, ...sums, faults, trace: this.trace(), failures };
  }

  /** @returns a hash of the traces of all worlds, in whatever order they were lived. */
  trace(): string {
    const lines = [...this.#traces].sort(([a], [b]) => a - b).map(([seed, trace]) => `${seed} ${trace}\n`);
    return createHash('sha256').update(lines.join('')).digest('hex');
  }
}

function shown(count: number): string {
  return count.toLocaleString('en', { maximumFractionDigits: count < 100 ? 1 : 0 });
}
