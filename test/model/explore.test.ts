import { expect, it } from 'vitest';
import { describeExploration, explore, type Model } from './explore.js';

/** A token that moves right by 1 or 2, and breaks on 7. */
const walk = (broken: number): Model<{ at: number }> => ({
  initial: () => ({ at: 0 }),
  encode: ({ at }, bytes) => {
    bytes[0] = at;
    return 1;
  },
  decode: (bytes, from) => ({ at: bytes[from] ?? 0 }),
  branch({ at }, { step, violation }) {
    if (at === broken) violation('breaks', 'I1', `at=${at}`);
    for (const by of [1, 2]) {
      if (at + by <= 200)
        step(`+${by}`, (next) => {
          next.at += by;
        });
    }
  },
});

it('explore: a broken state, a shortest trace to it', () => {
  const found = explore(walk(7));
  expect(found.violation).toMatchObject({ invariant: 'I1', detail: 'at=7' });
  expect(found.violation?.trace).toHaveLength(5);
  expect(found.violation?.trace.slice(0, 4).reduce((sum, label) => sum + Number(label), 0)).toBe(7);
  expect(describeExploration(found)).toContain('  5. breaks');
});

it('explore: nothing broken, every state visited once', () => {
  expect(explore(walk(-1))).toEqual({ states: 201, depth: 100, complete: true });
});

it('explore: more states than its bound, says that it is incomplete', () => {
  expect(explore(walk(150), { statesMax: 50 })).toMatchObject({ complete: false });
});

it('explore: nothing more can happen, judges the state', () => {
  const model: Model<{ at: number }> = { ...walk(-1), atRest: ({ at }) => ({ invariant: 'I10', detail: `rests at=${at}` }) };
  expect(explore(model).violation).toMatchObject({ invariant: 'I10', detail: 'rests at=200' });
});
