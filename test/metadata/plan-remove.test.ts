import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ROOT, someone, Tree } from './trees.js';

const ANN = someone('ann');
const BOB = someone('bob', 'users');
const HOUR_MS = 3_600_000;

let tree: Tree;
beforeEach(async () => {
  tree = await Tree.make();
  tree.mkdir('/d/sub');
  tree.mkdir('/empty');
  tree.touch('/d/f');
  tree.touch('/f');
});
afterEach(() => tree.journaled.replica.close());

const recursive = { recursive: true };
const remove = (path: string, more: object = {}, who = ROOT) => tree.errno('remove', { path, ...more }, who);

describe('remove', () => {
  test.each([
    ['/f', {}, 'done'],
    ['/empty', {}, 'done'],
    ['/empty/', {}, 'done'],
    ['/d', recursive, 'done'],
    ['/d', {}, 'ENOTEMPTY'],
    ['/', recursive, 'EINVAL'],
    ['f', {}, 'EINVAL'],
    ['/d/.', {}, 'EINVAL'],
    [`/${'é'.repeat(128)}`, {}, 'ENAMETOOLONG'],
    ['/x', recursive, 'ENOENT'],
    ['/x/y', {}, 'ENOENT'],
    ['/f/x', {}, 'ENOTDIR'],
  ])('%s %j: %s', (path, options, outcome) => {
    expect(remove(path, options)).toBe(outcome);
  });

  // Modes of the directory that it is in, and of what goes: a tree of Ann's.
  test.each([
    [0o777, 0o777, BOB, 'done'],
    [0o755, 0o777, BOB, 'EACCES'],
    [0o776, 0o777, BOB, 'EACCES'],
    [0o1777, 0o777, BOB, 'EPERM'],
    [0o1777, 0o777, ANN, 'done'],
    [0o777, 0o775, BOB, 'EACCES'],
    [0o777, 0o773, BOB, 'EACCES'],
    [0o777, 0o300, ANN, 'EACCES'],
    [0o700, 0, ROOT, 'done'],
  ])('in %o, a tree of mode %o by %o: %s', (above, mode, who, outcome) => {
    tree.mkdir('/p');
    tree.mkdir('/p/t', 0o777, ANN);
    tree.touch('/p/t/f', ANN);
    tree.run('setAttributes', { path: '/p/t', mode });
    tree.run('setAttributes', { path: '/p', mode: above });
    expect(remove('/p/t', recursive, who)).toBe(outcome);
  });

  test('a mount point, or what holds one, with or without trash: EBUSY', () => {
    tree.run('mount', { path: '/d/m', uri: '/data' });
    for (const trashIntervalMs of [0, HOUR_MS]) {
      tree.settings = { ...tree.settings, trashIntervalMs };
      expect(remove('/d/m', recursive)).toBe('EBUSY');
      expect(remove('/d', recursive)).toBe('EBUSY');
    }
  });
});

describe('trash', () => {
  beforeEach(() => {
    tree.settings = { ...tree.settings, trashIntervalMs: HOUR_MS };
    tree.timeMs = Date.UTC(2026, 10, 21, 17, 20);
    tree.run('setAttributes', { path: '/', mode: 0o777 });
    tree.run('setAttributes', { path: '/d', mode: 0o777 });
  });

  test('what is removed: at the path that it had, below the user and the quarter of an hour; private', async () => {
    tree.touch('/d/mine', BOB);
    expect(remove('/d/mine', {}, BOB)).toBe('done');
    expect(remove('/d/f', {}, BOB)).toBe('done');
    expect(await tree.paths('/.Trash')).toEqual([
      'bob/',
      'bob/202611211715/',
      'bob/202611211715/d/',
      'bob/202611211715/d/f',
      'bob/202611211715/d/mine',
    ]);
    const { state } = tree;
    const trash = state.child(1, '.Trash')!;
    const home = state.child(trash.id, 'bob')!;
    const bucket = state.child(home.id, '202611211715')!;
    expect(trash).toMatchObject({ owner: 'root', mode: 0o755 });
    expect(home).toMatchObject({ owner: 'bob', mode: 0o700 });
    expect(bucket).toMatchObject({ owner: 'bob', mode: 0o700 });
    const expiresMs = Date.UTC(2026, 10, 21, 18, 30);
    expect(bucket.more).toMatchObject({ expiresMs, expiryAction: 0, ttlMs: expiresMs - bucket.createdMs });
  });

  test('a name that was removed before, a file where a directory was: under another name', async () => {
    for (let i = 0; i < 3; i++) {
      expect(remove('/f')).toBe('done');
      tree.touch('/f');
    }
    remove('/f');
    tree.mkdir('/f');
    tree.touch('/f/g');
    expect(remove('/f/g')).toBe('done');
    const paths = (await tree.paths('/.Trash/root/202611211715')).map((path) => path.replace(/\.\d+/, '.N'));
    expect(paths).toEqual(['f', 'f.N', 'f.N', 'f.N', 'f.N/', 'f.N/g']);
  });

  test('later: another bucket', async () => {
    remove('/f');
    tree.timeMs += HOUR_MS / 4;
    remove('/d', recursive);
    expect(await tree.paths('/.Trash/root')).toEqual([
      '202611211715/',
      '202611211715/f',
      '202611211730/',
      '202611211730/d/',
      '202611211730/d/f',
      '202611211730/d/sub/',
    ]);
  });

  test('what is in the trash, or is to skip it, or lies below a mount point: gone', async () => {
    remove('/f', { skipTrash: true });
    tree.run('mount', { path: '/m', uri: '/data' });
    tree.touch('/m/f');
    remove('/m/f');
    expect(await tree.paths()).toEqual(['d/', 'd/f', 'd/sub/', 'empty/', 'm/']);
    remove('/d/f');
    expect(remove('/.Trash/root', recursive)).toBe('done');
    expect(await tree.paths()).toEqual(['.Trash/', 'd/', 'd/sub/', 'empty/', 'm/']);
  });

  test("a trash that another user made: EACCES; a file in its place, a quota: the trash's own refusal", () => {
    tree.mkdir('/.Trash/bob', 0o777, ANN);
    expect(remove('/f', {}, BOB)).toBe('EACCES');
    expect(remove('/f', { skipTrash: true }, BOB)).toBe('done');
    tree.touch('/.Trash/ann');
    expect(remove('/d/f', {}, ANN)).toBe('EEXIST');
    tree.run('setQuota', { path: '/.Trash', namesMax: 5 });
    expect(remove('/d', recursive)).toBe('EDQUOT');
    expect(remove('/empty')).toBe('done');
  });

  test('odd users, paths that would be too long: there as well', async () => {
    const odd = someone('a/../%');
    tree.touch('/g', odd);
    expect(remove('/g', {}, odd)).toBe('done');
    expect(remove('/d/f', {}, someone('..'))).toBe('done');
    let path = '';
    for (let i = 0; i < 511; i++) path += '/x';
    tree.touch(`${path}/y`);
    expect(remove(`${path}/y`)).toBe('done');
    expect((await tree.paths('/.Trash')).filter((name) => !name.endsWith('/'))).toEqual([
      '%2E%2E/202611211715/d/f',
      'a%2F..%2F%25/202611211715/g',
      'root/202611211715/y',
    ]);
  });
});
