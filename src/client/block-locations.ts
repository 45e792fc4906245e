/** Where the blocks of a file are. */
import type { understudy } from '#proto/understudy.js';

export interface BlockLocation {
  /** With `index`, the block's name. */
  readonly inodeId: number;
  readonly index: number;
  /** Where it begins in the file, bytes. */
  readonly offset: number;
  readonly length: number;
  /** `host:port` of those that hold it. */
  readonly workers: readonly string[];
  /** Of the copies that they hold; with no workers the file's. */
  readonly generation: number;
}

export function blockLocations({ blocks }: understudy.GetBlockLocationsResponse): readonly BlockLocation[] {
  return blocks.map(({ inodeId, index, offset, length, workers, generation }) => ({
    inodeId: inodeId ?? 0,
    index: index ?? 0,
    offset: offset ?? 0,
    length: length ?? 0,
    workers: workers ?? [],
    generation: generation ?? 0,
  }));
}
