import { describe, expect, test } from 'vitest';
import { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import { deferred } from '../../src/base/wait.js';
import type { LeaderDirectory, LeaderRecord } from '../../src/election/election.js';
import { operations } from '../../src/metadata/operations.js';
import { created, fail, follows, leads, never, ScriptedCluster } from './scripted-cluster.js';

const code = (wanted: string) => expect.objectContaining({ code: wanted });

function directory(leaders: () => readonly Partial<LeaderRecord>[]): LeaderDirectory {
  const records = async () => leaders().map((record) => ({ webAddress: 'web:1', epoch: 1, ...record }) as LeaderRecord);
  return { leaders: records, candidates: async () => [], close: async () => {}, [Symbol.asyncDispose]: async () => {} };
}

describe('finding the leader', () => {
  test('client: list of masters, the one that says it leads is asked', async () => {
    const cluster = new ScriptedCluster();
    cluster.add('a:1', follows());
    const leader = cluster.add('b:1', leads(3));
    await using fs = cluster.client();
    expect((await fs.createFile('/x')).sn).toBe(1);
    expect(leader.callers()).toEqual([
      expect.objectContaining({ clientId: 7, callId: 1, attempt: 1, lowestUnanswered: 1, user: 'ada', group: 'staff' }),
    ]);
  });

  test('client: two that say they lead, the higher epoch is asked', async () => {
    const cluster = new ScriptedCluster();
    const old = cluster.add('a:1', leads(3));
    const leader = cluster.add('b:1', leads(4));
    await using fs = cluster.client();
    await fs.createFile('/x');
    expect([old.callers().length, leader.callers().length]).toEqual([0, 1]);
  });

  test('client: only a standby is listed, its word about the leader is followed', async () => {
    const cluster = new ScriptedCluster();
    cluster.add('a:1', follows('b:1'));
    cluster.add('b:1', leads(3));
    await using fs = cluster.client({ masters: ['a:1'] });
    expect((await fs.createFile('/x')).sn).toBe(1);
  });

  test('client: a master that does not answer, the leader is found without waiting for it', async () => {
    const cluster = new ScriptedCluster();
    cluster.add('a:1', never);
    cluster.add('b:1', leads(3));
    await using fs = cluster.client({ lookTimeoutMs: 60_000 });
    expect((await fs.createFile('/x', { timeoutMs: 2_000 })).sn).toBe(1);
  });

  test('client: nobody leads, unavailable within the deadline', async () => {
    const cluster = new ScriptedCluster();
    cluster.add('a:1', follows());
    await using fs = cluster.client();
    await expect(fs.createFile('/x', { timeoutMs: 60 })).rejects.toThrow(code('unavailable'));
    expect(await fs.leader()).toBeUndefined();
  });

  test('client: masters that point at each other, the searches stay few', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add(
      'a:1',
      leads(1, () => fail('not_leader', 'b:1')),
    );
    const b = cluster.add(
      'b:1',
      leads(1, () => fail('not_leader', 'a:1')),
    );
    await using fs = cluster.client({ retryBaseMs: 20, retryMaxMs: 50, quickRetryBaseMs: 10 });
    await expect(fs.exists('/x', { timeoutMs: 300 })).rejects.toThrow(code('unavailable'));
    expect(a.seen.length + b.seen.length).toBeLessThan(80);
  });

  test('client: not_leader with a hint, the hint is followed and the attempt is still the first', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add(
      'a:1',
      leads(1, () => fail('not_leader', 'b:1')),
    );
    const b = cluster.add('b:1', follows());
    await using fs = cluster.client({ masters: ['a:1'] });
    b.script = leads(2);
    expect((await fs.createFile('/x')).sn).toBe(1);
    expect([a.callers().length, b.callers().map(({ attempt }) => attempt)]).toEqual([1, [1]]);
  });

  test('client: directory out of reach, the masters last seen are asked', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add('a:1', leads(1));
    let reachable = true;
    const fs = cluster.client(
      {},
      directory(() => (reachable ? [{ rpcAddress: 'a:1' }] : fail('unavailable'))),
    );
    await fs.createFile('/x');
    reachable = false;
    for (const connection of a.connections) connection.lose(new UnderstudyError('unavailable', 'reset'));
    expect((await fs.createFile('/y')).sn).toBe(1);
    await fs.close();
  });

  test('client: where the leader should be, a master of another cluster answers: said at once, and nothing of it is believed', async () => {
    const cluster = new ScriptedCluster();
    cluster.add('a:1', leads(1)).realm = 'production';
    const b = cluster.add('b:1', leads(2));
    b.realm = 'fork';
    const leaders = [{ rpcAddress: 'a:1', epoch: 1 }] as Partial<LeaderRecord>[];
    await using fs = cluster.client(
      {},
      directory(() => leaders),
    );
    await fs.createFile('/x');
    cluster.masters.get('a:1')?.kill();
    leaders[0] = { rpcAddress: 'b:1', epoch: 2 } as Partial<LeaderRecord>;
    await expect(fs.createFile('/y')).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining(
        'a master of another cluster answers: a client goes on with the cluster that it began with: address=b:1 cluster=fork began_with=production',
      ),
    });
    expect(b.seen).toEqual([]);
    b.realm = 'production';
    expect((await fs.createFile('/z')).sn).toBe(1);
  });

  test('client: leader silent and superseded, its calls go to the new one as later attempts', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add('a:1', leads(1, never));
    const b = cluster.add('b:1', leads(2));
    const leaders = [{ rpcAddress: 'a:1', epoch: 1 }] as Partial<LeaderRecord>[];
    await using fs = cluster.client(
      {},
      directory(() => leaders),
    );
    const pending = fs.createFile('/x');
    await expect.poll(() => a.callers().length).toBe(1);
    leaders.unshift({ rpcAddress: 'b:1', epoch: 2 } as Partial<LeaderRecord>);
    expect((await pending).sn).toBe(1);
    expect(b.callers()).toEqual([expect.objectContaining({ clientId: 7, callId: 1, attempt: 2 })]);
  });

  test('client: leader silent and not superseded, its calls stay', async () => {
    const cluster = new ScriptedCluster();
    const answer = deferred<Uint8Array>();
    const a = cluster.add(
      'a:1',
      leads(1, () => answer.promise),
    );
    cluster.add('b:1', leads(1));
    await using fs = cluster.client(
      { suspectAfterMs: 5 },
      directory(() => [{ rpcAddress: 'a:1' }, { rpcAddress: 'b:1' }] as LeaderRecord[]),
    );
    const pending = fs.createFile('/x');
    await expect.poll(() => a.callers().length).toBe(1);
    setTimeout(() => answer.resolve(created(5)), 40);
    expect((await pending).sn).toBe(5);
    expect(a.callers().length).toBe(1);
  });
});

describe('mutations', () => {
  test('client: connection lost under way, the same call is sent again as attempt 2', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add(
      'a:1',
      leads(1, (call) => {
        if (a.callers().length > 1) return created(9);
        call.lose();
        return never();
      }),
    );
    await using fs = cluster.client();
    expect((await fs.createFile('/x')).sn).toBe(9);
    expect(a.callers().map(({ callId, attempt }) => [callId, attempt])).toEqual([
      [1, 1],
      [1, 2],
    ]);
  });

  test.each(['fenced', 'outcome_unknown'] as const)('client: %s, the same call is sent again as attempt 2', async (failure) => {
    const cluster = new ScriptedCluster();
    const a = cluster.add(
      'a:1',
      leads(1, () => (a.callers().length > 1 ? created(9) : fail(failure))),
    );
    await using fs = cluster.client();
    await fs.createFile('/x');
    expect(a.callers().map(({ callId, attempt }) => [callId, attempt])).toEqual([
      [1, 1],
      [1, 2],
    ]);
  });

  test('client: unavailable from a master that is there, sent again as the first attempt', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add(
      'a:1',
      leads(1, () => (a.callers().length > 2 ? created(9) : fail('unavailable'))),
    );
    await using fs = cluster.client();
    await fs.createFile('/x');
    expect(a.callers().map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
  });

  test('client: refused for its own sake, told at once and not sent again', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add(
      'a:1',
      leads(1, () => fail('already_exists')),
    );
    await using fs = cluster.client();
    await expect(fs.createFile('/x')).rejects.toThrow(code('already_exists'));
    expect(a.callers().length).toBe(1);
  });

  test('client: out of time with the outcome unknown, deadline_exceeded says that it may have happened', async () => {
    const cluster = new ScriptedCluster();
    cluster.add('a:1', leads(1, never));
    await using fs = cluster.client();
    const error = await fs.createFile('/x', { timeoutMs: 50 }).catch((reason) => reason);
    expect(error).toEqual(code('deadline_exceeded'));
    expect(error.message).toContain('may have happened');
  });

  test('client: out of time and refused each time, unavailable with the reason', async () => {
    const cluster = new ScriptedCluster();
    cluster.add(
      'a:1',
      leads(1, () => fail('unavailable')),
    );
    await using fs = cluster.client();
    const error = await fs.createFile('/x', { timeoutMs: 50 }).catch((reason) => reason);
    expect(error).toEqual(code('unavailable'));
    expect(error.message).toContain('scripted unavailable');
  });

  test('client: given up under way, cancelled says that it may have happened', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add('a:1', leads(1, never));
    await using fs = cluster.client();
    const giveUp = new AbortController();
    const pending = fs.createFile('/x', { signal: giveUp.signal });
    await expect.poll(() => a.callers().length).toBe(1);
    giveUp.abort();
    const error = await pending.catch((reason) => reason);
    expect(error).toEqual(code('cancelled'));
    expect(error.message).toContain('may have happened');
  });

  test('client: session expired at the first attempt, sent once more under a new session', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add(
      'a:1',
      leads(1, () => (a.callers().length > 1 ? created(3) : fail('session_expired'))),
    );
    await using fs = cluster.client();
    expect((await fs.createFile('/x')).sn).toBe(3);
    expect(a.callers().map(({ callId, attempt }) => [callId, attempt])).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(a.seen.filter(({ method }) => method === operations.registerClient.method).length).toBe(2);
  });

  test('client: session expired once it may have happened, told to the caller; later calls have a new session', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add(
      'a:1',
      leads(1, () => {
        const { length } = a.callers();
        return length === 1 ? fail('outcome_unknown') : length === 2 ? fail('session_expired') : created(4);
      }),
    );
    await using fs = cluster.client();
    const error = await fs.createFile('/x').catch((reason) => reason);
    expect(error).toEqual(code('session_expired'));
    expect(error.message).toContain('may have happened');
    expect((await fs.createFile('/y')).sn).toBe(4);
    expect(a.callers().at(-1)).toMatchObject({ callId: 1, attempt: 1 });
  });

  test('client: masters that forget every session at once, given up', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add(
      'a:1',
      leads(1, () => fail('session_expired')),
    );
    await using fs = cluster.client();
    await expect(fs.createFile('/x')).rejects.toThrow(code('session_expired'));
    expect(a.callers().length).toBe(3);
  });

  test('client: more calls than the window, no call is ever sent beyond it and all are answered', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add(
      'a:1',
      leads(1, async () => {
        await new Promise(setImmediate);
        return created(1);
      }),
    );
    await using fs = cluster.client();
    await Promise.all(Array.from({ length: 50 }, (_, index) => fs.createFile(`/${index}`)));
    const callers = a.callers();
    expect(callers.map(({ callId }) => callId)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    for (const { callId, lowestUnanswered } of callers) expect(callId! - lowestUnanswered!).toBeLessThan(4);
  });

  test('client: too many wait for the window, resource_exhausted', async () => {
    const cluster = new ScriptedCluster();
    cluster.add('a:1', leads(1, never));
    const fs = cluster.client({ waitingCallsMax: 2 });
    const all = Promise.allSettled(Array.from({ length: 7 }, (_, index) => fs.createFile(`/${index}`)));
    await expect(fs.createFile('/late')).rejects.toThrow();
    await fs.close();
    const reasons = (await all).map((settled) => (settled as PromiseRejectedResult).reason.code);
    expect(reasons.filter((reason) => reason === 'resource_exhausted').length).toBe(1);
    expect(reasons.filter((reason) => reason === 'cancelled').length).toBe(6);
  });

  test('client: closed, its session is closed too and later calls are cancelled', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add('a:1', leads(1));
    const fs = cluster.client();
    await fs.createFile('/x');
    await fs.close();
    await fs.close();
    expect(a.seen.filter(({ method }) => method === operations.closeClient.method).length).toBe(1);
    await expect(fs.createFile('/y')).rejects.toThrow(code('cancelled'));
    expect(a.connections.size).toBe(0);
  });

  test('client: leader does not answer the goodbye, close is bounded', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add('a:1', leads(1));
    const fs = cluster.client();
    await fs.createFile('/x');
    a.script = never;
    await fs.close();
    expect(a.connections.size).toBe(0);
  });
});

describe('reads', () => {
  const found = (sn: number) => understudy.ExistsResponse.encode({ exists: true, sn }).finish();

  test('client: linearizable read, only the leader is asked', async () => {
    const cluster = new ScriptedCluster();
    const standby = cluster.add('a:1', follows());
    cluster.add(
      'b:1',
      leads(1, () => found(1)),
    );
    await using fs = cluster.client();
    expect(await fs.exists('/x')).toBe(true);
    expect(standby.seen.every(({ method }) => method === operations.masterStatus.method)).toBe(true);
  });

  test('client: stale read, any master is asked and the next one when it fails', async () => {
    const cluster = new ScriptedCluster();
    cluster.add('a:1', () => fail('unavailable')).up = false;
    const b = cluster.add('b:1', () => found(1));
    await using fs = cluster.client();
    expect(await fs.exists('/x', { stale: true })).toBe(true);
    expect(await fs.exists('/x', { atLeastSn: 9 })).toBe(true);
    const asked = b.seen.map(({ body }) => understudy.ExistsRequest.decode(body).freshness);
    expect(asked).toEqual([expect.objectContaining({ stale: true }), expect.objectContaining({ atLeastSn: 9 })]);
  });

  test('client: listing whose master fails in the middle, the rest comes from the next one', async () => {
    const cluster = new ScriptedCluster();
    const page = (...names: string[]) =>
      understudy.ListStatusPage.encode({ sn: 1, entries: names.map((name) => ({ name, inode: { id: 1 } })) }).finish();
    const a = cluster.add('a:1', leads(1));
    const asked: string[] = [];
    a.pages = async function* (call) {
      const { startAfter } = understudy.ListStatusRequest.decode(call.body);
      asked.push(startAfter);
      if (startAfter === 'b') return yield page('c');
      yield page('a', 'b');
      call.lose();
      yield page('never');
    };
    await using fs = cluster.client();
    const paths: string[] = [];
    for await (const { path } of fs.list('/d')) paths.push(path);
    expect(paths).toEqual(['/d/a', '/d/b', '/d/c']);
    expect(asked).toEqual(['', 'b']);
  });

  test('client: listing that no master serves, is given up as a call is; pages that came give it its time again', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add('a:1', leads(1));
    await using fs = cluster.client({ callTimeoutMs: 300 });
    const list = async () => {
      const names: string[] = [];
      for await (const { name } of fs.list('/d')) names.push(name);
      return names;
    };
    a.up = false;
    await expect(list()).rejects.toThrow(code('unavailable'));
    a.up = true;
    a.pages = async function* () {
      yield* [];
      throw new UnderstudyError('unavailable', 'the storage does not answer');
    };
    await expect(list()).rejects.toThrow(/given up after 300 ms: the storage does not answer/);
    const beganMs = systemClock.monotonicMs();
    let left = 12;
    a.pages = async function* () {
      yield understudy.ListStatusPage.encode({ sn: 1, entries: [{ name: `f${left}`, inode: { id: 1 } }] }).finish();
      if (left-- > 0) throw new UnderstudyError('unavailable', 'it goes away', { retryAfterMs: 40 });
    };
    expect(await list()).toHaveLength(13);
    expect(systemClock.monotonicMs() - beganMs).toBeGreaterThan(300);
  });

  test('client: load whose storage fails again and again, is given up though each attempt tells how far it is', async () => {
    const cluster = new ScriptedCluster();
    const a = cluster.add('a:1', leads(1));
    await using fs = cluster.client({ callTimeoutMs: 300 });
    a.pages = async function* () {
      yield understudy.LoadMetadataItem.encode({ looked: 0, done: false }).finish();
      throw new UnderstudyError('unavailable', 'the storage does not answer');
    };
    await expect(fs.loadMetadata('/m')).rejects.toThrow(/given up after 300 ms: the storage does not answer/);
  });
});
