/** Calls from within the master's process: whatever a handler does, the caller hears of it, and nothing else of the process does. */
import { expect, test } from 'vitest';
import { understudy } from '#proto/understudy.js';
import type { Clock } from '../../src/base/clock.js';
import { UnderstudyError } from '../../src/base/errors.js';
import { type Log, silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { deferred } from '../../src/base/wait.js';
import { LocalCalls } from '../../src/master/local-calls.js';
import type { ServerCall } from '../../src/rpc/rpc.js';
import { errorOf } from '../contract/journal-contract.js';

const ROW = { method: 1, request: understudy.GetStatusRequest, response: understudy.GetStatusResponse };
const deps = { clock: systemClock, log: silentLog };
const ask = (calls: LocalCalls, signal = new AbortController().signal) => calls.call(ROW, { path: '/' }, { peer: 'p:1', signal });

async function readAll(calls: LocalCalls, signal = new AbortController().signal): Promise<number> {
  let items = 0;
  for await (const _ of calls.stream(ROW, { path: '/' }, { peer: 'p:1', signal })) items += 1;
  return items;
}

test('an async handler that fails: the caller is told, a stream ends with it; a defect is logged', async () => {
  const logged: string[] = [];
  const log: Log = { ...silentLog, error: (_, message) => void logged.push(message) };
  const refusing = new LocalCalls(async () => Promise.reject(new UnderstudyError('permission_denied', 'no')), { ...deps, log });
  expect(await errorOf(ask(refusing))).toMatchObject({ code: 'permission_denied' });
  expect(await errorOf(readAll(refusing))).toMatchObject({ code: 'permission_denied' });
  expect(logged).toEqual([]);
  const broken = new LocalCalls(async () => Promise.reject(new TypeError('x is not a function')), { ...deps, log });
  expect(await errorOf(ask(broken))).toMatchObject({ code: 'internal', message: expect.stringContaining('a defect') });
  expect(logged).toEqual(['call failed by a defect']);
});

test('a caller that is gone waits no longer, whatever the handler does; the handler hears of it', async () => {
  const [asked, ended] = [deferred<ServerCall>(), deferred<void>()];
  const calls = new LocalCalls(async (call) => {
    asked.resolve(call);
    await ended.promise;
  }, deps);
  const caller = new AbortController();
  const answer = errorOf(ask(calls, caller.signal));
  const { signal } = await asked.promise;
  expect(signal.aborted).toBe(false);
  caller.abort();
  expect(await answer).toMatchObject({ code: 'cancelled' });
  expect(signal.aborted).toBe(true);
  expect(await errorOf(ask(calls, AbortSignal.abort()))).toMatchObject({ code: 'cancelled' });
  ended.resolve();
});

test('a handler that never answers: the caller hears in time that it may have happened, in the midst of a stream, too; the handler hears of it', async () => {
  const timers = new Set<() => void>();
  const clock: Clock = {
    ...systemClock,
    setTimer(_, fn) {
      timers.add(fn);
      return { cancel: () => void timers.delete(fn) };
    },
  };
  const asked: ServerCall[] = [];
  const calls = new LocalCalls((call) => void asked.push(call), { ...deps, clock });
  const answers = [errorOf(ask(calls)), errorOf(readAll(calls))];
  await new Promise(setImmediate);
  await asked[1]?.item(understudy.GetStatusResponse.encode({}).finish());
  await new Promise(setImmediate);
  expect(timers.size).toBe(2);
  for (const fire of timers) fire();
  expect(await Promise.all(answers)).toMatchObject([{ code: 'deadline_exceeded' }, { code: 'deadline_exceeded' }]);
  expect(asked.map(({ signal }) => signal.reason.code)).toEqual(['deadline_exceeded', 'deadline_exceeded']);
  for (const call of asked) call.reply();
  expect(timers.size).toBe(0);
});

test('a stream whose caller is gone, or leaves, ends for the handler, too', async () => {
  const told: string[] = [];
  const ended = [deferred<void>(), deferred<void>()];
  const calls = new LocalCalls(async (call) => {
    try {
      for (;;) await call.item(understudy.GetStatusResponse.encode({}).finish());
    } catch (error) {
      told.push((error as UnderstudyError).code);
      ended[told.length - 1]?.resolve();
      throw error;
    }
  }, deps);
  for await (const _ of calls.stream(ROW, { path: '/' }, { peer: 'p:1', signal: new AbortController().signal })) break;
  await ended[0]?.promise;
  const caller = new AbortController();
  const running = errorOf(
    (async () => {
      for await (const _ of calls.stream(ROW, { path: '/' }, { peer: 'p:1', signal: caller.signal })) caller.abort();
    })(),
  );
  expect(await running).toMatchObject({ code: 'cancelled' });
  await ended[1]?.promise;
  expect(told).toEqual(['cancelled', 'cancelled']);
});

test('so many are in flight, and no more; one that is given up counts until its handler is done', async () => {
  const ended = deferred<void>();
  const calls = new LocalCalls(async () => ended.promise, deps);
  const caller = new AbortController();
  const asked = Array.from({ length: 4_096 }, () => errorOf(ask(calls, caller.signal)));
  caller.abort();
  await Promise.all(asked);
  expect(await errorOf(ask(calls))).toMatchObject({ code: 'resource_exhausted' });
  ended.resolve();
  await new Promise(setImmediate);
  const more = errorOf(ask(calls, AbortSignal.abort()));
  expect(await more).toMatchObject({ code: 'cancelled' });
});

test('so many streams are being read, and no more, until one of them is left', async () => {
  const calls = new LocalCalls(async (call) => {
    for (;;) await call.item(understudy.GetStatusResponse.encode({}).finish());
  }, deps);
  const begun = Array.from({ length: 129 }, () => calls.stream(ROW, { path: '/' }, { peer: 'p:1', signal: new AbortController().signal }));
  const [extra, ...others] = begun;
  await Promise.all(others.map((stream) => stream.next()));
  expect(await errorOf(extra?.next() as Promise<unknown>)).toMatchObject({ code: 'resource_exhausted' });
  await others[0]?.return();
  const more = calls.stream(ROW, { path: '/' }, { peer: 'p:1', signal: new AbortController().signal });
  expect((await more.next()).done).toBe(false);
  await Promise.all([more, ...others].map((stream) => stream.return()));
});
