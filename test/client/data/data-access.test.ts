import { expect, onTestFinished, test } from 'vitest';
import { UnderstudyError } from '../../../src/base/errors.js';
import { systemClock } from '../../../src/base/system-clock.js';
import { systemRandom } from '../../../src/base/system-random.js';
import { type Deferred, deferred } from '../../../src/base/wait.js';
import type { BlockPlaces, WorkerPlace } from '../../../src/client/data/block-places.js';
import { DataAccess } from '../../../src/client/data/data-access.js';
import { DEFAULT_DATA_SETTINGS } from '../../../src/client/data/data-settings.js';

test('workers that were told a while ago: they do while no master answers, for ten seconds; then its answer is waited for', async () => {
  let nowMs = 0;
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  const asked: Deferred<readonly WorkerPlace[]>[] = [];
  const workers = () => {
    const answer = deferred<readonly WorkerPlace[]>();
    asked.push(answer);
    return answer.promise;
  };
  const connect = () => Promise.reject(new UnderstudyError('unavailable', 'nobody is there'));
  const places = { workers } as Partial<BlockPlaces> as BlockPlaces;
  const access = new DataAccess(DEFAULT_DATA_SETTINGS, { clock, random: systemRandom, places, connect, connectTimeoutMs: 1_000 });
  onTestFinished(() => access.close());
  const [before, after] = ['w1:1', 'w2:1'].map((address) => [{ address, freeBytes: 1 }]) as [WorkerPlace[], WorkerPlace[]];

  const first = access.workers(false);
  asked[0]?.resolve(before);
  expect(await first).toEqual(before);
  nowMs += 2_000;
  expect([await access.workers(false), await access.workers(false)]).toEqual([before, before]);
  expect(asked.length).toBe(2);
  asked[1]?.resolve(after);
  await expect.poll(() => access.workers(false)).toEqual(after);
  nowMs += 10_001;
  const waiting = access.workers(false);
  expect(asked.length).toBe(3);
  asked[2]?.resolve(before);
  expect(await waiting).toEqual(before);
  const anew = access.workers(true);
  asked[3]?.resolve(after);
  expect(await anew).toEqual(after);
});
