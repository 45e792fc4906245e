/** What is done to the files of one block goes one after the other, in the order in which it was asked for. */
import { type BlockId, blockName } from '../blocks/block-id.js';

export class BlockTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` when all that was begun before with this block has ended. */
  run<T>(id: BlockId, work: () => Promise<T>): Promise<T> {
    const name = blockName(id);
    const before = this.#last.get(name);
    const done = before === undefined ? work() : before.then(work, work);
    this.#last.set(name, done);
    const ended = () => {
      if (this.#last.get(name) === done) this.#last.delete(name);
    };
    done.then(ended, ended);
    return done;
  }

  /** Resolves when what was begun last with this block has ended. */
  async idle(id: BlockId): Promise<void> {
    await this.#last.get(blockName(id))?.catch(() => {}); // told to who asked for it
  }
  /** Resolves when all that was begun has ended. */
  async allIdle(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
