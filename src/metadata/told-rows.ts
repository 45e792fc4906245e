/**
 * Rows of a listing with what workers have told of their files: LOST where a block is nowhere, and how much of them is held. Each block is looked for
 * at every worker, and a page may have thousands of files: so the event loop is let go as often as it has to be, and the page comes as it would.
 */
import { heldBytes } from './held-bytes.js';
import type { ChildRow } from './listing.js';
import { asLost, isLost, mayRowBeLost } from './lost-files.js';
import type { ToldCopies } from './plan.js';
import { inodeCodec } from './records.js';

/** As it is sent: bytes that workers hold of it, where that is asked for. */
export type ToldRow = readonly [key: Uint8Array, inode: Uint8Array, heldBytes?: number];

/** Of one listing. */
export class RowTelling {
  readonly #copies: ToldCopies;
  readonly #withHeld: boolean;
  /** Blocks that may be looked for before the next turn. */
  #left: number;

  constructor(copies: ToldCopies, withHeld: boolean) {
    this.#copies = copies;
    this.#withHeld = withHeld;
    this.#left = copies.blocksAtOnce;
  }

  /** @returns these rows, in order. */
  async tell(rows: readonly ChildRow[]): Promise<readonly ToldRow[]> {
    if (!this.#withHeld && !this.#copies.isComplete) return rows;
    const told: ToldRow[] = [];
    for (const row of rows) {
      if (!this.#withHeld && !mayRowBeLost(row[1])) {
        told.push(row);
        continue;
      }
      if (this.#left <= 0) {
        await this.#copies.turn();
        this.#left = this.#copies.blocksAtOnce;
      }
      told.push(this.#told(row));
    }
    return told;
  }

  #told([key, bytes]: ChildRow): ToldRow {
    const copies = this.#copies;
    const inode = inodeCodec.decode(bytes);
    this.#left -= 1;
    const copiesOf = (inodeId: number, index: number) => {
      this.#left -= 1;
      return copies.copiesOf(inodeId, index);
    };
    const { isComplete, settledMs, blocksAtOnce } = copies;
    const isGone = isLost(inode, { copiesOf, isComplete, settledMs, blocksAtOnce });
    return [key, isGone ? asLost(bytes) : bytes, this.#withHeld ? heldBytes(inode, { copiesOf }) : 0];
  }
}
