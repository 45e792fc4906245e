/** Checkpoints in memory: whole and durable at once when the last chunk is, and nothing to anybody before. */
import { UnderstudyError } from '../base/errors.js';
import type { Sequence } from '../base/ids.js';
import { throwIfAborted } from '../base/wait.js';
import type { CheckpointRef, Checkpoints, Retention } from './checkpoints.js';
import type { MemoryCheckpoint, MemoryEffects, MemoryJournalStore, MemoryOperationKind } from './memory-journal-store.js';

export type MemoryPerform = <T>(kind: MemoryOperationKind, effects: MemoryEffects<T>) => Promise<T>;

export class MemoryCheckpoints implements Checkpoints {
  readonly #store: MemoryJournalStore;
  readonly #perform: MemoryPerform;
  readonly #closing: AbortSignal;

  constructor(store: MemoryJournalStore, perform: MemoryPerform, closing: AbortSignal) {
    this.#store = store;
    this.#perform = perform;
    this.#closing = closing;
  }

  published(signal?: AbortSignal): Promise<Retention> {
    return this.#run('read', signal, () => this.#store.newestRetention());
  }

  async write(sn: Sequence, chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<CheckpointRef & { readonly bytes: number }> {
    const id = Buffer.from(this.#store.random.bytes(16)).toString('hex');
    const made: MemoryCheckpoint = { sn, chunks: [], isWhole: false };
    this.#store.checkpoints.set(id, made);
    try {
      for await (const chunk of chunks) await this.#run('store', signal, () => made.chunks.push(Uint8Array.from(chunk)));
      const visible = (): void => undefined;
      const durable = (): void => {
        made.isWhole = true;
      };
      await this.#perform('store', { visible, durable });
      return { sn, id, bytes: made.chunks.reduce((sum, chunk) => sum + chunk.length, 0) };
    } catch (error) {
      await this.#perform('collect', { visible: () => this.#store.checkpoints.delete(id) }).catch(() => undefined);
      throw error;
    }
  }

  async *read(checkpoint: CheckpointRef, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    for (let index = 0; ; index++) {
      const chunk = await this.#run('load', signal, () => this.#find(checkpoint).chunks[index]);
      if (chunk === undefined) return;
      yield Uint8Array.from(chunk);
    }
  }

  #find({ sn, id }: CheckpointRef): MemoryCheckpoint {
    const found = this.#store.checkpoints.get(id);
    if (found?.isWhole === true && found.sn === sn) return found;
    throw new UnderstudyError('not_found', `there is no such checkpoint: sn=${sn} id=${id}`);
  }

  async #run<T>(kind: MemoryOperationKind, signal: AbortSignal | undefined, visible: () => T): Promise<T> {
    throwIfAborted(this.#closing);
    throwIfAborted(signal);
    return this.#perform(kind, { visible });
  }
}
