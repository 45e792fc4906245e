import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.js';
import { UnderstudyError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { type Deferred, deferred } from '../../src/base/wait.js';
import { ownNameGroups } from '../../src/master/group-mapping.js';
import { Identities, type IdentitySettings } from '../../src/master/identities.js';

const SETTINGS: IdentitySettings = { permissionsEnabled: true, owner: 'master', supergroup: 'super', groupsTimeoutMs: 1000 };

/** Time that stands until it is told; its timers fire when it passes them. */
class HandClock implements Clock {
  nowMs = 0;
  readonly #timers = new Set<{ readonly atMs: number; fn(): void }>();
  wallMs = () => this.nowMs;
  monotonicMs = () => this.nowMs;
  defer(fn: () => void): void {
    queueMicrotask(fn);
  }
  setTimer(delayMs: number, fn: () => void) {
    const timer = { atMs: this.nowMs + delayMs, fn };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }
  pass(ms: number): void {
    this.nowMs += ms;
    for (const timer of this.#timers) {
      if (timer.atMs > this.nowMs) continue;
      this.#timers.delete(timer);
      timer.fn();
    }
  }
}

/** Answers each look-up when the test says so. */
function world(settings: Partial<IdentitySettings> = {}) {
  const clock = new HandClock();
  const asked: { readonly user: string; readonly answer: Deferred<readonly string[]> }[] = [];
  const groupsOf = (user: string) => {
    const answer = deferred<readonly string[]>();
    asked.push({ user, answer });
    return answer.promise;
  };
  const identities = new Identities({ ...SETTINGS, ...settings }, { clock, log: silentLog, groups: { groupsOf } });
  const last = () => {
    const { answer } = asked[asked.length - 1] ?? {};
    if (answer === undefined) throw new Error('nothing was asked');
    return answer;
  };
  return { clock, asked, identities, last };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const gone = new UnderstudyError('unavailable', 'the directory is down');

describe('identities', () => {
  test('a user that is not known, looked up once for all who ask, and known from then on', async () => {
    const { identities, asked, last } = world();
    expect(identities.known('alice')).toBeNull();
    const both = Promise.all([identities.identify('alice'), identities.identify('alice')]);
    last().resolve(['dev', 'staff']);
    const [one, other] = await both;
    expect(one).toBe(other);
    expect(one).toEqual({ user: 'alice', group: 'dev', groups: new Set(['dev', 'staff']), isSuperuser: false });
    expect(identities.known('alice')).toBe(one);
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['master', [], {}, true],
    ['alice', ['dev', 'super'], {}, true],
    ['alice', ['dev'], {}, false],
    ['root', [], {}, false],
    ['alice', [], { permissionsEnabled: false }, true],
  ])('%s of %j, settings %j, superuser: %j', async (user, groups, settings, isSuperuser) => {
    const { identities, last } = world(settings);
    const found = identities.identify(user);
    last().resolve(groups);
    expect(await found).toMatchObject({ user, isSuperuser, group: groups[0] ?? '' });
  });

  test('an answer past its time, used while it is renewed, once for all', async () => {
    const { clock, identities, asked, last } = world();
    const found = identities.identify('alice');
    last().resolve(['dev']);
    const old = await found;
    clock.pass(1000);
    expect([identities.known('alice'), identities.known('alice')]).toEqual([old, old]);
    expect(asked).toHaveLength(2);
    last().resolve(['qa']);
    await settle();
    expect(identities.known('alice')?.group).toBe('qa');
  });

  test('an answer past twice its time, not used before the look-up ends', async () => {
    const { clock, identities, last } = world();
    const found = identities.identify('alice');
    last().resolve(['dev']);
    await found;
    clock.pass(2000);
    expect(identities.known('alice')).toBeNull();
    const again = identities.identify('alice');
    last().resolve(['qa']);
    expect((await again).group).toBe('qa');
  });

  test('a look-up that fails, of a known user: the old answer; asked anew only after a pause', async () => {
    const { clock, identities, asked, last } = world();
    const found = identities.identify('alice');
    last().resolve(['dev']);
    const old = await found;
    clock.pass(5000);
    const again = identities.identify('alice');
    last().reject(gone);
    expect(await again).toBe(old);
    expect(identities.known('alice')).toBe(old);
    expect(asked).toHaveLength(2);
    clock.pass(1000);
    expect(identities.known('alice')).toBe(old);
    expect(asked).toHaveLength(3);
  });

  test('a look-up that fails, of an unknown user: refused, and asked anew only after a pause', async () => {
    const { clock, identities, asked, last } = world();
    const refused = expect.objectContaining({ code: 'unavailable', message: expect.stringContaining('the directory is down') });
    const found = identities.identify('alice');
    last().reject(gone);
    await expect(found).rejects.toEqual(refused);
    await expect(identities.identify('alice')).rejects.toEqual(refused);
    expect(asked).toHaveLength(1);
    clock.pass(1000);
    const again = identities.identify('alice');
    last().resolve([]);
    expect(await again).toMatchObject({ group: '', isSuperuser: false });
  });

  test('a look-up that fails, of the user who runs the masters: a superuser all the same', async () => {
    const { clock, identities, last } = world();
    const found = identities.identify('master');
    last().reject(gone);
    expect(await found).toMatchObject({ user: 'master', group: '', isSuperuser: true });
    clock.pass(1000);
    expect(identities.known('master')?.isSuperuser).toBe(true);
  });

  test('a look-up that hangs, refused when its time is over', async () => {
    const { clock, identities } = world();
    const found = identities.identify('alice');
    await settle();
    clock.pass(5000);
    await expect(found).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('many users, eight looked up at once, 1024 in all, and no more', async () => {
    const { identities, asked } = world();
    const found = Array.from({ length: 1024 }, (_, at) => identities.identify(`u${at}`));
    await expect(identities.identify('one more')).rejects.toMatchObject({ code: 'unavailable' });
    let most = 0;
    for (let answered = 0; answered < 1024; answered++) {
      most = Math.max(most, asked.length - answered);
      asked[answered]?.answer.resolve([]);
      await settle();
    }
    expect(most).toBe(8);
    expect(await Promise.all(found)).toHaveLength(1024);
    expect(await identities.identify('u0')).toMatchObject({ user: 'u0' });
  });

  test('more users than are remembered, the one looked up longest ago is forgotten', async () => {
    const identities = new Identities(SETTINGS, { clock: new HandClock(), log: silentLog, groups: ownNameGroups });
    for (let at = 0; at <= 10_000; at++) await identities.identify(`u${at}`);
    expect(identities.known('u0')).toBeNull();
    expect(identities.known('u1')?.group).toBe('u1');
  });
});
