/** What the clients and watchers of a world do and are told, as a history (test/history), and what is wrong with it at the end. */
import { isError } from '../../src/base/errors.js';
import type { Batch } from '../../src/journal/journal.js';
import type { HistoryEvent } from '../history/events.js';
import { HistoryCheck } from '../history/history-check.js';
import { HistoryWatcher } from '../history/history-watcher.js';
import { type HistorySink, Recorder } from '../history/recorder.js';
import { MemorySink } from '../history/sinks.js';
import { Workload } from '../history/workload.js';
import { drawMix } from '../history/workload-mix.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimClient } from './sim-client.js';
import type { SimProcess } from './sim-process.js';
import type { VirtualTime } from './virtual-time.js';
import { fedOtherwise } from './watcher.js';
import type { WorldSettings } from './world-settings.js';

const ENTRIES_BACK = 200;
/** Errors by which a feed may end: what was asked for is collected; nobody answers, or has room, for now. */
const FEED_ENDS: ReadonlySet<string> = new Set(['out_of_range', 'unavailable', 'resource_exhausted']);

export class WorldHistory {
  readonly workload: Workload;
  readonly #settings: WorldSettings;
  readonly #sink = new MemorySink();
  readonly #recorder: Recorder;
  #told = 0;

  /** @param along takes the history too, event by event. */
  constructor(time: VirtualTime, random: SeededRandom, seed: number, settings: WorldSettings, along?: HistorySink) {
    this.#settings = settings;
    const take = (event: HistoryEvent) => {
      this.#sink.take(event);
      along?.take(event);
    };
    this.#recorder = new Recorder({ take }, time, { clock: 'virtual time of the world', about: { seed } });
    const mix = drawMix(random, { arenaOperations: [60, 600], thinkMs: settings.pauseMs });
    this.workload = new Workload(mix, this.#recorder);
  }

  get events(): readonly HistoryEvent[] {
    return this.#sink.events;
  }

  /** Changes that watchers were told. */
  get told(): number {
    return this.#told;
  }

  /** What a client does, from when it starts: workers of one host take the places of those that were there before. */
  async work({ files }: SimClient, process: SimProcess): Promise<void> {
    const { random, clock } = process;
    const [host = process.name] = process.name.split('#');
    const onlyLooks = random.chance(0.35);
    const workers = Array.from({ length: this.#settings.workersPerClient }, (_, at) =>
      this.workload.work(`${host}.${at}`, `${process.name}.${at}`, { files, clock, random: random.fork(`worker ${at}`) }, onlyLooks),
    );
    await Promise.all(workers);
  }

  /** Watches one thing after the other until the workload stops. */
  async watch({ files }: SimClient, { name, clock, random }: SimProcess): Promise<void> {
    const watcher = new HistoryWatcher(`${name}.0`, { files, clock, random }, this.#recorder);
    await watcher.run(this.workload, { watchMs: [100, 4_000], entriesBack: ENTRIES_BACK });
  }

  /** Watches all that the journal still holds, up to the entry `sn`. @throws what else ends the feed. */
  async watchAll({ files }: SimClient, { name, clock, random }: SimProcess, sn: number): Promise<void> {
    const watcher = new HistoryWatcher(`${name}.1`, { files, clock, random }, this.#recorder);
    for (let fromSn = 1; fromSn <= sn; ) {
      const ended = await watcher.watch('/', fromSn, new AbortController().signal, (throughSn) => throughSn >= sn);
      if (ended === undefined) return;
      const [, oldest] = isError(ended, 'out_of_range') ? (/ oldest=(\d+)$/.exec(ended.message) ?? []) : [];
      if (oldest === undefined || Number(oldest) <= fromSn) throw ended;
      fromSn = Number(oldest);
    }
  }

  /** A client that was not there before sees everything. */
  async finalLook({ files }: SimClient, { name, clock }: SimProcess): Promise<void> {
    await this.workload.finish(`${name}.0`, { files, clock });
  }

  /** @returns what is wrong. @param chain all that the journal still holds; null: it is not known. */
  violations(chain: readonly Batch[] | null): string[] {
    const check = new HistoryCheck();
    for (const event of this.events) check.take(event);
    const { violations, undecided } = check.end();
    this.#told = this.events.reduce((sum, event) => sum + (event.event === 'told' ? event.changes.length : 0), 0);
    const told = chain === null ? [] : fedOtherwise(this.events, chain);
    return [...violations, ...undecided.map((one) => `history: not decided: ${one}`), ...told, ...this.#endedFeeds()];
  }

  /** Feeds that ended by something that neither the faults nor the collection of old entries explain. */
  #endedFeeds(): string[] {
    const watched = new Set(this.events.flatMap((event) => (event.event === 'watch' ? [event.id] : [])));
    return this.events.flatMap((event) => {
      if (event.event !== 'return' || !watched.has(event.id) || event.outcome !== 'failed') return [];
      return FEED_ENDS.has(event.error ?? '') ? [] : [`watch: the change feed id=${event.id} ended: ${event.error}: ${event.message}`];
    });
  }
}
