/**
 * What the clients of a cluster do for a recorded history: workers who fight over few names on purpose, so that creations race, renames collide
 * and trees go while files are made in them; and who make files of their own under names that are never used twice.
 *
 * They do so in arenas, `/h1`, `/h2` …: after so many operations all move to the next one, and whoever leaves last looks at what is left. So
 * a history of any length falls into parts that have nothing to do with each other, and each can be checked as soon as it is `done`.
 */

import type { Clock } from '../../src/base/clock.js';
import { sleep } from '../../src/base/wait.js';
import type { FileSystem } from '../../src/client/file-system.js';
import type { SeededRandom } from '../simulation/seeded-random.js';
import type { Mutation } from './events.js';
import { RecordedFiles, type Tally } from './recorded-files.js';
import type { Recorder } from './recorder.js';
import type { WorkloadMix } from './workload-mix.js';
import { Worker } from './workload-worker.js';

/** What a client gives its workers. */
export interface WorkerDeps {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly random: SeededRandom;
}

/** One place of the fight. */
export interface Arena {
  readonly root: string;
  /** Directories whose names are fought over; the last of them has a quota. */
  readonly contended: readonly string[];
  /** Holds names that are never used twice. */
  readonly unique: string;
  operations: number;
  readonly workers: Set<string>;
  isPrepared: boolean;
  /** Somebody takes the last look. */
  isEnding: boolean;
}

/** For calls that have to be answered in the end. */
const PATIENT_MS = 30_000;
const PAUSE_MS = 100;

export class Workload {
  readonly mix: WorkloadMix;
  readonly recorder: Recorder;
  readonly tally: Tally = { acknowledged: 0, looks: 0, unknown: 0, failed: 0 };
  /** No worker begins anything any more. */
  stopping = false;
  /** Names that are never used twice, the last few: for others to look at. */
  readonly recent: string[] = [];
  #highestSn = 0;
  readonly #open = new Set<Arena>();
  readonly #places = new Map<string, Arena>();
  #arenas = 0;
  #names = 0;
  #current: Arena;

  constructor(mix: WorkloadMix, recorder: Recorder) {
    this.mix = mix;
    this.recorder = recorder;
    this.#current = this.#newArena();
  }

  /** The newest entry that a change was acknowledged with. */
  get highestSn(): number {
    return this.#highestSn;
  }

  acknowledged(sn: number): void {
    this.#highestSn = Math.max(this.#highestSn, sn);
  }

  /** Arenas that are not done, the newest last. */
  get arenas(): readonly Arena[] {
    return [...this.#open];
  }

  /** A name that nobody has used or will use. */
  newName(): string {
    return `n${++this.#names}`;
  }

  /**
   * Lets a worker work until the workload stops.
   *
   * @param slot whose work it is: one that works in a slot anew takes the place of the one before, which is gone.
   * @param process as it is recorded; what stands before its last dot is the client.
   */
  async work(slot: string, process: string, deps: WorkerDeps, onlyLooks = false): Promise<void> {
    const files = new RecordedFiles(process, deps.files, this.recorder, this.tally);
    const worker = new Worker(this, files, deps.random, onlyLooks);
    let arena: Arena | undefined;
    while (!this.stopping) {
      const next = this.#enter(slot);
      if (next !== arena) {
        for (const left of this.#abandoned()) await this.#end(left, files, deps.clock, () => this.stopping);
        if (!(await this.#prepare(next, files, deps.clock))) return;
        arena = next;
      }
      next.operations += 1;
      await worker.act(next);
      await this.recorder.room();
      await sleep(deps.clock, deps.random.between(...this.mix.thinkMs));
    }
  }

  /** Looks at all that is left anywhere: nobody works any more. Resolves when it has seen all of it. */
  async finish(process: string, { files, clock }: Pick<WorkerDeps, 'files' | 'clock'>): Promise<void> {
    const judge = new RecordedFiles(process, files, this.recorder, this.tally);
    for (const arena of [...this.#open]) await this.#end(arena, judge, clock, () => false);
  }

  /** Makes what an arena needs, as all do who come to it before that is done. @returns whether it is there; false: the workload stops. */
  async #prepare(arena: Arena, files: RecordedFiles, clock: Clock): Promise<boolean> {
    const { root, contended, unique } = arena;
    const directories = [root, unique, ...contended];
    const steps: Mutation[] = [
      ...directories.map((path) => ({ kind: 'createDirectory', path, mode: 0o755, allowExists: true }) as const),
      { kind: 'setQuota', path: contended.at(-1) ?? root, namesMax: this.mix.quotaNames },
    ];
    for (const step of arena.isPrepared ? [] : steps) {
      while ((await files.change(step, { timeoutMs: PATIENT_MS })) === null) {
        if (this.stopping) return false;
        await sleep(clock, PAUSE_MS);
      }
    }
    arena.isPrepared = true;
    return true;
  }

  #enter(slot: string): Arena {
    if (this.#current.operations >= this.mix.arenaOperations) this.#current = this.#newArena();
    this.#places.get(slot)?.workers.delete(slot);
    this.#current.workers.add(slot);
    this.#places.set(slot, this.#current);
    return this.#current;
  }

  /** @returns arenas that everybody has left, now in the caller's charge. */
  #abandoned(): Arena[] {
    const left = [...this.#open].filter((arena) => arena !== this.#current && arena.workers.size === 0 && !arena.isEnding);
    for (const arena of left) arena.isEnding = true;
    return left;
  }

  #newArena(): Arena {
    const root = `/h${++this.#arenas}`;
    const contended = Array.from({ length: this.mix.directories }, (_, at) => `${root}/d${at}`);
    const arena: Arena = { root, contended, unique: `${root}/u`, operations: 0, workers: new Set(), isPrepared: false, isEnding: false };
    this.#open.add(arena);
    return arena;
  }

  /** Lists every directory that there is, and says that this was all. */
  async #end(arena: Arena, files: RecordedFiles, clock: Clock, isGivenUp: () => boolean): Promise<void> {
    const waiting = [arena.root];
    for (let path = waiting[0]; path !== undefined; path = waiting[0]) {
      if (isGivenUp()) return;
      const answered = await files.look({ kind: 'list', path }, 'linearizable', { timeoutMs: PATIENT_MS });
      if (answered === null) {
        await sleep(clock, PAUSE_MS);
        continue;
      }
      waiting.shift();
      for (const { name, directory } of answered.value?.pages?.flatMap(({ entries }) => entries) ?? []) {
        if (directory) waiting.push(`${path}/${name}`);
      }
    }
    this.recorder.done(arena.root);
    this.#open.delete(arena);
  }
}
