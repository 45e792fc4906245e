/**
 * Which copies of a block go first where there are too many of them. All masters rank copies alike, by block and worker, and a copy is only ever
 * given up for others of higher rank that are there. So the highest one stays whatever two leaders command that follow each other, and see
 * different ones.
 */
import { mix } from '../../blocks/block-digest.js';
import type { BlockId } from '../../blocks/block-id.js';
import type { Inode } from '../../metadata/records.js';
import type { KnownWorker } from './known-worker.js';

/** @returns how many copies there should be. `max` 0: any number. */
export function copiesWanted({ more }: Pick<Inode, 'more'>): { readonly min: number; readonly max: number } {
  const min = Math.max(more?.replicationMin ?? 0, 1);
  const max = more?.replicationMax ?? 0;
  return { min, max: max > 0 ? Math.max(min, max) : 0 };
}

/** @returns whether `enough` others that are sure to have the block rank higher; not for 0. */
export function isSurplus(id: BlockId, worker: KnownWorker, holders: readonly KnownWorker[], enough: number): boolean {
  if (enough === 0 || holders.length <= enough || !worker.isSure) return false;
  return areSure(
    holders.filter((other) => ranksHigher(id, other, worker)),
    enough,
  );
}

/** @returns whether `enough` of them are sure to have what they are believed to hold. */
export function areSure(holders: readonly KnownWorker[], enough: number): boolean {
  return holders.filter(({ isSure }) => isSure).length >= enough;
}

/** @returns whether the copy that `one` has of the block is to be kept rather than the `other`'s. */
export function ranksHigher(id: BlockId, one: KnownWorker, other: KnownWorker): boolean {
  const [a, b] = [rankOf(id, one), rankOf(id, other)];
  return a === b ? one.identity.id > other.identity.id : a > b;
}

function rankOf({ inodeId, index }: BlockId, { identity }: KnownWorker): number {
  const block = mix(mix(mix(inodeId) ^ Math.floor(inodeId / 2 ** 32)) ^ index);
  return mix(block ^ Number.parseInt(identity.id.slice(0, 8), 16));
}
