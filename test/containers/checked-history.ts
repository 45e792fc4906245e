/**
 * Clients that fight over names, read at every consistency and watch, while faults happen; what they were told is recorded and checked as it comes.
 */
import { randomInt } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
import type { FileSystem } from '../../src/cli/understudy.js';
import { employ } from '../history/employ.js';
import { HistoryCheck } from '../history/history-check.js';
import { type HistorySink, Recorder } from '../history/recorder.js';
import { MemorySink } from '../history/sinks.js';
import { Workload } from '../history/workload.js';
import { drawMix } from '../history/workload-mix.js';
import { waitUntil } from '../servers/wait-until.js';
import { SeededRandom } from '../simulation/seeded-random.js';

const MIX = { arenaOperations: [150, 400], thinkMs: [10, 60] } as const;
const PROGRESS_LIMIT_MS = 20_000;

export class CheckedHistory {
  readonly #events = new MemorySink();
  readonly #check = new HistoryCheck();
  readonly #workload: Workload;
  readonly #clients: readonly FileSystem[];
  readonly #working: Promise<void>;

  /** Starts the workers of `clients`, which stop with the test at the latest. */
  constructor(clients: readonly FileSystem[]) {
    const seed = randomInt(2 ** 31);
    const random = new SeededRandom(seed, 'containers');
    const sink: HistorySink = {
      take: (event) => {
        this.#events.take(event);
        this.#check.take(event);
      },
    };
    const recorder = new Recorder(sink, systemClock, {
      clock: 'performance.now()',
      about: { seed },
    });
    const workload = new Workload(drawMix(random.fork('mix'), MIX), recorder);
    onTestFinished(() => {
      workload.stopping = true;
    });
    this.#workload = workload;
    this.#clients = clients;
    this.#working = employ(workload, clients, systemClock, random);
  }

  /** Waits for `count` more answers. */
  async progress(count: number): Promise<void> {
    const { tally } = this.#workload;
    const target = tally.acknowledged + tally.looks + count;
    await waitUntil(`${count} more answers`, () => tally.acknowledged + tally.looks >= target, PROGRESS_LIMIT_MS);
  }

  /** Notes a fault in the history. */
  note(text: string): void {
    this.#workload.recorder.note(text);
  }

  /** Ends the work, looks at all that is left, and expects that one order of events explains all that was told. */
  async expectHolds(): Promise<void> {
    this.#workload.stopping = true;
    await this.#working;
    const [judge] = this.#clients;
    if (judge !== undefined) await this.#workload.finish('judge.1', { files: judge, clock: systemClock });
    const { violations, undecided, lost, duplicated, operations, parts } = this.#check.end();
    const { acknowledged, unknown } = this.#workload.tally;
    const sums = { operations, parts, acknowledged, unknown, undecided: undecided.length, lost, duplicated };
    console.log(
      `history: ${Object.entries(sums)
        .map(([name, count]) => `${name}=${count}`)
        .join(' ')}`,
    );
    if (violations.length > 0 || undecided.length > 0) this.#keep();
    expect({ violations, undecided }).toEqual({ violations: [], undecided: [] });
    expect({ lost, duplicated }).toEqual({ lost: 0, duplicated: 0 });
  }

  #keep(): void {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'understudy-history-')), 'history.jsonl');
    writeFileSync(file, this.#events.events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    console.error(`the history is kept: ${file}`);
  }
}
