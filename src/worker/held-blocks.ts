/** The blocks that a store has, by name. */
import type { BlockId } from '../blocks/block-id.js';
import type { HeldBlock } from './block-directory.js';

export class HeldBlocks {
  /** The newest generation of each. */
  readonly #newest = new Map<number | string, HeldBlock>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @returns the one of this very generation. */
  find(id: BlockId): HeldBlock | undefined {
    let block = this.#newest.get(keyOf(id));
    while (block !== undefined && block.id.generation > id.generation) block = block.older;
    return block?.id.generation === id.generation ? block : undefined;
  }

  /** Takes the place of one with this name. */
  add(block: HeldBlock): void {
    const key = keyOf(block.id);
    let newer: HeldBlock | undefined;
    let at = this.#newest.get(key);
    while (at !== undefined && at.id.generation > block.id.generation) {
      newer = at;
      at = at.older;
    }
    if (at !== undefined && at.id.generation === block.id.generation) block.older = at.older;
    else {
      block.older = at;
      this.#count += 1;
    }
    if (newer === undefined) this.#newest.set(key, block);
    else newer.older = block;
  }

  /** @returns whether it was here. */
  delete(block: HeldBlock): boolean {
    const key = keyOf(block.id);
    let newer: HeldBlock | undefined;
    let at = this.#newest.get(key);
    while (at !== undefined && at !== block) {
      newer = at;
      at = at.older;
    }
    if (at === undefined) return false;
    if (newer !== undefined) newer.older = block.older;
    else if (block.older !== undefined) this.#newest.set(key, block.older);
    else this.#newest.delete(key);
    this.#count -= 1;
    return true;
  }

  *[Symbol.iterator](): IterableIterator<HeldBlock> {
    for (const newest of this.#newest.values()) for (let at: HeldBlock | undefined = newest; at !== undefined; at = at.older) yield at;
  }
}

/** @returns a number wherever one can say it: of a million blocks the keys are felt. */
function keyOf({ inodeId, index }: BlockId): number | string {
  return inodeId < 2 ** 42 && index < 2 ** 11 ? inodeId * 2 ** 11 + index : `${inodeId}-${index}`;
}
