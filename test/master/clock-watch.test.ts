import { expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { ClockWatch } from '../../src/master/clock-watch.js';

const DAY_MS = 86_400_000;
const peer = (clockAheadMs: number | null) => ({ address: `peer${clockAheadMs}`, clockAheadMs });
const watch = () => new ClockWatch({ clockSkewMaxMs: 30_000 }, silentLog);

test("clock watch: own clock away from the leader's time, an alarm that says how far and ends with it", () => {
  const own = watch();
  expect(own.isOff(30_000, [])).toBe(false);
  expect(own.trouble).toBe('');
  expect(own.isOff(DAY_MS, [])).toBe(true);
  expect(own.trouble).toMatch(/86400 s ahead of the cluster's time/);
  expect(own.isOff(-31_000, [peer(31_000)])).toBe(true);
  expect(own.trouble).toMatch(/31 s behind the cluster's time/);
  expect(own.isOff(-30_000, [])).toBe(false);
  expect(own.trouble).toBe('');
});

test("clock watch: the leader's time jumped before it led, no standby agrees, nothing may expire until one does", () => {
  const ahead = watch();
  expect(ahead.isOff(0, [peer(-DAY_MS), peer(-DAY_MS + 5)])).toBe(true);
  expect(ahead.trouble).toMatch(/no standby's clock agrees/);
  expect(ahead.isOff(0, [peer(-DAY_MS), peer(10)])).toBe(false);
  expect(ahead.trouble).toMatch(/a standby's clock differs .*peer-86400000 is 86400 s behind/);
  expect(ahead.isOff(0, [peer(null)])).toBe(false);
  expect(ahead.trouble).toBe('');
});
