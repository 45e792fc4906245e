/**
 * Inodes across all of a history: each is made once, and lies below one name of the root for good, since what lies below different ones is one part
 * as soon as an operation spans them. What the search for an order finds is held within each part; this holds between them.
 */
import type { Op } from './operations.js';
import { idsMade } from './search.js';

export class Inodes {
  /** Operations that made them, by inode. */
  readonly #makers = new Map<number, number>();
  /** Who told of them first, by inode. */
  readonly #told = new Map<number, { readonly part: readonly Op[]; readonly op: number }>();

  /** @param part all operations of one part. @returns violations: inodes that two creations of any parts were told of. */
  madeTwice(part: readonly Op[]): string[] {
    return part.flatMap((op) =>
      idsMade(op).flatMap((id) => {
        const other = this.#makers.get(id);
        this.#makers.set(id, op.id);
        return other === undefined ? [] : [`history: inode ${id} was made twice: by id=${other} and by id=${op.id} (I5)`];
      }),
    );
  }

  /** @param part all operations of one part. @returns violations: inodes that were told of in another part, too. */
  elsewhere(part: readonly Op[]): string[] {
    return part.flatMap((op) =>
      idsTold(op).flatMap((id) => {
        const first = this.#told.get(id) ?? { part, op: op.id };
        this.#told.set(id, first);
        const isHere = first.part === part;
        return isHere ? [] : [`history: inode ${id} is in two places that no rename joins: by id=${first.op} and by id=${op.id} (I5)`];
      }),
    );
  }
}

/** @returns inodes that the answer names, but for what it tells of the root. */
function idsTold({ operation, value: { id, ids = [], seen }, outcome }: Op): number[] {
  if (outcome !== 'ok' || ('path' in operation && operation.path === '/')) return [];
  const listed = operation.kind === 'listPart' ? operation.entries.map((entry) => entry.id) : [];
  return [id, ...ids, seen?.id, ...listed].filter((one) => one != null);
}
