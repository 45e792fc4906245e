/** What can be found in a modelled journal at one moment, whoever looks. */
import type { CollectionState, Entry, EpochState } from './state.js';

interface Place {
  readonly epoch: number;
  readonly index: number;
}

export function epochAt(s: CollectionState, number: number): EpochState {
  const epoch = s.epochs[number - 1];
  if (!epoch) throw new RangeError(`no such epoch number=${number}`);
  return epoch;
}

export const isGone = (s: CollectionState, { epoch, index }: Place): boolean => ((epochAt(s, epoch).gone >> index) & 1) === 1;
export const entryAt = (s: CollectionState, { epoch, index }: Place): Entry => epochAt(s, epoch).entries[index] ?? 0;

/** @returns where the entries of the chain stand that an epoch and a number of its entries define, in order. */
export function chain(s: CollectionState, number: number, count: number): Place[] {
  if (number === 0) return [];
  const { base } = epochAt(s, number);
  return [...chain(s, base.epoch, base.count), ...Array.from({ length: count }, (_, index) => ({ epoch: number, index }))];
}

/** @returns the highest epoch with a mark; 0: none. */
export function highestMarked(s: CollectionState, page: 'seen' | 'durable' = 'seen', below = s.epochs.length + 1): number {
  return s.epochs.findLastIndex((e, i) => i + 1 < below && e[page].entries > 0) + 1;
}

/** @returns the boundary that the newest mark makes known. */
export function boundaryOf(s: CollectionState, page: 'seen' | 'durable' = 'seen', below = s.epochs.length + 1): number {
  const number = highestMarked(s, page, below);
  return number === 0 ? 0 : epochAt(s, number)[page].boundary;
}

/** @returns the boundary of the newest retention among these entries. */
export function journaledBoundary(entries: readonly Entry[]): number {
  return Math.max(
    0,
    entries.findLastIndex((entry) => (entry & 15) === 2),
  );
}

export function agree(a: readonly Entry[], b: readonly Entry[]): boolean {
  return a.every((entry, i) => i >= b.length || b[i] === entry);
}

/** @returns what keeps an empty master from beginning with what these marks say; undefined: nothing does. */
export function whyNotBegun(s: CollectionState, page: 'seen' | 'durable'): string | undefined {
  const boundary = boundaryOf(s, page);
  if (boundary > 0 && ((s.checkpoints >> boundary) & 1) === 0) return `the checkpoint at ${boundary} is gone, a ${page} mark names it`;
  const top = s.epochs.findLastIndex((e) => e.committed > 0) + 1;
  const log = top === 0 ? [] : chain(s, top, epochAt(s, top).committed);
  const lost = log.findIndex((place, i) => i >= boundary && isGone(s, place));
  return lost === -1 ? undefined : `entry ${lost + 1} of the log is gone, the boundary of a ${page} mark is ${boundary}`;
}
