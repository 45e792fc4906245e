/** The collection of design 3.1, explored: sound with every rule, broken without any one of them. */
import { describe, expect, it } from 'vitest';
import { describeExploration, explore } from '../explore.js';
import { type CollectionBounds, type CollectionRules, collection } from './collection.js';

const full = (import.meta as { env?: { MODE?: string } }).env?.MODE === 'full';
const MINUTES = 60_000;

const withReader = (...appends: number[]): CollectionBounds => ({ appends, reader: true });
const without = (...appends: number[]): CollectionBounds => ({ appends, reader: false });

describe('collection, all rules', () => {
  const worlds = [withReader(2, 2), withReader(3, 1), without(2, 1, 1)];
  const wide = [withReader(3, 3), withReader(2, 1, 2), without(3, 2, 1), without(2, 2, 2)];
  it.each((full ? [...worlds, ...wide] : worlds).map((bounds) => [JSON.stringify(bounds), bounds] as const))(
    'collection: %s, no invariant breaks',
    { timeout: 30 * MINUTES },
    (name, bounds) => {
      const found = explore(collection(bounds), { statesMax: full ? 60_000_000 : 4_000_000 });
      if (found.violation || !found.complete) expect.fail(describeExploration(found));
      console.info(`${name}: ${describeExploration(found)}`);
    },
  );
});

describe('collection, a rule taken away', () => {
  const alone = without(2);
  const two = without(2, 1);
  const breaks: Record<keyof CollectionRules, [CollectionBounds, invariant: string, detail: RegExp]> = {
    markDurable: [alone, 'I10', /entry 1 of the log is gone, the boundary of a durable mark is 0/],
    fenceAfterMark: [two, 'I10', /entry 1 of the log is gone, the boundary of a seen mark is 0/],
    repeatAfterFence: [two, 'I10', /entry 1 of the log is gone, the boundary of a seen mark is 0/],
    bySuccessor: [alone, 'I10', /entry 2 of the log is gone, the boundary of a seen mark is 1/],
    belowOnly: [two, 'I10', /entry 3 of the log is gone, the boundary of a seen mark is 1/],
    keepLedger: [without(1, 2), 'I1', /acknowledged \[2.1 2.2\], the leader has \[1.1\]/],
    missingIsError: [withReader(2), 'I4', /applied \[1.2\], acknowledged is \[1.1 1.2\]/],
    ownFenceFirst: [without(2, 1, 1), 'I10', /2 calls the journal damaged/],
    boundaryOnMissing: [withReader(2), 'I10', /the reader calls the journal damaged/],
  };
  it.each(Object.entries(breaks))(
    'collection: without %s, an invariant breaks',
    { timeout: MINUTES },
    (rule, [bounds, invariant, detail]) => {
      const found = explore(collection(bounds, { [rule]: false }));
      expect(found.violation?.invariant).toBe(invariant);
      expect(found.violation?.detail).toMatch(detail);
    },
  );
});
