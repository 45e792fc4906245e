import { expect, it } from 'vitest';
import type { Model } from './explore.js';
import { deadEnd, inevitably } from './liveness.js';

/** A token on numbered places; `moves` says where it may go from each. */
const walk = (moves: Record<number, readonly number[]>): Model<{ at: number }> => ({
  initial: () => ({ at: 0 }),
  encode: ({ at }, bytes) => {
    bytes[0] = at;
    return 1;
  },
  decode: (bytes, from) => ({ at: bytes[from] ?? 0 }),
  branch({ at }, { step }) {
    for (const to of moves[at] ?? [])
      step(`to ${to}`, (next) => {
        next.at = to;
      });
  },
});

const isAt =
  (wanted: number) =>
  ({ at }: { at: number }) =>
    at === wanted;

it('dead end: a place with no way to the goal, the shortest path to it', () => {
  expect(deadEnd(walk({ 0: [1, 2], 1: [2, 0, 9], 2: [3], 3: [2] }), isAt(9))).toEqual(['to 2']);
});

it('dead end: a way to the goal from everywhere, none', () => {
  expect(deadEnd(walk({ 0: [1, 2], 1: [0, 9], 2: [1] }), isAt(9))).toBeUndefined();
});

it('dead end: a way to the goal by steps that do not count, a dead end', () => {
  expect(deadEnd(walk({ 0: [1, 9], 1: [9] }), isAt(9), (label) => label !== 'to 9')).toEqual([]);
});

it('inevitable: every path ends at the goal, the length of the longest', () => {
  expect(inevitably(walk({ 0: [1, 2, 9], 1: [2, 9], 2: [3], 3: [9] }), isAt(9))).toEqual({ steps: 4 });
});

it('inevitable: a circle that avoids the goal, the way there and round', () => {
  expect(inevitably(walk({ 0: [9, 1], 1: [2], 2: [3], 3: [9, 1] }), isAt(9))).toEqual({ path: ['to 1'], circle: ['to 2', 'to 3', 'to 1'] });
});

it('inevitable: a rest short of the goal, the way there', () => {
  expect(inevitably(walk({ 0: [9, 1], 1: [2] }), isAt(9))).toEqual({ path: ['to 1', 'to 2'], circle: [] });
});
