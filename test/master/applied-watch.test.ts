import { expect, it } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
import { isRetried } from '../../src/client/retry-policy.js';
import { AppliedWatch } from '../../src/master/applied-watch.js';

it('more readers than may wait: are sent to other masters; those that wait are answered once it is applied', () => {
  const watch = new AppliedWatch(systemClock);
  const { signal } = new AbortController();
  const answers: unknown[] = [];
  for (let reader = 0; reader < 10_000; reader++) watch.wait(7, { signal }, (refused) => answers.push(refused));
  let refusal: Parameters<typeof isRetried>[0] | null = null;
  watch.wait(7, { signal }, (refused) => {
    refusal = refused;
  });
  expect(refusal !== null && isRetried(refusal)).toBe(true);
  expect(answers).toEqual([]);
  watch.advanced(7);
  expect(answers).toEqual(Array(10_000).fill(null));
});
