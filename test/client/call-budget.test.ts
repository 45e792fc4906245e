import { expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.js';
import { UnderstudyError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import { deferred } from '../../src/base/wait.js';
import { askMaster } from '../../src/client/ask-masters.js';
import { CallBudget } from '../../src/client/call-budget.js';
import { Connections } from '../../src/client/connections.js';
import type { RpcConnection } from '../../src/rpc/rpc.js';
import { QUICK } from './scripted-cluster.js';

/** Takes the call and fails it. */
const refusing: RpcConnection = {
  address: 'a:1',
  lost: new AbortController().signal,
  call: () => Promise.reject(new UnderstudyError('unavailable', 'refused')),
  async *stream() {},
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

test.each(['while its master is being connected to', 'before its master is asked'])(
  'budget: released %s, no timer is left',
  async (when) => {
    const running = new Set<number>();
    let timers = 0;
    const clock: Clock = {
      ...systemClock,
      setTimer(delayMs, fn) {
        const id = ++timers;
        const timer = systemClock.setTimer(delayMs, () => {
          running.delete(id);
          fn();
        });
        running.add(id);
        return {
          cancel: () => {
            running.delete(id);
            timer.cancel();
          },
        };
      },
    };
    const connected = deferred<RpcConnection>();
    const connections = new Connections(QUICK, clock, () => connected.promise);
    const budget = new CallBudget(clock, 60_000, new AbortController().signal, undefined);
    if (when.startsWith('before')) budget.release();
    const asked = askMaster(connections, 'a:1', budget);
    budget.release();
    connected.resolve(refusing);
    const { error } = await asked;
    expect(error).toBeDefined();
    await new Promise((resolve) => setImmediate(resolve));
    expect([...running]).toEqual([]);
  },
);
