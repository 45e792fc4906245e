import { expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.js';
import { OpenFiles } from '../../src/client/open-files.js';
import { operations } from '../../src/metadata/operations.js';
import { waitUntil } from '../servers/wait-until.js';
import { ServedNamespace } from './served-namespace.js';

const INTERVAL_MS = 100;
const OURS = { clientId: 7, blocks: 0 };

/** One client's open files under a clock that stands still until it is told. */
function open(leaseTimeoutMs = 0) {
  const timers = new Set<{ delayMs: number; fire: () => void }>();
  const clock: Pick<Clock, 'setTimer'> = {
    setTimer(delayMs, fn) {
      const timer = { delayMs, fire: () => timers.delete(timer) && fn() };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
  };
  const looked: number[] = [];
  const gone = new Set<number>();
  let renewals = 0;
  let renewal = async () => {};
  let toldMs = 0;
  const files = new OpenFiles(
    { leaseRenewalIntervalMs: INTERVAL_MS },
    {
      clock: clock as Clock,
      session: () => ({ clientId: OURS.clientId, leaseTimeoutMs }),
      renewLease: async () => {
        renewals += 1;
        await renewal();
        return toldMs;
      },
      look: async (id) => {
        looked.push(id);
        return gone.has(id) ? undefined : { id, lease: OURS };
      },
    },
  );
  return {
    files,
    looked,
    gone,
    timers,
    renewals: () => renewals,
    /** What the masters answer to renewals from now on. */
    tells: (leaseTimeoutMs: number) => {
      toldMs = leaseTimeoutMs;
    },
    fails: (by: () => Promise<void>) => {
      renewal = by;
    },
    /** The interval passes; all that follows from it is over. */
    async pass() {
      for (const { fire } of [...timers]) fire();
      for (let turns = 0; turns < 100; turns++) await Promise.resolve();
    },
  };
}

test('open files: renewed three times within what the masters allow, where that is more often than what is set', () => {
  const delays = [0, 150, 3_000, 1].map((leaseTimeoutMs) => {
    const { files, timers } = open(leaseTimeoutMs);
    files.noted({ id: 1, lease: OURS });
    return [...timers].map(({ delayMs }) => delayMs);
  });
  expect(delays).toEqual([[INTERVAL_MS], [50], [INTERVAL_MS], [20]]);
});

test('open files: renewed more often once the masters allow less, and not less often than they did at first', async () => {
  const { files, timers, tells, pass } = open(150);
  const delays = () => [...timers].map(({ delayMs }) => delayMs);
  files.noted({ id: 1, lease: OURS });
  for (const [toldMs, delayMs] of [
    [90, 30],
    [0, 50],
    [3_000, 50],
  ] as const) {
    tells(toldMs);
    await pass();
    expect(delays()).toEqual([delayMs]);
  }
});

test('open files: a timer only while there are any, one for all', async () => {
  const { files, timers, renewals, pass } = open();
  expect(timers.size).toBe(0);
  for (const id of [1, 2]) files.noted({ id, lease: OURS });
  expect([...timers].map(({ delayMs }) => delayMs)).toEqual([INTERVAL_MS]);
  await pass();
  expect([renewals(), timers.size]).toEqual([1, 1]);
  files.noted({ id: 1, lease: null });
  expect(timers.size).toBe(1);
  files.noted({ id: 2, lease: null });
  expect(timers.size).toBe(0);
});

test("open files: others' files are none", () => {
  const { files, timers } = open();
  files.noted({ id: 1, lease: { clientId: 8, blocks: 0 } });
  expect(timers.size).toBe(0);
  files.noted({ id: 1, lease: OURS });
  // Taken over.
  files.noted({ id: 1, lease: { clientId: 8, blocks: 0 } });
  expect(timers.size).toBe(0);
});

test('open files: what somebody else removed is found, some at a time, and the timer ends with the last', async () => {
  const { files, gone, looked, timers, pass } = open();
  for (let id = 1; id <= 20; id++) {
    files.noted({ id, lease: OURS });
    gone.add(id);
  }
  await pass();
  expect(looked.length).toBe(16);
  await pass();
  expect(looked).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  expect(timers.size).toBe(0);
});

test('open files: a renewal that fails, the next one comes when it is due; closed, none', async () => {
  const { files, timers, renewals, fails, pass } = open();
  files.noted({ id: 1, lease: OURS });
  fails(async () => {
    throw new Error('no master');
  });
  await pass();
  await pass();
  expect([renewals(), timers.size]).toEqual([2, 1]);
  files.close();
  expect(timers.size).toBe(0);
  files.noted({ id: 2, lease: OURS });
  expect(timers.size).toBe(0);
});

test('open files: a client that says that it is there keeps its file; one that does not loses it', async () => {
  await using served = await ServedNamespace.open(['a'], { leaseTimeoutMs: 400 });
  // Nobody has told them how often: the masters do.
  const [quiet, telling] = [served.client('o'), served.client('o')];
  await telling.createFile('/kept');
  // Not through the library's own methods, which would renew for it.
  await quiet.client.mutate(operations.createFile, { path: '/lost' });
  await waitUntil('the silent client has lost its file', async () => (await telling.getStatus('/lost')).complete, 10_000);
  expect((await telling.getStatus('/kept')).lease).toEqual({ clientId: telling.client.session?.clientId, blocks: 0 });
  await telling.completeFile('/kept', 1);
});
