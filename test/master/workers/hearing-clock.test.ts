import { expect, test } from 'vitest';
import { HEARING_TICK_MS, HearingClock } from '../../../src/master/workers/hearing-clock.js';

test('hearing clock: what a pause left unheard does not count', () => {
  let nowMs = 1_000;
  const hearing = new HearingClock({ monotonicMs: () => nowMs });
  for (let tick = 0; tick < 4; tick++) {
    nowMs += HEARING_TICK_MS;
    hearing.tick();
  }
  expect(hearing.ms).toBe(4 * HEARING_TICK_MS);
  nowMs += 3_600_000;
  hearing.tick();
  expect(hearing.ms).toBe(6 * HEARING_TICK_MS);
});
