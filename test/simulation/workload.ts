/**
 * What the clients of the world do, and what they hear: each worker creates, renames and removes files of its own, under names that are
 * never used twice, and looks at everybody's.
 */
import { isError } from '../../src/base/errors.js';
import { sleep } from '../../src/base/wait.js';
import type { ReadOptions } from '../../src/client/client.js';
import type { FileSystem } from '../../src/client/file-system.js';
import { FileStory, Moments, type Outcome } from './file-story.js';
import type { SimProcess } from './sim-process.js';
import type { Range } from './world-settings.js';

export const DIRECTORIES = ['/d0', '/d1', '/d2'] as const;

/** The last of them holds so many names and no more. */
export const NAMES_MAX = 12;
const BOUNDED: string = DIRECTORIES[2];

/** All that was done to files, by all workers. */
export class Workload {
  readonly stories: FileStory[] = [];
  readonly violations: string[] = [];
  /** No worker begins anything any more. */
  stopping = false;
  acknowledged = 0;
  unknown = 0;
  looks = 0;
  /** Of files that are there only to be replaced. */
  readonly passing = new Set<string>();
  readonly #moments = new Moments();
  #names = 0;

  newPath(process: SimProcess, worker: string): string {
    return `${process.random.pick(DIRECTORIES)}/${worker}-${++this.#names}`;
  }

  newStory(writer: string): FileStory {
    const story = new FileStory(writer, this.#moments);
    this.stories.push(story);
    return story;
  }

  /** @returns every violation found in any story. */
  allViolations(): string[] {
    return [...this.violations, ...this.stories.flatMap((story) => story.violation() ?? [])];
  }
}

export class Worker {
  readonly #name: string;
  readonly #process: SimProcess;
  readonly #files: FileSystem;
  readonly #workload: Workload;
  readonly #own: FileStory[] = [];
  /** Blocks that were handed out for files that are not complete, as far as that is known. */
  readonly #blocks = new Map<FileStory, number>();
  readonly #onlyLooks: boolean;
  readonly #pauseMs: Range;

  /** @param onlyLooks changes nothing: its client does not learn from failed changes that its leader is superseded. */
  constructor(name: string, process: SimProcess, files: FileSystem, workload: Workload, onlyLooks: boolean, pauseMs: Range) {
    this.#name = name;
    this.#process = process;
    this.#files = files;
    this.#workload = workload;
    this.#onlyLooks = onlyLooks;
    this.#pauseMs = pauseMs;
  }

  /** Works until the workload stops. */
  async run(): Promise<void> {
    const { random, clock } = this.#process;
    while (!this.#workload.stopping) {
      await this.#act();
      await sleep(clock, random.between(...this.#pauseMs));
    }
  }

  async #act(): Promise<void> {
    const { random } = this.#process;
    if (this.#onlyLooks) return this.#lookAtAny();
    const action = random.float();
    const open = this.#own.filter((story) => story.open);
    if (action < 0.3 || open.length === 0) await this.#create();
    else if (action < 0.4) await this.#rename(random.pick(open));
    else if (action < 0.45) await this.#renameOver(random.pick(open));
    else if (action < 0.49) await this.#addBlock(random.pick(open));
    else if (action < 0.53) await this.#remove(random.pick(open));
    else if (action < 0.57) await this.list(random.pick(DIRECTORIES));
    else if (action < 0.7) await this.#lookAtOwn(random.pick(open));
    else await this.#lookAtAny();
  }

  async #create(): Promise<void> {
    const story = this.#workload.newStory(this.#name);
    const path = this.#workload.newPath(this.#process, this.#name);
    this.#own.push(story);
    if (this.#own.length > 20) this.#own.shift();
    const isComplete = this.#process.random.chance(0.5);
    const more = isComplete ? { completeLength: 5 } : {};
    if (!isComplete) this.#blocks.set(story, 0);
    if (this.#process.random.chance(0.3)) return this.#createInSteps(story, path, more);
    await this.#change(story, 'create', path, async () => {
      const { sn, status } = await this.#files.createFile(path, { ...more, timeoutMs: this.#timeoutMs() });
      return { sn, inodeId: status.id };
    });
  }

  /** Under a name that nobody may see, and then under its own. */
  async #createInSteps(story: FileStory, path: string, more: { completeLength?: number }): Promise<void> {
    const passing = this.#workload.newPath(this.#process, this.#name);
    story.passes(passing);
    await this.#change(story, 'create in steps', path, async () => {
      const steps = this.#files.batch().createFile(passing, more).rename(passing, path);
      const { sn, statuses } = await steps.commit({ timeoutMs: this.#timeoutMs() });
      const inodeId = statuses[0]?.id;
      return inodeId === undefined ? { sn } : { sn, inodeId };
    });
  }

  async #rename(story: FileStory): Promise<void> {
    const from = story.path ?? '';
    const to = this.#workload.newPath(this.#process, this.#name);
    await this.#change(story, 'rename', to, () => this.#files.rename(from, to, { timeoutMs: this.#timeoutMs() }));
  }

  /** Over a file that nobody else knows. */
  async #renameOver(story: FileStory): Promise<void> {
    const from = story.path ?? '';
    const to = this.#workload.newPath(this.#process, this.#name);
    this.#workload.passing.add(to);
    try {
      const { status } = await this.#files.createFile(to, { completeLength: 1, timeoutMs: this.#timeoutMs() });
      story.replaces(status.id);
    } catch {
      return;
    }
    await this.#change(story, 'rename over', to, () => this.#files.rename(from, to, { overwrite: true, timeoutMs: this.#timeoutMs() }));
  }

  /** Each call hands out one block, however often it is sent. */
  async #addBlock(story: FileStory): Promise<void> {
    const before = this.#blocks.get(story);
    if (before === undefined) return;
    this.#blocks.delete(story);
    try {
      const { status } = await this.#files.addBlocks(story.path ?? '', 1, { timeoutMs: this.#timeoutMs() });
      this.#workload.acknowledged++;
      if (status.lease?.blocks !== before + 1) {
        this.#workload.violations.push(`I5: ${story.path} has ${status.lease?.blocks} blocks after ${before + 1} calls for one`);
      }
      this.#blocks.set(story, before + 1);
    } catch (error) {
      // A client that began anew finds its files held by the one that it was.
      if (outcomeOf(error) === 'refused' && !(isError(error) && error.errno === 'EBUSY'))
        this.#expectPassing(error, `add a block to ${story.path}`);
    }
  }

  async #remove(story: FileStory): Promise<void> {
    const path = story.path ?? '';
    await this.#change(story, 'remove', null, () => this.#files.remove(path, { timeoutMs: this.#timeoutMs() }));
  }

  async #change(story: FileStory, what: string, path: string | null, call: () => Promise<{ sn: number; inodeId?: number }>): Promise<void> {
    const answer = story.change(what, path);
    try {
      const { sn, inodeId } = await call();
      this.#workload.acknowledged++;
      answer('ok', `sn=${sn}`, inodeId);
      if (path !== null && this.#process.random.chance(0.3)) await this.#look(story, path, { atLeastSn: sn });
    } catch (error) {
      const outcome = outcomeOf(error);
      if (outcome === 'unknown') this.#workload.unknown++;
      answer(outcome, String(error));
    }
  }

  /** Half of the time at a recent file: that is where stale answers would show. */
  async #lookAtAny(): Promise<void> {
    const { stories } = this.#workload;
    const { random } = this.#process;
    if (stories.length === 0) return;
    const story = random.pick(random.chance(0.5) ? stories.slice(-8) : stories);
    const paths = story.paths.slice(-2);
    if (paths.length > 0) await this.#look(story, random.pick(paths), {});
  }

  /** Nobody else changes it, so whoever answers has to know its newest state. */
  async #lookAtOwn(story: FileStory): Promise<void> {
    const path = story.paths.at(-1);
    if (path !== undefined) await this.#look(story, path, { reads: 'anywhere' });
  }

  async #look(story: FileStory, path: string, freshness: ReadOptions): Promise<void> {
    const answer = story.look(path, this.#name);
    try {
      const { id } = await this.#files.getStatus(path, { ...freshness, timeoutMs: this.#timeoutMs() });
      this.#workload.looks++;
      answer(id);
    } catch (error) {
      if (isError(error, 'not_found')) answer(null);
      else this.#expectPassing(error, `look at ${path}`);
    }
  }

  /** Looks at every path in `directory` that anybody has used when this begins. */
  async list(directory: string, timeoutMs = this.#timeoutMs()): Promise<boolean> {
    const inside = (path: string) => path.startsWith(`${directory}/`);
    const asked = this.#workload.stories.flatMap((story) =>
      story.paths.filter(inside).map((path) => ({ path, answer: story.look(path, `${this.#name} lists`) })),
    );
    try {
      const found = new Map<string, number>();
      for await (const { path, id } of this.#files.list(directory, { timeoutMs, pageEntries: 7 })) {
        if (found.has(path)) this.#workload.violations.push(`I6: ${path} stands twice in one listing`);
        found.set(path, id);
      }
      for (const { path, answer } of asked) answer(found.get(path) ?? null);
      const known = new Set(this.#workload.stories.flatMap(({ paths }) => paths));
      for (const path of found.keys())
        if (!known.has(path) && !this.#workload.passing.has(path))
          this.#workload.violations.push(`I1: a listing holds ${path}, which nobody made`);
      if (directory === BOUNDED && found.size > NAMES_MAX)
        this.#workload.violations.push(`${directory} holds ${found.size} names, and ${NAMES_MAX} are its quota`);
      this.#workload.looks++;
      return true;
    } catch (error) {
      this.#expectPassing(error, `list ${directory}`);
      return false;
    }
  }

  /** An error that is no answer: the trouble of the moment. */
  #expectPassing(error: unknown, what: string): void {
    if (outcomeOf(error) === 'refused') this.#workload.violations.push(`${this.#name}: ${what} failed: ${String(error)}`);
  }

  #timeoutMs(): number {
    return this.#process.random.chance(0.1) ? this.#process.random.between(5, 2_000) : 60_000;
  }
}

function outcomeOf(error: unknown): Outcome {
  if (isError(error, 'unavailable') || isError(error, 'resource_exhausted')) return 'nothing';
  const passing = ['deadline_exceeded', 'cancelled', 'session_expired', 'outcome_unknown'] as const;
  return passing.some((code) => isError(error, code)) ? 'unknown' : 'refused';
}
