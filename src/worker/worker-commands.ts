/**
 * Does what the leader commands. Each command may come again until what it is for is so, from this leader or the next: done twice, it is done once.
 *
 * Freeing and marking are done at once. Copying and persisting take their time: so many are under way, what comes beyond is left for the next time
 * that it comes.
 */
import { setMaxListeners } from 'node:events';
import type { understudy } from '#proto/understudy.js';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { pieceMemory } from '../base/piece-memory.js';
import { blockIdOf, blockName } from '../blocks/block-id.js';
import { type BlockSourceDeps, wholeBlock } from './block-source.js';
import type { PersistFailed } from './master-link.js';
import type { PersistFiles } from './persist-file.js';

export interface WorkerCommandsSettings {
  /** Files that are written to mounted storage at once. */
  readonly persistsMax: number;
  /** Blocks that are copied from other workers at once. */
  readonly copiesMax: number;
}

export interface WorkerCommandsDeps extends BlockSourceDeps {
  readonly log: Log;
  readonly persists: PersistFiles;
}

export class WorkerCommands {
  readonly #settings: WorkerCommandsSettings;
  readonly #deps: WorkerCommandsDeps;
  readonly #life = new AbortController();
  readonly #persists = new Map<string, Promise<void>>();
  readonly #copies = new Map<string, Promise<void>>();

  constructor(settings: WorkerCommandsSettings, deps: WorkerCommandsDeps) {
    // Each command under way listens to it.
    setMaxListeners(0, this.#life.signal);
    this.#settings = settings;
    this.#deps = deps;
  }

  /** Resolves when what is quick is done. @param failed is told what is not persisted, and why. @throws what the store does. */
  async execute(commands: readonly understudy.WorkerCommand.$Properties[], failed: PersistFailed): Promise<void> {
    const { store } = this.#deps;
    const { persistsMax, copiesMax } = this.#settings;
    for (const { free, replicate, persist, setEvictable } of commands) {
      for (const block of free?.blocks ?? []) await store.remove(blockIdOf(block));
      for (const block of setEvictable?.blocks ?? []) await store.setEvictable(blockIdOf(block), setEvictable?.evictable ?? false);
      if (persist != null) {
        const name = `${persist.inodeId ?? 0}-${persist.generation ?? 0}`;
        const work = () => this.#persist(persist, failed);
        this.#start(this.#persists, persistsMax, name, 'a file was not persisted', work);
      }
      if (replicate != null) {
        const name = blockName(blockIdOf(replicate.block));
        this.#start(this.#copies, copiesMax, name, 'a block was not copied', () => this.#copy(replicate));
      }
    }
  }

  /** Gives up what is under way: it is commanded again. Idempotent. */
  async close(): Promise<void> {
    this.#life.abort(new UnderstudyError('cancelled', 'this worker is stopping'));
    await Promise.all([...this.#persists.values(), ...this.#copies.values()]);
  }

  #start(underWay: Map<string, Promise<void>>, max: number, name: string, failed: string, work: () => Promise<void>): void {
    if (this.#life.signal.aborted || underWay.has(name) || underWay.size >= max) return;
    const done = work()
      .catch((error: unknown) => {
        if (!this.#life.signal.aborted) this.#deps.log.warn({ error, what: name }, failed);
      })
      .finally(() => underWay.delete(name));
    underWay.set(name, done);
  }

  async #persist(persist: understudy.PersistFile.$Properties, failed: PersistFailed): Promise<void> {
    const { inodeId = null, generation = null } = persist;
    try {
      await this.#deps.persists.persist(persist, this.#life.signal);
    } catch (error) {
      if (!this.#life.signal.aborted) failed({ inodeId, generation, reason: asError(error).message });
      throw error;
    }
  }

  async #copy({ block, from, bytes: length, evictable }: understudy.ReplicateBlock.$Properties): Promise<void> {
    const { store } = this.#deps;
    const id = blockIdOf(block);
    const bytes = length ?? 0;
    if (store.find(id) !== undefined) return;
    const writer = await store.create(id, { bytesMax: bytes, evictable: evictable ?? false, durable: true }).catch((error: unknown) => {
      if (isError(error, 'already_exists')) return undefined;
      throw error;
    });
    if (writer === undefined) return;
    try {
      for await (const piece of wholeBlock(this.#deps, id, bytes, from ?? [], this.#life.signal)) {
        await writer.write(piece);
        pieceMemory.give(piece.bytes);
      }
      await writer.seal(bytes);
    } finally {
      await writer.drop();
    }
  }
}
