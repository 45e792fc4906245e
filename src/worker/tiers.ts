/**
 * The tiers of a store, the fastest first, and room in them.
 *
 * Room is kept in one step with the look for it: whatever is under way, the quota of a directory holds. Where none has room, that of blocks that
 * may be evicted is taken, in the slowest tier that has enough.
 */
import { UnderstudyError } from '../base/errors.js';
import type { BlockId } from '../blocks/block-id.js';
import type { BlockWriter, TierUse } from '../blocks/block-store.js';
import { BlockDirectory, type DirectoryDeps, type DirectorySettings, type HeldBlock, roomOf } from './block-directory.js';
import type { Shelf, WriterSettings } from './shelf.js';

export interface TierSettings {
  /** MEM, SSD, HDD. */
  readonly name: string;
  readonly directories: readonly DirectorySettings[];
  /** Shares of what its directories hold. Above the high one room is made in the background, down to the low one. */
  readonly highWatermark: number;
  readonly lowWatermark: number;
}

interface Tier {
  readonly settings: TierSettings;
  readonly directories: BlockDirectory[];
}

export class Tiers {
  readonly #tiers: readonly Tier[];

  constructor(tiers: readonly TierSettings[], deps: DirectoryDeps) {
    this.#tiers = tiers.map((settings, tier) => ({
      settings,
      directories: settings.directories.map((directory) => new BlockDirectory(directory, tier, deps)),
    }));
  }

  get use(): readonly TierUse[] {
    return this.#tiers.map(({ settings, directories }) => {
      const working = directories.filter(({ isFailed }) => !isFailed);
      return {
        name: settings.name,
        capacityBytes: sum(working.map(({ capacityBytes }) => capacityBytes)),
        usedBytes: sum(working.map(({ takenBytes }) => takenBytes)),
        directories: directories.length,
        failedDirectories: directories.length - working.length,
      };
    });
  }

  get directories(): readonly BlockDirectory[] {
    return this.#tiers.flatMap(({ directories }) => directories);
  }

  /** Puts a directory in the place of one that has failed. */
  replace(failed: BlockDirectory, by: BlockDirectory): void {
    const directories = this.#tiers[failed.tier]?.directories;
    directories?.splice(directories.indexOf(failed), 1, by);
  }

  watermarks({ tier, capacityBytes }: BlockDirectory): { readonly highBytes: number; readonly lowBytes: number } {
    const { highWatermark = 1, lowWatermark = 1 } = this.#tiers[tier]?.settings ?? {};
    return { highBytes: highWatermark * capacityBytes, lowBytes: lowWatermark * capacityBytes };
  }

  isLast({ tier }: BlockDirectory): boolean {
    return tier === this.#tiers.length - 1;
  }

  /** @returns the directory with most room in the fastest of the tiers [from, to) where one has so much. */
  withRoom(bytes: number, from = 0, to = this.#tiers.length): BlockDirectory | undefined {
    for (const { directories } of this.#tiers.slice(from, to)) {
      const [best] = directories.filter(({ freeBytes }) => freeBytes >= bytes).sort((a, b) => b.freeBytes - a.freeBytes);
      if (best !== undefined) return best;
    }
    return undefined;
  }

  /**
   * @param tierName the only one that may be taken.
   * @returns a writer with room; that of others has been taken where there was none.
   * @throws `resource_exhausted`, `unavailable`: as `BlockStore.create`.
   */
  async writer(id: BlockId, settings: WriterSettings, shelf: Shelf, tierName?: string): Promise<BlockWriter> {
    const room = roomOf(settings.bytesMax);
    const [from, to] = this.#range(tierName);
    const free = this.withRoom(room, from, to);
    if (free !== undefined) return shelf.writer(id, free, settings);

    const directories = this.#tiers.slice(from, to).flatMap((tier) => tier.directories);
    const working = directories.filter(({ isFailed }) => !isFailed);
    for (const directory of working.toReversed()) {
      const victims = victimsFor(directory, room);
      if (victims === undefined) continue;
      const writer = shelf.writer(id, directory, settings);
      try {
        await Promise.all(victims.map((victim) => shelf.evict(victim)));
        return writer;
      } catch (error) {
        await writer.drop();
        throw error;
      }
    }
    if (working.length === 0) throw new UnderstudyError('unavailable', `no disk works: tier=${tierName ?? 'any'}`);
    const message = 'there is no room for the block, and nothing that may be evicted for it';
    throw new UnderstudyError('resource_exhausted', `${message}: tier=${tierName ?? 'any'} bytes=${room}`);
  }

  #range(tierName: string | undefined): [from: number, to: number] {
    if (tierName === undefined) return [0, this.#tiers.length];
    const tier = this.#tiers.findIndex(({ settings }) => settings.name === tierName);
    if (tier === -1) throw new UnderstudyError('invalid_argument', `there is no such tier: tier=${tierName}`);
    return [tier, tier + 1];
  }
}

/** @returns blocks whose going makes so much room; undefined: there are not enough. */
function victimsFor(directory: BlockDirectory, room: number): HeldBlock[] | undefined {
  let missing = room - directory.freeBytes - directory.leavingBytes;
  if (directory.evictableBytes < missing) return undefined;
  const victims: HeldBlock[] = [];
  for (const block of directory.evictable) {
    if (missing <= 0) break;
    if (block.readers > 0) continue;
    victims.push(block);
    missing -= roomOf(block.bytes);
  }
  return missing <= 0 ? victims : undefined;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
