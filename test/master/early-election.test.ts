import { expect, test } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { MemoryElectionService } from '../../src/election/memory-election.js';
import { EarlyElection } from '../../src/master/early-election.js';

const INTERVAL_MS = 1_000;

/** What is told of the leader, and who was expelled. */
function world(answer: () => Promise<boolean> = async () => true, isManual = false) {
  let nowMs = 0;
  const expelled: string[] = [];
  const election = new MemoryElectionService({ sessionTimeoutMs: 1 }, { clock: systemClock }).election();
  election.expel = async (address) => {
    expelled.push(address);
    return await answer();
  };
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  const early = new EarlyElection({ expelIntervalMs: INTERVAL_MS, isManual }, { clock, log: silentLog, election });
  const gone = async (address: string, epoch: number) => {
    early.leaderGone({ address, epoch }, 'a test');
    await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    expelled,
    gone,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('an epoch: expelled once, however often its leader is told to be gone', async () => {
  const { expelled, gone, pass } = world();
  await gone('a:1', 3);
  await gone('a:1', 3);
  pass(10 * INTERVAL_MS);
  await gone('a:1', 3);
  await gone('a:1', 2);
  expect(expelled).toEqual(['a:1']);
});

test('the next epoch: not before the interval has passed since an election was brought forward', async () => {
  const { expelled, gone, pass } = world();
  await gone('a:1', 3);
  pass(INTERVAL_MS - 1);
  await gone('b:1', 4);
  expect(expelled).toEqual(['a:1']);
  pass(2);
  await gone('b:1', 4);
  expect(expelled).toEqual(['a:1', 'b:1']);
});

test('the next epoch: at once where there was nobody to expel, as another one was quicker', async () => {
  const { expelled, gone } = world(async () => false);
  await gone('a:1', 3);
  await gone('b:1', 4);
  expect(expelled).toEqual(['a:1', 'b:1']);
});

test('an election service that does not answer: the next sign counts again', async () => {
  const { expelled, gone } = world(() => Promise.reject(new UnderstudyError('unavailable', 'gone')));
  await gone('a:1', 3);
  await gone('a:1', 3);
  expect(expelled).toEqual(['a:1', 'a:1']);
});

test('manual mode: nobody is expelled', async () => {
  const { expelled, gone } = world(undefined, true);
  await gone('a:1', 3);
  await gone('a:1', 4);
  expect(expelled).toEqual([]);
});
