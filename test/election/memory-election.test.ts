import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.js';
import { epoch } from '../../src/base/ids.js';
import { systemClock } from '../../src/base/system-clock.js';
import type { ElectionEvent } from '../../src/election/election.js';
import { MemoryElectionService } from '../../src/election/memory-election.js';
import { electionContract } from '../contract/election-contract.js';

const TIMEOUT_MS = 300;

electionContract('memory', async () => {
  const service = new MemoryElectionService({ sessionTimeoutMs: TIMEOUT_MS }, { clock: systemClock });
  let made = 0;
  return {
    timeoutMs: TIMEOUT_MS,
    inOrder: true,
    async candidate() {
      made += 1;
      const rpcAddress = `127.0.0.1:${made}`;
      return {
        election: service.election(),
        rpcAddress,
        kill: async () => service.kill(rpcAddress),
        loseSession: async () => service.expire(rpcAddress),
      };
    },
    directory: async () => service.directory(),
    async [Symbol.asyncDispose]() {},
  };
});

describe('memory election', () => {
  /** Two candidates on a clock whose deferred work is done when asked. */
  function world(clock: Partial<Clock> = {}) {
    const deferred: (() => void)[] = [];
    const service = new MemoryElectionService(
      { sessionTimeoutMs: TIMEOUT_MS },
      { clock: { ...systemClock, ...clock, defer: (fn) => void deferred.push(fn) } },
    );
    const settle = () => {
      for (let next = deferred.shift(); next !== undefined; next = deferred.shift()) next();
    };
    const join = (rpcAddress: string) => {
      const election = service.election();
      const events: ElectionEvent['type'][] = [];
      election.join(rpcAddress, ({ type }) => events.push(type));
      settle();
      return { election, events };
    };
    return { service, settle, join };
  }

  test('expire: untold, two are elected at once until the first is told', () => {
    const { service, settle, join } = world();
    const a = join('a:1');
    const b = join('b:1');
    service.expire('a:1', { tell: false });
    settle();
    expect([a.events, b.events]).toEqual([['elected'], ['elected']]);
    service.tell('a:1');
    settle();
    expect([a.events, b.events]).toEqual([['elected', 'deposed'], ['elected']]);
    service.expire('b:1');
    settle();
    expect([a.events.at(-1), b.events.at(-1)]).toEqual(['elected', 'deposed']);
  });

  test('stop: callers get unavailable, nobody is elected; start: what was asked for is done', async () => {
    const { service, settle, join } = world();
    const a = join('a:1');
    const b = join('b:1');
    service.stop();
    await expect(a.election.requeue()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(a.election.publish({ rpcAddress: 'a:1', webAddress: 'a:2', epoch: epoch(1) })).rejects.toMatchObject({
      code: 'unavailable',
    });
    await expect(service.directory().leaders()).rejects.toMatchObject({ code: 'unavailable' });
    settle();
    expect([a.events, b.events]).toEqual([['elected', 'deposed'], []]);
    service.start();
    settle();
    expect([a.events, b.events]).toEqual([['elected', 'deposed'], ['elected']]);
    expect(await service.directory().leaders()).toHaveLength(1);
    expect(await service.directory().candidates()).toEqual(['b:1', 'a:1']);
  });

  test('kill: what it published stays for the time-out', async () => {
    const { service, join } = world();
    const a = join('a:1');
    await a.election.publish({ rpcAddress: 'a:1', webAddress: 'a:2', epoch: epoch(1) });
    service.kill('a:1');
    expect(await service.directory().leaders()).toHaveLength(1);
    await expect.poll(() => service.directory().leaders()).toEqual([]);
  });

  test('disconnect: unheard until it is back; the next one is elected once its session ends', () => {
    const timers: (() => void)[] = [];
    const { service, settle, join } = world({ setTimer: (_delayMs, fn) => ({ cancel() {}, fired: timers.push(fn) }) });
    const a = join('a:1');
    const b = join('b:1');
    service.disconnect('a:1');
    settle();
    expect([a.events, b.events]).toEqual([['elected'], []]);
    for (const fire of timers.splice(0)) fire();
    settle();
    expect([a.events, b.events]).toEqual([['elected'], ['elected']]);
    service.reconnect('a:1');
    settle();
    expect(a.events).toEqual(['elected', 'deposed']);
    service.disconnect('b:1');
    service.reconnect('b:1');
    for (const fire of timers.splice(0)) fire();
    settle();
    expect(b.events).toEqual(['elected']);
  });

  test('start: with no session left, the leader is deposed and what it published is made again', async () => {
    const { service, settle, join } = world();
    const a = join('a:1');
    await a.election.publish({ rpcAddress: 'a:1', webAddress: '', epoch: epoch(1) });
    service.stop();
    service.start({ forgets: true });
    expect(service.leaders()).toEqual([]);
    settle();
    expect(a.events).toEqual(['elected', 'deposed', 'elected']);
    expect(service.leaders()).toMatchObject([{ rpcAddress: 'a:1' }]);
  });
});
