import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ERROR_NUMBERS, type ErrorCode, UnderstudyError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import { DEFAULT_CLIENT_SETTINGS } from '../../src/client/client-settings.js';
import { Backoff, isRetried, mayHaveHappened } from '../../src/client/retry-policy.js';

/** The pauses of an outage, in which each attempt itself takes no time. */
function pauses(count: number, float: () => number): number[] {
  let nowMs = 0;
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  const backoff = new Backoff(DEFAULT_CLIENT_SETTINGS, clock, { float, bytes: (size) => new Uint8Array(size) });
  return Array.from({ length: count }, () => {
    const pauseMs = backoff.pauseMs();
    nowMs += pauseMs;
    return pauseMs;
  });
}

test('backoff: no jitter, quick at first, then doubling up to the longest pause', () => {
  const run = pauses(40, () => 1);
  expect(run.slice(0, 6)).toEqual([5, 10, 20, 40, 50, 50]);
  expect(run.filter((pauseMs) => pauseMs > 50).slice(0, 7)).toEqual([100, 200, 400, 800, 1600, 3000, 3000]);
});

test('backoff: any jitter, a takeover of half a second is met within 50 ms of its end', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 600 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (outageMs, jitter) => {
      let at = 0;
      for (const pauseMs of pauses(100, () => jitter)) {
        at += pauseMs;
        if (at >= outageMs) break;
      }
      expect(at).toBeGreaterThanOrEqual(outageMs);
      expect(at - outageMs).toBeLessThanOrEqual(50);
    }),
  );
});

test('retry policy: every code, what is retried and what may have happened is as listed', () => {
  const codes = Object.keys(ERROR_NUMBERS) as ErrorCode[];
  const retried = codes.filter((code) => isRetried(new UnderstudyError(code, 'x')));
  expect(retried).toEqual(['cancelled', 'deadline_exceeded', 'unavailable', 'not_leader', 'fenced', 'outcome_unknown']);
  expect(isRetried(new UnderstudyError('resource_exhausted', 'x', { retryAfterMs: 5 }))).toBe(true);
  const harmless = codes.filter((code) => !mayHaveHappened(new UnderstudyError(code, 'x'), false));
  expect(harmless).toEqual(['resource_exhausted', 'aborted', 'unavailable', 'not_leader']);
  expect(mayHaveHappened(new UnderstudyError('unavailable', 'x'), true)).toBe(true);
});
