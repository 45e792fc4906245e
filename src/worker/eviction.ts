/** Which of a directory's blocks make room first. */
import type { StoredBlock } from '../blocks/block-store.js';

type Block = Pick<StoredBlock, 'id' | 'bytes'>;

/** The seam for policies. Iterated, it gives those first that are to go first; blocks may come and go meanwhile. */
export interface EvictionOrder<B extends Block> extends Iterable<B> {
  /** A block came, or may make room from now on. */
  add(block: B): void;
  /** It was opened. */
  use(block: B): void;
  delete(block: B): void;
}

/** @returns an order with nothing in it. */
export type EvictionPolicy = <B extends Block>() => EvictionOrder<B>;

/** After a restart, in the order in which the files are found. */
export const leastRecentlyUsed: EvictionPolicy = <B extends Block>() => new LeastRecentlyUsed<B>();

class LeastRecentlyUsed<B extends Block> implements EvictionOrder<B> {
  readonly #blocks = new Set<B>();

  add(block: B): void {
    this.#blocks.add(block);
  }

  use(block: B): void {
    if (this.#blocks.delete(block)) this.#blocks.add(block);
  }

  delete(block: B): void {
    this.#blocks.delete(block);
  }

  [Symbol.iterator](): Iterator<B> {
    return this.#blocks.values();
  }
}
