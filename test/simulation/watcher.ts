/**
 * Watches the change feed of the world's masters, again and again, from entries and for times that the seed says: what it was told has to be
 * what the journal holds at the end, in order, each change once, from the entry that was asked for up to where it was told that all is.
 */
import { isError } from '../../src/base/errors.js';
import type { FileSystem } from '../../src/client/file-system.js';
import type { Batch } from '../../src/journal/journal.js';
import { decodeEntry, type Entry, kindOf } from '../../src/metadata/entries.js';
import type { SimProcess } from './sim-process.js';

interface Watch {
  readonly path: string;
  readonly fromSn: number;
  throughSn: number;
  readonly told: string[];
}

const PATHS = ['/', '/d0', '/d1'];

export class Watcher {
  readonly #process: SimProcess;
  readonly #files: FileSystem;
  readonly #watches: Watch[] = [];

  constructor(process: SimProcess, files: FileSystem) {
    this.#process = process;
    this.#files = files;
  }

  /** Changes that were told. */
  get told(): number {
    return this.#watches.reduce((sum, { told }) => sum + told.length, 0);
  }

  /** Watches one thing after the other until `isOver`. */
  async run(highestSn: () => number, isOver: () => boolean): Promise<void> {
    const { random, clock } = this.#process;
    while (!isOver()) {
      const enough = new AbortController();
      const timer = clock.setTimer(random.between(100, 4_000), () => enough.abort());
      await this.#watch(random.pick(PATHS), 1 + Math.floor(random.float() * (highestSn() + 1)), enough.signal);
      timer.cancel();
    }
  }

  /** Watches everything that is kept up to `sn`. */
  async all(sn: number): Promise<void> {
    const enough = new AbortController();
    await this.#watch('/', 1, enough.signal, (throughSn) => throughSn >= sn && enough.abort());
  }

  async #watch(path: string, fromSn: number, signal: AbortSignal, heard: (throughSn: number) => unknown = () => {}): Promise<void> {
    const watch: Watch = { path, fromSn, throughSn: fromSn - 1, told: [] };
    this.#watches.push(watch);
    try {
      for await (const { events, throughSn } of this.#files.watchBatches(path, { fromSn, signal })) {
        watch.told.push(...events.map((event) => line(event.sn, event.step, event.kind, event.path, event.toPath)));
        watch.throughSn = throughSn;
        heard(throughSn);
      }
    } catch (error) {
      if (!signal.aborted && !isError(error, 'out_of_range')) throw error;
    }
  }

  /** @returns what was told otherwise than `chain` has it, all that the journal still holds. */
  violations(chain: readonly Batch[]): string[] {
    const firstSn = chain[0]?.firstSn ?? 1;
    const changes = chain.flatMap(({ entries, firstSn: first }) =>
      entries.flatMap((bytes, at) => changesIn(decodeEntry(bytes, first + at), first + at)),
    );
    return this.#watches.flatMap(({ path, fromSn, throughSn, told }) => {
      const from = Math.max(fromSn, firstSn);
      const mine = changes
        .filter(({ sn, places }) => sn >= from && places.some((place) => isWithin(place, path)))
        .map(({ told: one }) => one);
      const heard = told.filter((one) => Number(one.split(' ', 1)[0]) >= from);
      const due = mine.filter((one) => Number(one.split(' ', 1)[0]) <= throughSn);
      const isPrefix = heard.every((one, at) => one === mine[at]);
      if (isPrefix && heard.length >= due.length) return [];
      const at = heard.findIndex((one, index) => one !== mine[index]);
      return [
        `watch: the change feed of ${path} from ${fromSn} through ${throughSn}: told=${heard[at]} due=${mine[at] ?? mine[heard.length]}`,
      ];
    });
  }
}

/** The world's clients change files and directories, each in an entry of its own, or several as the steps of one. */
function changesIn(entry: Entry, sn: number): { sn: number; places: string[]; told: string }[] {
  return (entry.group?.entries ?? [entry]).flatMap((change, step) => {
    const { path, toPath } = change;
    if (!path) return [];
    const places = toPath ? [path, toPath] : [path];
    return [{ sn, places, told: line(sn, step, kindOf(change) ?? '', path, toPath ?? '') }];
  });
}

function isWithin(place: string, path: string): boolean {
  return path === '/' || place === path || place.startsWith(`${path}/`);
}

function line(sn: number, step: number, kind: string, path: string, toPath: string): string {
  return `${sn} ${step} ${kind} ${path} ${toPath}`;
}
