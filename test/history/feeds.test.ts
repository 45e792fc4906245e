import { describe, expect, test } from 'vitest';
import type { ToldChange } from './events.js';
import { hintsOf } from './feeds.js';
import { OpTable } from './operations.js';
import { batch, chmod, create, file, mkdir, rename, Script } from './script.js';

const A: ToldChange = { sn: 11, step: 0, kind: 'createFile', path: '/d/a' };
const B: ToldChange = { sn: 12, step: 0, kind: 'createFile', path: '/d/b' };
const MOVED: ToldChange = { sn: 13, step: 0, kind: 'rename', path: '/d', toPath: '/e' };

/** What makes entries 10 to 13, with a watch of `path` from `fromSn` that begins before. */
function watched(path: string, fromSn: number, told: readonly ToldChange[], throughSn: number): Script {
  const script = new Script();
  const id = 1_000;
  script.add({ event: 'watch', id, process: 'w.0', at: 0, path, fromSn });
  script.did('c1.0', mkdir('/d'), { id: 2 }, 10);
  script.did('c1.0', create('/d/a'), { id: 3 }, 11);
  script.did('c1.0', create('/d/b'), { id: 4 }, 12);
  script.did('c1.0', rename('/d', '/e'), {}, 13);
  script.add({ event: 'told', id, at: 0, changes: told, throughSn });
  return script;
}

const told = (script: Script) => script.verdict().violations.join('\n');

describe('a watch', () => {
  test('each change once, in order, from where it began up to where it says: holds', () => {
    expect(told(watched('/d', 11, [A, B, MOVED], 13))).toBe('');
    expect(told(watched('/d', 12, [B, MOVED], 13))).toBe('');
    expect(told(watched('/d', 11, [A], 11))).toBe('');
    expect(told(watched('/d/b', 11, [B, MOVED], 13))).toBe('');
  });

  test('a gap: told', () => {
    expect(told(watched('/d', 11, [A, MOVED], 13))).toContain('was not told sn=12');
    expect(told(watched('/d', 11, [A], 12))).toContain('was not told sn=12');
  });

  test('a beginning that comes late: told', () => {
    expect(told(watched('/d', 11, [B, MOVED], 13))).toContain('was not told sn=11');
  });

  test('one from before it began: told', () => {
    expect(told(watched('/d', 12, [A, B, MOVED], 13))).toContain('out of order');
  });

  test('twice, or out of order: told', () => {
    expect(told(watched('/d', 11, [A, A, B, MOVED], 13))).toContain('out of order, or again');
    expect(told(watched('/d', 11, [B, A, MOVED], 13))).toContain('out of order');
  });

  test('a change behind what was said to be all: told', () => {
    const script = watched('/d', 11, [A], 12);
    script.add({ event: 'told', id: 1_000, at: 0, changes: [B, MOVED], throughSn: 13 });
    expect(told(script)).toContain('was told sn=12 behind all up to sn=12');
  });

  test('an error that nobody should meet: told', () => {
    for (const [error, expected] of [
      ['internal', 'was told internal'],
      ['out_of_range', ''],
    ] as const) {
      const script = watched('/d', 11, [A, B, MOVED], 13);
      script.add({ event: 'return', id: 1_000, at: 0, outcome: 'failed', error, message: 'x' });
      expect(told(script)).toContain(expected);
      expect(told(script) === '').toBe(expected === '');
    }
  });

  test('a tree above that moves is not kept back: told', () => {
    expect(told(watched('/d/b', 11, [B], 13))).toContain('was not told sn=13');
  });

  test('a change that nobody asked for, or that was made again: told, and counted', () => {
    const again: ToldChange = { ...A, sn: 14 };
    const script = watched('/d', 11, [A, B, MOVED, again], 14);
    expect(told(script)).toContain('made again: sn=14');
    expect(script.verdict().duplicated).toBe(1);
  });

  test('a change of unknown outcome may be told, once', () => {
    const other: ToldChange = { sn: 15, step: 0, kind: 'createFile', path: '/e/c' };
    const script = watched('/d', 11, [A, B, MOVED], 13);
    script.call('c1.0', create('/e/c')).unknown();
    script.add({ event: 'told', id: 1_000, at: 0, changes: [other], throughSn: 15 });
    expect(told(script)).toBe('');
    script.add({ event: 'told', id: 1_000, at: 0, changes: [{ ...other, sn: 16 }], throughSn: 16 });
    expect(told(script)).toContain('made again: sn=16');
  });

  test('two watches that were told different things of one entry: told', () => {
    const script = watched('/d', 11, [A, B, MOVED], 13);
    script.add({ event: 'watch', id: 1_001, process: 'w.1', at: 0, path: '/d', fromSn: 12 });
    script.add({ event: 'told', id: 1_001, at: 0, changes: [{ ...B, path: '/d/x' }, MOVED], throughSn: 13 });
    expect(told(script)).toContain('where another was told');
  });

  test('half of a batch: told', () => {
    const script = new Script();
    script.add({ event: 'watch', id: 1_000, process: 'w.0', at: 0, path: '/', fromSn: 1 });
    script.did('c1.0', mkdir('/d'), { id: 2 }, 10);
    script.did('c1.0', batch(create('/d/a'), create('/d/b')), { ids: [3, 4] }, 11);
    const changes: ToldChange[] = [{ sn: 10, step: 0, kind: 'createDirectory', path: '/d' }, A];
    script.add({ event: 'told', id: 1_000, at: 0, changes, throughSn: 11 });
    expect(told(script)).toContain('was not told sn=11 step=1');
  });

  test('what it tells of the entry of a change of unknown outcome spares the search: a hundred of them', () => {
    const script = new Script();
    script.add({ event: 'watch', id: 1_000, process: 'w.0', at: 0, path: '/', fromSn: 10 });
    script.did('c1.0', mkdir('/d'), { id: 2 }, 10);
    const changes: ToldChange[] = [{ sn: 10, step: 0, kind: 'createDirectory', path: '/d' }];
    for (let at = 0; at < 100; at++) {
      script.call(`c${at}.0`, create(`/d/${at}`)).unknown();
      changes.push({ sn: 11 + at, step: 0, kind: 'createFile', path: `/d/${at}` });
    }
    script.add({ event: 'told', id: 1_000, at: 0, changes, throughSn: 110 });
    script.call('x.0', { kind: 'countTree', path: '/d' }).ok({ files: 100, directories: 1 }, 110);
    const { violations, undecided, states } = script.verdict();
    expect({ violations, undecided }).toEqual({ violations: [], undecided: [] });
    expect(states).toBeLessThan(300);
  });

  test('one that it began too late to tell of, which only one that it told of shows: holds', () => {
    const script = new Script();
    script.did('c1.0', mkdir('/d'), { id: 2 }, 10);
    script.did('c1.0', create('/d/a'), { id: 3 }, 11);
    script.call('x.0', create('/d/a', { overwrite: true })).unknown();
    script.call('x.1', rename('/d/a', '/d/b')).unknown();
    script.add({ event: 'watch', id: 1_000, process: 'w.0', at: 0, path: '/', fromSn: 13 });
    script.add({ event: 'told', id: 1_000, at: 0, changes: [{ ...MOVED, path: '/d/a', toPath: '/d/b' }], throughSn: 13 });
    script.saw('c1.0', '/d/b', file(4), 'linearizable', 14);
    expect(script.verdict()).toMatchObject({ violations: [], undecided: [] });
  });

  test('an entry that somebody was acknowledged, or that was there before, is not that of a change of unknown outcome', () => {
    const script = new Script();
    script.add({ event: 'watch', id: 1_000, process: 'w.0', at: 0, path: '/', fromSn: 10 });
    script.did('c1.0', mkdir('/d'), { id: 2 }, 10);
    script.call('x.0', chmod('/d', 0o701)).unknown();
    script.did('c1.0', chmod('/d', 0o700), { id: 2 }, 11);
    // Of the entries 12 and 13 nobody heard but the watcher.
    script.did('c1.0', create('/d/a'), { id: 3 }, 14);
    script.call('x.1', create('/d/b')).unknown();
    const changes: ToldChange[] = [
      { sn: 10, step: 0, kind: 'createDirectory', path: '/d' },
      { sn: 11, step: 0, kind: 'setAttributes', path: '/d' },
      { sn: 12, step: 0, kind: 'setAttributes', path: '/d' },
      { sn: 13, step: 0, kind: 'createFile', path: '/d/b' },
      { sn: 14, step: 0, kind: 'createFile', path: '/d/a' },
    ];
    const table = new OpTable();
    for (const [at, event] of script.events.entries()) table.take(event, at);
    const ops = table.end();
    const hints = hintsOf([{ id: 1_000, process: 'w.0', path: '/', fromSn: 10, throughSn: 14, changes }], ops);
    expect([...hints].map(([index, sn]) => [ops[index]?.process, sn])).toEqual([['x.0', 12]]);
  });
});
