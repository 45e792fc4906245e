/** A claimant against a leader that is busy and wins every race: what lets it in, and what does not. */
import { expect, it } from 'vitest';
import { inevitably } from '../liveness.js';
import { claimRace, type Race } from './claim-intents.js';

const race: Race = { intents: true, slowness: 3, lookEvery: 4, pause: 15, doublings: 0 };
const run = (given: Partial<Race>) => inevitably(claimRace({ ...race, ...given }), ({ phase }) => phase === 'leads');

it('claim race: no intents, however fast the claimant is it may lose for ever', () => {
  const found = run({ intents: false, slowness: 1 });
  expect('circle' in found && found.circle.slice(0, 3)).toEqual([
    'the leader writes, the claimant has what stands there',
    'the leader writes, the claimant applies what it read and sends its claim',
    'the leader writes, the claimant has its claim there',
  ]);
});

it('claim race: a pause of six of the slowest requests, the claimant is in after a bounded time', () => {
  for (const slowness of [1, 2, 3, 4]) expect(run({ slowness, pause: 6 * slowness })).toMatchObject({ steps: expect.any(Number) });
});

it('claim race: a pause of four of the slowest requests, the claimant may lose for ever', () => {
  for (const slowness of [2, 3, 4]) expect(run({ slowness, pause: 4 * slowness })).toMatchObject({ circle: expect.any(Array) });
});

it('claim race: a pause that is far too short but doubles, the claimant is in after a bounded time', () => {
  expect(run({ slowness: 4, pause: 1, doublings: 5 })).toMatchObject({ steps: expect.any(Number) });
  expect(run({ slowness: 4, pause: 1, doublings: 3 })).toMatchObject({ circle: expect.any(Array) });
});
