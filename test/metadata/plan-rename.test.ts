import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_USAGE } from '../../src/metadata/usage.js';
import { ROOT, someone, Tree } from './trees.js';

const ANN = someone('ann');
const BOB = someone('bob', 'users');

let tree: Tree;
beforeEach(async () => {
  tree = await Tree.make();
  tree.mkdir('/d/sub/deep');
  tree.mkdir('/d/empty');
  tree.touch('/d/f', ROOT, 3);
  tree.touch('/d/sub/g', ROOT, 5);
  tree.touch('/f', ROOT, 7);
  tree.mkdir('/empty');
});
afterEach(() => tree.journaled.replica.close());

const rename = (from: string, to: string, more: object = {}, who = ROOT) => tree.errno('rename', { from, to, ...more }, who);
const inode = (path: string) => {
  let at = tree.state.root();
  for (const name of path.split('/').slice(1)) at = tree.state.child(at.id, name)!;
  return at;
};
const overwrite = { overwrite: true };
const into = { into: true };

describe('rename', () => {
  test.each([
    // from, to, options, outcome
    ['/d', '/x', {}, 'done'],
    ['/f', '/x', {}, 'done'],
    ['/f', '/x/', {}, 'done'],
    ['/f', '/d/x', {}, 'done'],
    ['/d/sub', '/empty/sub', {}, 'done'],
    ['/d', '/dd', {}, 'done'],
    ['/f', '/f', {}, 'done'],
    ['/d', '/d', {}, 'done'],
    ['/d/', '/d', {}, 'done'],
    ['/d/sub', '/d', into, 'done'],
    ['x', '/y', {}, 'EINVAL'],
    ['/f', 'y', {}, 'EINVAL'],
    ['/x', 'y', {}, 'EINVAL'],
    ['/f', '/a//b', {}, 'EINVAL'],
    ['/f', '/d/..', {}, 'EINVAL'],
    ['/f', `/${'n'.repeat(256)}`, {}, 'ENAMETOOLONG'],
    ['/f', '/x'.repeat(513), {}, 'ENAMETOOLONG'],
    ['/', '/x', {}, 'EINVAL'],
    ['/', '/', {}, 'EINVAL'],
    ['/', '/d', into, 'EINVAL'],
    ['/d', '/', {}, 'EINVAL'],
    ['/d', '/', overwrite, 'EINVAL'],
    ['/d/sub', '/', into, 'done'],
    ['/x', '/y', {}, 'ENOENT'],
    ['/x/y', '/z', {}, 'ENOENT'],
    ['/f/x', '/y', {}, 'ENOTDIR'],
    ['/f', '/x/y', {}, 'ENOENT'],
    ['/d', '/f/x', {}, 'ENOTDIR'],
    ['/f', '/f/x', {}, 'ENOTDIR'],
    ['/f', '/d/f/x', {}, 'ENOTDIR'],
    ['/d', '/d/x', {}, 'EINVAL'],
    ['/d', '/d/sub', {}, 'EINVAL'],
    ['/d', '/d/sub', overwrite, 'EINVAL'],
    ['/d', '/d/sub', into, 'EINVAL'],
    ['/d', '/d/sub/deep/x', {}, 'EINVAL'],
    ['/d', '/d', into, 'EINVAL'],
    ['/d', '/d/x/y', {}, 'ENOENT'],
    ['/f', '/d/f', {}, 'EEXIST'],
    ['/f', '/d', {}, 'EEXIST'],
    ['/d', '/f', {}, 'EEXIST'],
    ['/d', '/empty', {}, 'EEXIST'],
    ['/f', '/d', into, 'EEXIST'],
    ['/f', '/empty', into, 'done'],
    ['/f', '/x', into, 'done'],
    ['/f', '/d/f', into, 'EEXIST'],
    ['/f', '/d/f', overwrite, 'done'],
    ['/f', '/d', { ...overwrite, ...into }, 'done'],
    ['/f', '/empty', overwrite, 'EISDIR'],
    ['/f', '/d', overwrite, 'EISDIR'],
    ['/d', '/f', overwrite, 'ENOTDIR'],
    ['/d', '/empty', overwrite, 'done'],
    ['/empty', '/d/empty', overwrite, 'done'],
    ['/empty', '/d', overwrite, 'ENOTEMPTY'],
    ['/d/sub', '/d', overwrite, 'ENOTEMPTY'],
    ['/d/f', '/d', overwrite, 'EISDIR'],
  ])('%s to %s %j: %s', (from, to, options, outcome) => {
    expect(rename(from, to, options)).toBe(outcome);
  });

  test('over a file: the other one goes, counts and usage follow', async () => {
    const { id } = inode('/f');
    expect(rename('/f', '/d/f', overwrite)).toBe('done');
    expect(await tree.paths()).toEqual(['d/', 'd/empty/', 'd/f', 'd/sub/', 'd/sub/deep/', 'd/sub/g', 'empty/']);
    expect(inode('/d/f')).toMatchObject({ id, length: 7 });
    expect([inode('').childCount, inode('/d').childCount]).toEqual([2, 3]);
    expect(tree.state.usages.get(1)).toEqual({ files: 2, directories: 5, bytes: 12n });
    expect(tree.state.usages.get(inode('/d').id)).toEqual({ files: 2, directories: 3, bytes: 12n });
  });

  test('within one directory, over an empty one: its count goes down by one', () => {
    expect(rename('/d/sub', '/d/empty', overwrite)).toBe('done');
    expect(inode('/d').childCount).toBe(2);
    expect(tree.state.usages.get(inode('/d').id)).toEqual({ files: 2, directories: 2, bytes: 8n });
    expect(tree.state.usages.get(inode('/d/empty').id)).toEqual({ ...NO_USAGE, files: 1, directories: 1, bytes: 5n });
  });

  test('to itself: nothing is written', () => {
    const { sn } = tree.state;
    for (const [to, more] of [
      ['/d/f', {}],
      ['/d/f', overwrite],
      ['/d', into],
    ] as const) {
      expect(rename('/d/f', to, more)).toBe('done');
    }
    expect(tree.state.sn).toBe(sn);
  });
});

describe('rename: permissions', () => {
  // Modes of the directories that source and target are in, who, outcome. Ann owns what moves and what is replaced; root the directories.
  test.each([
    [0o777, 0o777, BOB, 'done'],
    [0o755, 0o777, BOB, 'EACCES'],
    [0o777, 0o755, BOB, 'EACCES'],
    [0o776, 0o777, BOB, 'EACCES'],
    [0o777, 0o776, BOB, 'EACCES'],
    [0o773, 0o773, BOB, 'done'],
    [0o1777, 0o777, BOB, 'EPERM'],
    [0o777, 0o1777, BOB, 'EPERM'],
    [0o1777, 0o1777, ANN, 'done'],
    [0o1755, 0o1777, ANN, 'EACCES'],
    [0o1700, 0o1700, ROOT, 'done'],
  ])('from %o to %o by %o: %s', (fromMode, toMode, who, outcome) => {
    for (const path of ['/from', '/to']) {
      tree.mkdir(path, 0o777);
      tree.touch(`${path}/f`, ANN);
    }
    tree.run('setAttributes', { path: '/from', mode: fromMode });
    tree.run('setAttributes', { path: '/to', mode: toMode });
    expect(rename('/from/f', '/to/f', overwrite, who)).toBe(outcome);
  });

  test('to a new name in a sticky directory: whoever may write there', () => {
    tree.mkdir('/from');
    tree.mkdir('/to', 0o1777);
    tree.touch('/from/f', ANN);
    expect(rename('/from/f', '/to/g', {}, BOB)).toBe('done');
  });

  test("another's directory to another parent: its own mode does not count", () => {
    tree.mkdir('/from');
    tree.mkdir('/from/d', 0o700);
    expect(rename('/from/d', '/empty/d', {}, BOB)).toBe('done');
  });

  test('into a directory that may not be searched: EACCES, whether the name is there or not', () => {
    tree.mkdir('/from');
    tree.touch('/from/f', BOB);
    tree.mkdir('/to', 0o776);
    expect(rename('/from/f', '/to', into, BOB)).toBe('EACCES');
    tree.touch('/to/f');
    expect(rename('/from/f', '/to', into, BOB)).toBe('EACCES');
  });
});

describe('rename: mounts and quotas', () => {
  test('a mount point, or over one: EBUSY; across: EXDEV; what holds one: done', () => {
    tree.run('mount', { path: '/d/m', uri: '/data' });
    tree.run('mount', { path: '/m', uri: '/other' });
    tree.touch('/m/f');
    expect(rename('/d/m', '/x')).toBe('EBUSY');
    expect(rename('/empty', '/m', overwrite)).toBe('EBUSY');
    expect(rename('/f', '/m/g')).toBe('EXDEV');
    expect(rename('/empty', '/m', into)).toBe('EXDEV');
    expect(rename('/m/f', '/g')).toBe('EXDEV');
    expect(rename('/m/f', '/d/m/f')).toBe('EXDEV');
    expect(rename('/m/f', '/m/g')).toBe('done');
    expect(rename('/d', '/e')).toBe('done');
    expect(rename('/e/m', '/x')).toBe('EBUSY');
  });

  test('quotas of what is above the target alone: EDQUOT; within them anything moves', () => {
    tree.mkdir('/q/r');
    tree.run('setQuota', { path: '/q', namesMax: 3 });
    expect(rename('/d', '/q/d')).toBe('EDQUOT');
    expect(rename('/f', '/q/r/f')).toBe('done');
    expect(rename('/empty', '/q/empty')).toBe('done');
    expect(rename('/d/f', '/q/g')).toBe('EDQUOT');
    expect(rename('/d/f', '/q/r/f', overwrite)).toBe('done');
    expect(rename('/q/r/f', '/q/f')).toBe('done');
    expect(rename('/q/f', '/f')).toBe('done');
    tree.run('setQuota', { path: '/q', bytesMax: { low: 4 } });
    expect(rename('/d/sub/g', '/q/g')).toBe('EDQUOT');
    expect(rename('/f', '/q/g')).toBe('done');
    expect(rename('/d/sub/g', '/q/g', overwrite)).toBe('EDQUOT');
  });
});
