import { describe, expect, test } from 'vitest';
import type { Seen } from './events.js';
import { batch, chmod, create, directory, entry, file, mkdir, remove, rename, Script, write } from './script.js';

/** A directory /d with a file a in it, inodes 2 and 3. */
function begun(): Script {
  const script = new Script();
  script.did('c1.0', mkdir('/d'), { id: 2 });
  script.did('c1.0', create('/d/a'), { id: 3 });
  return script;
}

function expectHolds(script: Script): void {
  expect(script.verdict()).toMatchObject({ violations: [], undecided: [], lost: 0, duplicated: 0 });
}

function expectBroken(script: Script, message = 'no order of the operations'): void {
  const { violations } = script.verdict();
  expect(violations.join('\n')).toContain(message);
}

describe('one after the other', () => {
  test('what was made, renamed and removed is seen so', () => {
    const script = begun();
    script.saw('c2.0', '/d/a', file(3));
    script.did('c1.0', rename('/d/a', '/d/b'));
    script.saw('c2.0', '/d/a', 'ENOENT');
    script.listed('c2.0', '/d', [entry('b', file(3))]);
    script.did('c1.0', remove('/d', true));
    script.saw('c2.0', '/d/b', 'ENOENT');
    expectHolds(script);
  });

  test('a stale look after a rename: told', () => {
    const script = begun();
    script.did('c1.0', rename('/d/a', '/d/b'));
    script.saw('c2.0', '/d/a', file(3));
    expectBroken(script);
  });

  test('acknowledged and gone: told, and counted', () => {
    const script = begun();
    script.saw('c2.0', '/d/a', 'ENOENT');
    expectBroken(script);
    expect(script.verdict().lost).toBe(1);
  });

  test('all of it gone: what was acknowledged is counted', () => {
    const script = begun();
    script.did('c1.0', create('/d/b'), { id: 4 });
    script.call('c2.0', { kind: 'list', path: '/d' }).refused('ENOENT');
    expect(script.verdict().lost).toBe(3);
    const removed = begun();
    removed.did('c1.0', remove('/d', true));
    removed.saw('c2.0', '/d', 'ENOENT');
    expectHolds(removed);
  });

  test('another inode under the name: told', () => {
    const script = begun();
    script.saw('c2.0', '/d/a', file(4));
    expectBroken(script);
  });

  test('a phantom in a listing: told', () => {
    const script = begun();
    script.listed('c2.0', '/d', [entry('a', file(3)), entry('b', file(9))]);
    expectBroken(script);
  });

  test('a register keeps its last value', () => {
    const script = begun();
    script.did('c1.0', chmod('/d/a', 0o700), { id: 3 });
    script.saw('c2.0', '/d/a', file(3, 0o700));
    expectHolds(script);
    script.saw('c2.0', '/d/a', file(3));
    expectBroken(script);
  });

  test('a refusal that the state does not explain: told', () => {
    const script = begun();
    script.call('c1.0', rename('/d/a', '/d/b')).refused('EEXIST');
    expectBroken(script);
  });

  test('a creation that found itself there is one that ran twice: told, and counted', () => {
    const script = begun();
    script.call('c1.0', create('/d/b')).refused('EEXIST');
    expectBroken(script);
    expect(script.verdict().duplicated).toBe(1);
  });

  test('a creation that found what a renamed directory brought: did not run twice', () => {
    const script = begun();
    script.did('c1.0', mkdir('/d/t'), { id: 10 });
    script.did('c1.0', create('/d/t/b'), { id: 11 });
    script.did('c1.0', rename('/d/t', '/d/u'), { id: 10 });
    script.call('c1.0', create('/d/u/b')).refused('EEXIST');
    expect(script.verdict().duplicated).toBe(0);
  });

  test('blocks that were handed out twice: told', () => {
    const script = begun();
    script.did('c1.0', write('/d/b'), { id: 4 });
    script.did('c1.0', { kind: 'addBlocks', path: '/d/b', blocks: 1 }, { id: 4, blocks: 1 });
    script.did('c1.0', { kind: 'addBlocks', path: '/d/b', blocks: 1 }, { id: 4, blocks: 2 });
    expectHolds(script);
    script.did('c1.0', { kind: 'addBlocks', path: '/d/b', blocks: 1 }, { id: 4, blocks: 4 });
    expectBroken(script);
  });

  test('more names than the quota, or a refusal while there is room: told', () => {
    const quota = { kind: 'setQuota', path: '/d', namesMax: 2 } as const;
    const full = begun();
    full.did('c1.0', quota, { id: 2 });
    full.did('c1.0', create('/d/b'), { id: 4 });
    full.call('c1.0', create('/d/c')).refused('EDQUOT');
    expectHolds(full);
    full.did('c1.0', create('/d/c'), { id: 5 });
    expectBroken(full);
    const room = begun();
    room.did('c1.0', quota, { id: 2 });
    room.call('c1.0', create('/d/b')).refused('EDQUOT');
    expectBroken(room);
  });

  test('an error that nobody should meet: told', () => {
    const script = begun();
    script.call('c1.0', create('/d/b')).nothing('internal');
    expectBroken(script, 'failed: internal');
    const passing = begun();
    passing.call('c1.0', create('/d/b')).nothing();
    expectHolds(passing);
    passing.saw('c2.0', '/d/b', file(4));
    expectBroken(passing);
  });

  test('one inode for two files: told, and counted', () => {
    const script = begun();
    script.did('c1.0', create('/d/b'), { id: 3 });
    expectBroken(script, 'inode 3 was made twice');
    expect(script.verdict().duplicated).toBe(1);
  });

  test('one inode below two names of the root: told, though neither part is broken', () => {
    const script = begun();
    script.call('c2.0', mkdir('/e')).unknown();
    script.saw('c3.0', '/e', directory(3, 0));
    expectBroken(script, 'inode 3 is in two places');
  });
});

describe('answers that say little', () => {
  test('a listing without a page is an empty one: told where there is something', () => {
    const empty = new Script();
    empty.did('c1.0', mkdir('/d'), { id: 2 });
    empty.call('c2.0', { kind: 'list', path: '/d' }).ok({ pages: [] });
    expectHolds(empty);
    for (const value of [{ pages: [] }, {}]) {
      const script = begun();
      script.call('c2.0', { kind: 'list', path: '/d' }).ok(value);
      expectBroken(script);
    }
  });

  test('a directory without the number of its children: told', () => {
    const script = begun();
    script.saw('c2.0', '/d', { id: 2, directory: true, mode: 0o755 });
    expectBroken(script);
  });

  test('a read of any master that names no entry: told, but where it finds nothing', () => {
    const script = begun();
    script.saw('c2.0', '/d/a', 'ENOENT', 'stale');
    expectHolds(script);
    for (const seen of [file(99), 'EIO'] as const) {
      const wrong = begun();
      wrong.saw('c2.0', '/d/a', seen, 'session');
      expectBroken(wrong, 'as of no entry');
    }
  });
});

describe('at the same time', () => {
  test('a look sees a change that is under way, or not; but not first it and then nothing', () => {
    for (const [first, second, holds] of [
      [file(4), file(4), true],
      ['ENOENT', file(4), true],
      ['ENOENT', 'ENOENT', true],
      [file(4), 'ENOENT', false],
    ] as const) {
      const script = begun();
      const making = script.call('c1.0', create('/d/b'));
      script.saw('c2.0', '/d/b', first);
      script.saw('c3.0', '/d/b', second);
      making.ok({ id: 4 });
      if (holds) expectHolds(script);
      else expectBroken(script);
    }
  });

  test('two creations of one name: one wins', () => {
    const script = begun();
    const [one, other] = [script.call('c1.0', create('/d/b')), script.call('c2.0', create('/d/b'))];
    other.ok({ id: 4 });
    one.refused('EEXIST');
    expectHolds(script);
    const both = begun();
    const [first, second] = [both.call('c1.0', create('/d/b')), both.call('c2.0', create('/d/b'))];
    first.ok({ id: 4 });
    second.ok({ id: 5 });
    expectBroken(both);
  });

  test('a rename is one step: a listing shows neither both names nor none', () => {
    for (const [entries, holds] of [
      [[entry('a', file(3))], true],
      [[entry('b', file(3))], true],
      [[], false],
      [[entry('a', file(3)), entry('b', file(3))], false],
    ] as const) {
      const script = begun();
      const moving = script.call('c1.0', rename('/d/a', '/d/b'));
      script.listed('c2.0', '/d', entries);
      moving.ok();
      if (holds) expectHolds(script);
      else expectBroken(script);
    }
  });

  test('a batch seen half: told', () => {
    for (const [children, holds] of [
      [1, true],
      [2, false],
      [3, true],
    ] as const) {
      const script = begun();
      const both = script.call('c1.0', batch(create('/d/b'), create('/d/c')));
      script.saw('c2.0', '/d', directory(2, children));
      both.ok({ ids: [4, 5] });
      if (holds) expectHolds(script);
      else expectBroken(script);
    }
  });

  test('made below a tree that is moved: found where the tree is', () => {
    const script = begun();
    script.did('c1.0', mkdir('/d/t'), { id: 4 });
    const moving = script.call('c1.0', rename('/d/t', '/d/s'));
    script.did('c2.0', create('/d/t/x'), { id: 5 });
    moving.ok();
    script.saw('c2.0', '/d/s/x', file(5));
    expectHolds(script);
    script.did('c2.0', create('/d/t/y'), { id: 6 });
    expectBroken(script);
  });

  test('pages of one listing as of two entries are two looks', () => {
    const script = begun();
    const listing = script.call('c2.0', { kind: 'list', path: '/d' });
    script.did('c1.0', rename('/d/a', '/d/z'), {}, 7);
    listing.ok({
      pages: [
        { sn: 6, entries: [entry('a', file(3))] },
        { sn: 7, entries: [entry('z', file(3))] },
      ],
    });
    expectHolds(script);
    const one = begun();
    const look = one.call('c2.0', { kind: 'list', path: '/d' });
    one.did('c1.0', rename('/d/a', '/d/z'), {}, 7);
    look.ok({
      pages: [
        { sn: 7, entries: [entry('a', file(3))] },
        { sn: 7, entries: [entry('z', file(3))] },
      ],
    });
    expectBroken(one);
  });
});

describe('of unknown outcome', () => {
  test('takes effect long after, or never; once seen it stays', () => {
    const script = begun();
    script.call('c1.0', create('/d/b')).unknown();
    script.saw('c2.0', '/d/b', 'ENOENT');
    script.did('c1.0', create('/d/c'), { id: 5 });
    expectHolds(script);
    script.saw('c2.0', '/d/b', file(4));
    script.saw('c3.0', '/d/b', file(4));
    expectHolds(script);
    script.saw('c2.0', '/d/b', 'ENOENT');
    expectBroken(script);
  });

  test('a call that never returned is one, too', () => {
    const script = begun();
    script.call('c1.0', create('/d/b'));
    script.saw('c2.0', '/d/b', file(4));
    expectHolds(script);
  });

  test('twice: told', () => {
    const script = begun();
    script.call('c1.0', create('/d/b')).unknown();
    script.saw('c2.0', '/d/b', file(4));
    script.did('c2.0', remove('/d/b'));
    script.saw('c2.0', '/d/b', 'ENOENT');
    expectHolds(script);
    script.saw('c2.0', '/d/b', file(5));
    expectBroken(script);
  });

  test('an acknowledged creation that is there again after a removal: told', () => {
    const script = begun();
    const making = script.call('c1.0', create('/d/b'));
    script.did('c2.0', remove('/d/b'));
    making.ok({ id: 4 });
    expectHolds(script);
    script.saw('c2.0', '/d/b', file(5));
    expectBroken(script);
  });

  test('two of which one must have happened: either, not both where only one could, not none', () => {
    const told = (seen: ReturnType<typeof file> | 'ENOENT') => {
      const script = begun();
      script.call('c1.0', rename('/d/a', '/d/b')).unknown();
      script.call('c2.0', rename('/d/a', '/d/c')).unknown();
      script.saw('c3.0', '/d/a', 'ENOENT');
      script.saw('c3.0', '/d/b', seen);
      return script;
    };
    expectHolds(told(file(3)));
    const other = told('ENOENT');
    expectHolds(other);
    other.saw('c3.0', '/d/c', 'ENOENT');
    expectBroken(other);
  });

  test('several that have nothing to do with each other, and that one look shows together', () => {
    const script = new Script();
    script.did('c1.0', mkdir('/h'), { id: 2 }, 1);
    for (const name of ['d', 'b', 'c', 'a']) script.call('c1.0', create(`/h/${name}`)).unknown();
    const entries = [entry('a', file(3)), entry('b', file(4)), entry('d', file(5))];
    script.call('c2.0', { kind: 'list', path: '/h' }).ok({ pages: [{ sn: 4, entries }] }, 4);
    expectHolds(script);
    script.saw('c2.0', '/h/c', 'ENOENT', 'linearizable', 4);
    expectHolds(script);
    script.saw('c2.0', '/h/a', 'ENOENT', 'linearizable', 4);
    expectBroken(script);
  });

  test('a chain: made, moved, and the directory moved, all unknown, all needed', () => {
    const script = begun();
    script.call('c1.0', mkdir('/d/t')).unknown();
    script.call('c2.0', create('/d/t/x')).unknown();
    script.call('c3.0', rename('/d/t', '/d/s')).unknown();
    script.saw('c4.0', '/d/s/x', file(7));
    expectHolds(script);
    script.saw('c4.0', '/d/t', 'ENOENT');
    expectHolds(script);
    script.saw('c4.0', '/d/t/x', file(7));
    expectBroken(script);
  });

  test('a lost update behind an unknown one: told', () => {
    const script = begun();
    script.call('c1.0', chmod('/d/a', 0o700)).unknown();
    script.did('c2.0', chmod('/d/a', 0o710), { id: 3 });
    script.saw('c3.0', '/d/a', file(3, 0o710));
    script.saw('c3.0', '/d/a', file(3, 0o700));
    expectHolds(script);
    script.saw('c3.0', '/d/a', file(3, 0o710));
    expectBroken(script);
  });

  test('what nobody sees costs nothing: hundreds of them', () => {
    const script = begun();
    for (let at = 0; at < 300; at++) script.call(`c${at}.0`, create(`/d/n${at}`)).unknown();
    for (let at = 0; at < 300; at++) script.saw('x.0', `/d/m${at}`, 'ENOENT');
    script.saw('x.0', '/d/a', file(3));
    const { violations, undecided, states } = script.verdict();
    expect({ violations, undecided }).toEqual({ violations: [], undecided: [] });
    expect(states).toBeLessThan(1_000);
  });
});

describe('when the power was cut', () => {
  const FILES = 12;

  /** Two dozen changes of which nobody heard; then a look at all of them, which shows some of their files, with the modes that were set. */
  function cut(shown: number): Script {
    const script = begun();
    for (let at = 0; at < FILES; at++) script.call(`c${at}.0`, create(`/d/n${at + 10}`)).unknown();
    for (let at = 0; at < FILES; at++) script.call(`c${at}.1`, chmod(`/d/n${at + 10}`, 0o700 + at)).unknown();
    const entries = Array.from({ length: shown }, (_, at) => entry(`n${at + 10}`, file(10 + at, 0o700 + at)));
    script.listed('x.0', '/d', [entry('a', file(3)), ...entries]);
    return script;
  }

  test.each([1, 6, FILES])('%d of a dozen files that a look at all shows: found without a long search', (shown) => {
    const { violations, undecided, states } = cut(shown).verdict();
    expect({ violations, undecided }).toEqual({ violations: [], undecided: [] });
    expect(states).toBeLessThan(20_000);
  });

  /** What somebody did about a file that nobody heard of and that was seen, and what is seen at its path then. */
  const AFTERWARDS: Readonly<Record<string, readonly [doIt: (script: Script) => void, seen: Seen | string]>> = {
    removed: [(script) => script.did('c2.0', remove('/d/n')), 'ENOENT'],
    'removed with its directory': [(script) => script.did('c2.0', remove('/d', true)), 'ENOENT'],
    'removed by somebody who does not know': [(script) => script.call('c2.0', remove('/d/n')).unknown(), 'ENOENT'],
    'renamed away': [(script) => script.did('c2.0', rename('/d/n', '/d/m')), 'ENOENT'],
    'renamed away with its directory': [(script) => script.did('c2.0', rename('/d', '/e')), 'ENOENT'],
    'gone in a batch': [(script) => script.did('c2.0', batch(chmod('/d', 0o755), remove('/d/n')), { ids: [2, null] }), 'ENOENT'],
    'made anew': [(script) => script.did('c2.0', create('/d/n', { overwrite: true }), { id: 8 }), file(8)],
    'something else renamed to it': [(script) => script.did('c2.0', rename('/d/a', '/d/n', true)), file(3)],
    'another mode': [(script) => script.did('c2.0', chmod('/d/n', 0o711), { id: 7 }), file(7, 0o711)],
  };

  test.each(Object.entries(AFTERWARDS))('a file that nobody heard of, seen, then %s: holds', (_, [doIt, seen]) => {
    const script = begun();
    script.call('c1.0', create('/d/n')).unknown();
    script.saw('x.0', '/d/n', file(7));
    doIt(script);
    script.saw('x.0', '/d/n', seen);
    expectHolds(script);
  });

  test('a directory that nobody heard of, seen, then another one with what is in it renamed to its path: holds', () => {
    const script = begun();
    script.call('c1.0', mkdir('/e')).unknown();
    script.saw('x.0', '/e', directory(7, 0));
    script.did('c2.0', rename('/d', '/e', true));
    script.listed('x.0', '/', [entry('e', directory(2, 1))]);
    script.saw('x.0', '/e/a', file(3));
    expectHolds(script);
  });

  test.each([
    ['a look that finds nothing', (script: Script) => script.saw('x.0', '/d/n', 'ENOENT')],
    ['a listing without it', (script: Script) => script.listed('x.0', '/d', [entry('a', file(3))])],
    ['another inode', (script: Script) => script.saw('x.0', '/d/n', file(3))],
    ['a mode that nobody set', (script: Script) => script.saw('x.0', '/d/n', file(7, 0o711))],
  ])('a file that nobody heard of, seen, then %s: told', (_, see) => {
    const script = begun();
    script.call('c1.0', create('/d/n')).unknown();
    script.saw('x.0', '/d/n', file(7));
    see(script);
    expectBroken(script);
  });
});

describe('by the entries that answers name', () => {
  const weak = { atLeastSn: 5 };

  test('a standby shows the state as of its entry, however old', () => {
    const script = begun();
    script.did('c1.0', rename('/d/a', '/d/b'), {}, 7);
    script.did('c1.0', rename('/d/b', '/d/c'), {}, 8);
    script.saw('c2.0', '/d/b', file(3), weak, 7);
    script.saw('c2.0', '/d/b', file(3), 'stale', 7);
    expectHolds(script);
    script.saw('c2.0', '/d/b', file(3), weak, 8);
    expectBroken(script, 'not the state as of the entries');
  });

  test('older than what was asked for: told', () => {
    const script = begun();
    script.did('c1.0', rename('/d/a', '/d/b'), {}, 7);
    script.saw('c2.0', '/d/a', file(3), { atLeastSn: 7 }, 6);
    expectBroken(script, 'answered as of sn=6');
  });

  test('a session that goes back: told, also behind what its client wrote itself', () => {
    const script = begun();
    script.saw('c2.0', '/d/a', file(3), 'session', 9);
    script.saw('c3.0', '/d/a', file(3), 'session', 8);
    expectHolds(script);
    script.saw('c2.1', '/d/a', file(3), 'session', 8);
    expectBroken(script, 'sn=9 was asked for, or told before');
    const own = begun();
    own.did('c2.0', rename('/d/a', '/d/b'), {}, 12);
    own.saw('c2.0', '/d/a', file(3), 'session', 11);
    expectBroken(own, 'answered as of sn=11');
  });

  test('a state that never was, half a batch: told', () => {
    const script = begun();
    script.did('c1.0', batch(create('/d/b'), create('/d/c')), { ids: [4, 5] }, 7);
    for (const sn of [6, 7]) {
      const half = new Script();
      half.events.push(...script.events.slice(1));
      half.saw('c2.0', '/d', directory(2, 2), 'stale', sn);
      expectBroken(half, 'not the state as of the entries');
    }
  });

  test('rows of a change that was never committed: told', () => {
    const script = begun();
    script.call('c1.0', create('/d/b')).nothing();
    script.saw('c2.0', '/d/b', file(4), 'stale', 9);
    expectBroken(script, 'not the state as of the entries');
  });

  test('a change of unknown outcome that only a standby shows: holds', () => {
    const script = begun();
    script.call('c1.0', create('/d/b')).unknown();
    script.saw('c2.0', '/d/b', file(4), 'stale', 9);
    expectHolds(script);
    script.saw('c2.0', '/d/b', 'ENOENT', 'stale', 10);
    expectBroken(script, 'not the state as of the entries');
  });

  test('entries against the order in which it happened: told', () => {
    const script = begun();
    script.did('c1.0', create('/d/b'), { id: 4 }, 9);
    script.did('c1.0', create('/d/c'), { id: 5 }, 8);
    expectBroken(script, 'not the state as of the entries');
  });
});

describe('bounds', () => {
  /** Many at once that all could be in any order, and a look that none of them explains. */
  function hard(changes: number): Script {
    const script = begun();
    const pending = Array.from({ length: changes }, (_, at) => script.call(`c${at}.0`, chmod('/d/a', 0o700 + at)));
    const looks = Array.from({ length: changes }, (_, at) => script.call(`x${at}.0`, { kind: 'getStatus', path: '/d/a' }));
    for (const look of looks) look.ok({ seen: file(3, 0o7000) });
    for (const one of pending) one.ok({ id: 3 });
    return script;
  }

  test('an exponential search ends undecided at its bound; a small one is decided', () => {
    const began = performance.now();
    const { violations, undecided, states } = hard(24).verdict(5_000);
    expect(violations).toEqual([]);
    expect(undecided.join()).toContain('given up');
    expect(states).toBeLessThan(10_100);
    expect(performance.now() - began).toBeLessThan(20_000);
    expectBroken(hard(5));
  });

  test('with entries named, thousands of operations take no search at all', () => {
    const script = begun();
    let sn = 10;
    for (let round = 0; round < 500; round++) {
      const pending = Array.from({ length: 6 }, (_, at) => script.call(`c${at}.0`, chmod('/d/a', 0o700 + at)));
      const first = sn;
      for (const [at, one] of pending.entries()) one.ok({ id: 3 }, first + at);
      sn += pending.length;
      script.saw('x.0', '/d/a', file(3, 0o705), 'linearizable', sn - 1);
    }
    const { violations, undecided, states } = script.verdict();
    expect({ violations, undecided }).toEqual({ violations: [], undecided: [] });
    expect(states).toBeLessThan(4_000);
  });

  test('what is done is forgotten: memory stays bounded', () => {
    const script = new Script();
    for (let part = 1; part <= 5; part++) {
      script.did('c1.0', mkdir(`/p${part}`), { id: part });
      script.add({ event: 'done', path: `/p${part}`, at: script.now() });
    }
    expect(script.verdict()).toMatchObject({ violations: [], operations: 5, parts: 5 });
  });

  test('a change across two parts joins them', () => {
    const script = new Script();
    script.did('c1.0', mkdir('/p'), { id: 2 });
    script.did('c1.0', mkdir('/q'), { id: 3 });
    script.did('c1.0', create('/p/a'), { id: 4 });
    script.did('c1.0', rename('/p/a', '/q/a'));
    script.saw('c2.0', '/q/a', file(4));
    expectHolds(script);
    script.saw('c2.0', '/p/a', file(4));
    expectBroken(script);
  });
});

describe('parts that are done', () => {
  function withDone(script: Script, path: string): Script {
    script.add({ event: 'done', path, at: script.now() });
    // What is done is checked a little later.
    for (let part = 1; part <= 4; part++) {
      script.did('c1.0', mkdir(`/x${part}`), { id: 100 + part });
      script.add({ event: 'done', path: `/x${part}`, at: script.now() });
    }
    return script;
  }

  function joined(): Script {
    const script = new Script();
    script.did('c1.0', mkdir('/p'), { id: 2 });
    script.did('c1.0', mkdir('/q'), { id: 3 });
    script.did('c1.0', create('/p/a'), { id: 4 });
    script.did('c1.0', rename('/p/a', '/q/a'));
    return withDone(script, '/p');
  }

  test('one of two that were joined is done: the other is not forgotten', () => {
    const script = joined();
    script.saw('c2.0', '/q/a', file(4));
    expectHolds(script);
    const lost = joined();
    lost.saw('c2.0', '/q/a', 'ENOENT');
    expectBroken(lost);
  });

  test('a call at what was said to be done: told, for nothing is known of it any more', () => {
    const script = withDone(begun(), '/d');
    script.saw('c2.0', '/d/a', 'ENOENT');
    expectBroken(script, 'which was said to be done');
  });
});

describe('explanation', () => {
  test('shows what breaks, and little else', () => {
    const script = begun();
    for (let at = 0; at < 200; at++) script.did('c9.0', create(`/d/n${at}`), { id: 100 + at });
    script.did('c1.0', rename('/d/a', '/d/b'));
    script.saw('c2.0', '/d/a', file(3));
    for (let at = 200; at < 300; at++) script.did('c9.0', create(`/d/n${at}`), { id: 100 + at });
    const [violation = ''] = script.verdict().violations;
    expect(violation).toContain('rename /d/a /d/b');
    expect(violation).toContain('expected ENOENT');
    expect(violation.split('\n').length).toBeLessThan(15);
  });
});
