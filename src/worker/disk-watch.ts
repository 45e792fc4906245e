/**
 * Looks after the disks under a store's directories.
 *
 * - A directory is looked at now and then, and at once after an error of the operating system in it: does it take bytes, is it still the one
 *   that was claimed (a disk that was unmounted leaves an empty folder), has the disk the room that the quota says.
 * - One that fails is given up, with its blocks; so is one of which it is not known any more what names it has. It is tried again at each look, and
 *   its blocks are here again when it works; other directories have nothing to do with that.
 */
import type { Clock } from '../base/clock.js';
import { isError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { sleep } from '../base/wait.js';
import { BlockDirectory, type DirectoryDeps, HeldBlock, isFull, isOfDisk } from './block-directory.js';
import type { Shelf } from './shelf.js';
import type { Tiers } from './tiers.js';

export interface DiskWatchDeps extends DirectoryDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly tiers: Tiers;
  readonly shelf: Shelf;
}

export class DiskWatch {
  readonly #intervalMs: number;
  readonly #workerId: string;
  readonly #deps: DiskWatchDeps;
  readonly #ended = new AbortController();
  readonly #looking = new Map<BlockDirectory, Promise<void>>();
  #loop: Promise<void> = Promise.resolve();

  constructor(intervalMs: number, workerId: string, deps: DiskWatchDeps) {
    this.#intervalMs = intervalMs;
    this.#workerId = workerId;
    this.#deps = deps;
  }

  start(): void {
    this.#loop = this.#run().catch((error: unknown) => {
      if (!this.#ended.signal.aborted) this.#deps.log.error({ error }, 'disks are not looked after any more');
    });
  }

  /** An operation in the directory failed. */
  troubled(directory: BlockDirectory, error: unknown): Promise<void> {
    if (isFull(error)) this.#deps.log.warn({ directory: directory.path, error }, 'a disk is full before its quota is');
    return this.#look(directory);
  }

  async close(): Promise<void> {
    this.#ended.abort();
    await this.#loop;
    await Promise.all(this.#looking.values());
  }

  async #run(): Promise<void> {
    for (;;) {
      await sleep(this.#deps.clock, this.#intervalMs, this.#ended.signal);
      for (const directory of this.#deps.tiers.directories) await (directory.isFailed ? this.#retry(directory) : this.#look(directory));
    }
  }

  #look(directory: BlockDirectory): Promise<void> {
    let looking = this.#looking.get(directory);
    if (looking === undefined && !directory.isFailed) {
      looking = this.#examine(directory).finally(() => this.#looking.delete(directory));
      this.#looking.set(directory, looking);
    }
    return looking ?? Promise.resolve();
  }

  async #examine(directory: BlockDirectory): Promise<void> {
    try {
      if (!(await directory.probe(this.#workerId))) await this.giveUp(directory, 'another disk, or none, is in its place');
      else await directory.measure();
    } catch (error) {
      if (!isOfDisk(error) && !isError(error, 'corrupt')) return;
      await this.giveUp(directory, error);
    }
  }

  /** Its blocks are gone until it works again. */
  async giveUp(directory: BlockDirectory, error: unknown): Promise<void> {
    const { log, shelf, clock } = this.#deps;
    if (directory.isFailed) return;
    directory.isFailed = true;
    const blocks = await shelf.lose(directory, () => sleep(clock, 1));
    log.error({ directory: directory.path, blocks, error }, 'a disk has failed: its blocks are gone until it works again');
    await directory.close().catch(() => {}); // there is nothing to lose
  }

  async #retry(failed: BlockDirectory): Promise<void> {
    const { tiers, log } = this.#deps;
    const directory = new BlockDirectory(failed.settings, failed.tier, this.#deps);
    directory.isNobodys = failed.isNobodys;
    await this.#deps.shelf.idle(); // what was under way when it failed may still change names
    try {
      if (await this.#isOurs(directory)) {
        await takeAll(directory, this.#deps);
        if (directory.isFailed) throw new UnderstudyError('unavailable', `the disk has failed again: directory=${directory.path}`);
        directory.isNobodys = false;
        tiers.replace(failed, directory);
        log.info({ directory: directory.path }, 'a disk works again');
        return;
      }
      log.debug({ directory: directory.path }, 'a disk that had failed is not back yet');
    } catch (error) {
      log.debug({ directory: directory.path, error }, 'a disk that had failed does not work yet');
    }
    directory.isFailed = true;
    await this.#deps.shelf.lose(directory, () => sleep(this.#deps.clock, 1));
    await directory.close().catch(() => {}); // likewise
  }

  /** @returns whether it is this worker's. One that was nobody's when it failed is made so; of any other an empty folder tells nothing. */
  async #isOurs(directory: BlockDirectory): Promise<boolean> {
    if (directory.isNobodys && !(await directory.isPrepared())) return false;
    const owner = await directory.prepare(directory.isNobodys);
    if (owner !== undefined || !directory.isNobodys) return owner === this.#workerId;
    await directory.claim(this.#workerId);
    return true;
  }
}

/** Finds the blocks of a directory again. */
export async function takeAll(directory: BlockDirectory, { shelf, log }: { readonly shelf: Shelf; readonly log: Log }): Promise<void> {
  await directory.measure();
  let foreign = 0;
  const tellForeign = (file: string) => {
    foreign += 1;
    if (foreign === 1) log.warn({ file }, 'a file that is no block lies among the blocks; it is let alone');
  };
  for await (const found of directory.scan(tellForeign)) {
    for (const { id, bytes, evictable } of found) await shelf.take(new HeldBlock(id, bytes, evictable, directory));
  }
  if (foreign > 1) log.warn({ directory: directory.path, files: foreign }, 'files that are no blocks lie among the blocks');
  await directory.measure();
}
