import { expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { ClockWatch } from '../../src/master/clock-watch.js';

test('clock watch: within its bound, ahead and behind, an alarm that says which and ends with it', () => {
  const watch = new ClockWatch({ clockSkewMaxMs: 30_000 }, silentLog);
  expect(watch.isOff(30_000)).toBe(false);
  expect(watch.trouble).toBe('');
  expect(watch.isOff(86_400_000)).toBe(true);
  expect(watch.trouble).toMatch(/ahead of the cluster's time.*seconds=86400$/);
  expect(watch.isOff(-31_000)).toBe(true);
  expect(watch.trouble).toMatch(/behind the cluster's time.*seconds=31$/);
  expect(watch.isOff(-30_000)).toBe(false);
  expect(watch.trouble).toBe('');
});
