/** Watches the change feed for a recorded history, again and again, of places, from entries and for times that are drawn. */
import type { Clock } from '../../src/base/clock.js';
import { isError } from '../../src/base/errors.js';
import type { FileSystem } from '../../src/client/file-system.js';
import type { SeededRandom } from '../simulation/seeded-random.js';
import type { ToldChange } from './events.js';
import type { Recorder } from './recorder.js';
import type { Workload } from './workload.js';

export interface WatcherDeps {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly random: SeededRandom;
}

export interface WatcherSettings {
  /** Of one watch. */
  readonly watchMs: readonly [from: number, to: number];
  /** How far back a watch may begin. */
  readonly entriesBack: number;
}

export class HistoryWatcher {
  readonly #process: string;
  readonly #deps: WatcherDeps;
  readonly #recorder: Recorder;
  /** Changes that were told. */
  told = 0;

  constructor(process: string, deps: WatcherDeps, recorder: Recorder) {
    this.#process = process;
    this.#deps = deps;
    this.#recorder = recorder;
  }

  /** Watches one thing after the other until the workload stops. */
  async run(workload: Workload, { watchMs, entriesBack }: WatcherSettings): Promise<void> {
    const { random, clock } = this.#deps;
    while (!workload.stopping) {
      const enough = new AbortController();
      const timer = clock.setTimer(random.between(...watchMs), () => enough.abort());
      const arena = workload.arenas.at(-1);
      const path = arena === undefined || random.chance(0.3) ? '/' : random.pick([arena.root, ...arena.contended]);
      const fromSn = Math.max(1, workload.highestSn + 2 - random.below(entriesBack));
      await this.watch(path, fromSn, enough.signal);
      timer.cancel();
    }
  }

  /** Watches until `signal`, or until `heard` says that it is enough. @returns what ended it before that; undefined where nothing did. */
  async watch(path: string, fromSn: number, signal: AbortSignal, heard: (throughSn: number) => boolean = () => false): Promise<unknown> {
    const recorded = this.#recorder.watch(this.#process, path, fromSn);
    try {
      for await (const { events, throughSn } of this.#deps.files.watchBatches(path, { fromSn, signal })) {
        const changes: ToldChange[] = events.map(({ sn, step, kind, path: at, toPath }) => ({
          ...{ sn, step, kind, path: at },
          ...(toPath === '' ? {} : { toPath }),
        }));
        this.told += changes.length;
        recorded.told(changes, throughSn);
        if (heard(throughSn)) break;
      }
      recorded.ended();
      return undefined;
    } catch (error) {
      const early = signal.aborted && isError(error, 'cancelled') ? undefined : error;
      recorded.ended(early);
      return early;
    }
  }
}
