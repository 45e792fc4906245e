import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { understudy } from '../../generated/understudy.js';
import type { Identity } from '../../src/metadata/access.js';
import { compareNames } from '../../src/metadata/changed-children.js';
import { getStatus, listStatus } from '../../src/metadata/queries.js';
import { planContext } from './identities.js';
import { ROOT, someone, Tree } from './trees.js';

const NAMES = ['a', 'a!', 'ab', 'é', '￿', '𝄞'];
const utf8Order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

function byComponents(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  const at = left.findIndex((name, depth) => name !== right[depth]);
  return at < 0 ? -1 : right[at] === undefined ? 1 : utf8Order(left[at]!, right[at]);
}

type Request = Partial<understudy.ListStatusRequest.$Properties>;

function open(tree: Tree, request: Request, who: Identity = ROOT) {
  const { state, kv } = tree.journaled.replica;
  return listStatus(new understudy.ListStatusRequest({ path: '/', ...request }), state, kv, planContext(0, who));
}

/** @returns what is told, directories with a slash at their end, and in how many looks behind the first. */
async function list(tree: Tree, request: Request, who: Identity = ROOT) {
  const out: string[] = [];
  let looks = 0;
  await using pages = open(tree, request, who);
  for await (const page of pages.pages(async () => void looks++)) {
    for (const { name, inode } of understudy.ListStatusPage.decode(page).entries) out.push(`${name}${inode?.directory ? '/' : ''}`);
  }
  return { out, looks };
}

let tree: Tree;
beforeEach(async () => {
  tree = await Tree.make();
});
afterEach(() => tree.journaled.replica.close());

describe('byte order', () => {
  test('of any names', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareNames(a, b))).toBe(utf8Order(a, b));
      }),
      { examples: [['￿', '𝄞']], numRuns: 2_000 },
    );
  });
});

describe('list', () => {
  const shape = fc.record({
    // A file of that path, with the directories above it; flushed then, or not.
    files: fc.array(fc.record({ path: fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 }), flush: fc.boolean() }), {
      maxLength: 20,
    }),
    gone: fc.array(fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
    recursive: fc.boolean(),
    startAfter: fc.array(fc.constantFrom(...NAMES), { maxLength: 4 }).map((names) => names.join('/')),
    prefix: fc.array(fc.constantFrom(...NAMES), { maxLength: 3 }).map((names) => names.join('/')),
    slash: fc.boolean(),
    pageEntries: fc.integer({ min: 1, max: 5 }),
  });

  test('any tree, flushed or not, from anywhere, with any prefix: as a naive walk', async () => {
    await fc.assert(
      fc.asyncProperty(shape, async ({ files, gone, recursive, startAfter, prefix: bare, slash, pageEntries }) => {
        const prefix = slash && bare !== '' ? `${bare}/` : bare;
        const some = await Tree.make();
        for (const { path, flush } of files) {
          some.errno('createFile', { path: `/${path.join('/')}`, recursive: true });
          if (!flush) continue;
          await some.journaled.seal();
          await some.journaled.replica.writeBehind.digest();
        }
        for (const path of gone) some.errno('remove', { path: `/${path.join('/')}`, recursive: true });
        const parts = (path: string) => path.split('/').filter(Boolean);
        const isBehind = (path: string) => {
          const [a, b] = [parts(path), parts(startAfter)];
          const at = a.findIndex((name, depth) => name !== b[depth]);
          if (at < 0) return false;
          return b[at] === undefined || utf8Order(a[at]!, b[at]) > 0;
        };
        const all = (await some.paths()).filter((path) => recursive || parts(path).length === 1);
        const expected = all.filter((path) => path.replace(/\/$/, '').startsWith(prefix) && (startAfter === '' || isBehind(path)));
        // Not recursive: names have no slashes, so nothing is behind what has one but by its first name's bytes.
        if (recursive || !startAfter.includes('/')) {
          expect((await list(some, { recursive, startAfter, prefix, pageEntries })).out).toEqual(expected);
        }
        await some.journaled.seal();
        await some.journaled.replica.close();
      }),
      { numRuns: 300 },
    );
  });

  test('resumed behind each path that was told: what was left', async () => {
    for (const path of ['/a/b/c', '/a/b/d', '/a/e', '/f', '/a!/g', '/a/b!/h']) tree.touch(path);
    const { out: all } = await list(tree, { recursive: true });
    expect(all).toEqual(['a/', 'a/b/', 'a/b/c', 'a/b/d', 'a/b!/', 'a/b!/h', 'a/e', 'a!/', 'a!/g', 'f']);
    for (const [at, path] of all.entries()) {
      expect((await list(tree, { recursive: true, startAfter: path })).out).toEqual(all.slice(at + 1));
      expect((await list(tree, { recursive: true, startAfter: `${path.replace(/\/$/, '')}\x01` })).out).toEqual(
        all.slice(at + 1).filter((one) => !one.startsWith(path)),
      );
    }
  });

  test('a prefix within a directory below: only that one is looked at', async () => {
    for (const path of ['/x/1/f', '/x/20/f', '/x/21/f', '/y/f']) tree.touch(path);
    expect(await list(tree, { recursive: true, prefix: 'x/2' })).toEqual({ out: ['x/20/', 'x/20/f', 'x/21/', 'x/21/f'], looks: 2 });
    expect((await list(tree, { recursive: true, prefix: 'z/2' })).out).toEqual([]);
    expect((await list(tree, { recursive: true, prefix: 'y/f/2' })).out).toEqual([]);
    await expect(list(tree, { recursive: true, prefix: '../x' })).rejects.toMatchObject({ errno: 'EINVAL' });
  });

  test('more in one directory than is read at once, on two levels: all of it, in order', async () => {
    const names = Array.from({ length: 700 }, (_, i) => `n${String(i).padStart(4, '0')}`);
    for (const name of names) tree.run('createFile', { path: `/big/${name}`, recursive: true });
    await tree.journaled.seal();
    await tree.journaled.replica.writeBehind.digest();
    for (const name of names) tree.run('createFile', { path: `/big/n0300.d/${name}`, recursive: true });
    const expected = names.flatMap((name) => [
      `big/${name}`,
      ...(name === 'n0300' ? ['big/n0300.d/', ...names.map((one) => `big/n0300.d/${one}`)] : []),
    ]);
    expect((await list(tree, { recursive: true, pageEntries: 100 })).out).toEqual(['big/', ...expected]);
  });
});

describe('list -R: what changes meanwhile', () => {
  test('each directory as of when the listing comes to it; one that has gone elsewhere by then: nothing in it', async () => {
    for (const path of ['/a/f', '/b/f', '/c/f', '/d/f']) tree.touch(path);
    const told: string[] = [];
    const changes = [
      () => tree.touch('/b/g'),
      () => tree.run('remove', { path: '/c', recursive: true }),
      () => tree.run('rename', { from: '/d', to: '/e' }),
    ];
    await using pages = open(tree, { recursive: true, pageEntries: 1 });
    for await (const page of pages.pages(async () => {})) {
      for (const { name } of understudy.ListStatusPage.decode(page).entries) told.push(name ?? '');
      changes.shift()?.();
    }
    expect(told).toEqual(['a', 'a/f', 'b', 'b/f', 'b/g', 'c', 'd']);
  });

  test('what a page has looked at may not leave: the listing ends with the reason', async () => {
    tree.touch('/a/f');
    await using pages = open(tree, { recursive: true });
    const refused = pages
      .pages(() => Promise.reject(new Error('taken back')))
      [Symbol.asyncIterator]()
      .next();
    await expect(refused).rejects.toThrow('taken back');
  });

  test('random changes and flushes between the pages: what stays all the time is told once, in order, and nothing that never was', async () => {
    const path = fc
      .tuple(fc.constantFrom('p', 'q', 'r'), fc.constantFrom('x', 'y'), fc.constantFrom(...NAMES))
      .map((names) => `/${names.join('/')}`);
    const change = fc.oneof(
      fc.record({ kind: fc.constant('createFile' as const), path }),
      fc.record({ kind: fc.constant('remove' as const), path }),
      fc.record({ kind: fc.constant('flush' as const), path }),
    );
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(path, { minLength: 3 }), fc.array(change, { maxLength: 60 }), async (before, changes) => {
        const some = await Tree.make();
        for (const one of before) some.touch(one);
        const stays = new Set(before.filter((one) => !changes.some((each) => each.path === one && each.kind === 'remove')));
        const ever = new Set([...before, ...changes.map((each) => each.path)]);
        const told: string[] = [];
        const pages = open(some, { recursive: true, pageEntries: 2 });
        const left = [...changes];
        for await (const page of pages.pages(async () => {})) {
          for (const { name, inode } of understudy.ListStatusPage.decode(page).entries) if (!inode?.directory) told.push(`/${name}`);
          for (const each of left.splice(0, 3)) {
            if (each.kind !== 'flush') some.errno(each.kind, { path: each.path, recursive: true });
            else await some.journaled.seal().then(() => some.journaled.replica.writeBehind.digest());
          }
        }
        await pages[Symbol.asyncDispose]();
        expect(told).toEqual([...new Set(told)].sort(byComponents));
        expect([...stays].filter((one) => !told.includes(one))).toEqual([]);
        expect(told.filter((one) => !ever.has(one))).toEqual([]);
        await some.journaled.seal();
        await some.journaled.replica.close();
      }),
      { numRuns: 100 },
    );
  });
});

describe('list -R: permissions', () => {
  test('a directory below that may not be read, or not searched: what comes before it, then EACCES with its path', async () => {
    for (const mode of [0o711, 0o744, 0o700]) {
      for (const path of ['/a/f', '/b/c/f', '/z/f']) tree.errno('createFile', { path, recursive: true });
      tree.run('setAttributes', { path: '/b/c', mode });
      const told: string[] = [];
      const pages = open(tree, { recursive: true, pageEntries: 1 }, someone('ann', 'users'));
      await expect(async () => {
        for await (const page of pages.pages(async () => {})) {
          for (const { name } of understudy.ListStatusPage.decode(page).entries) told.push(name ?? '');
        }
      }).rejects.toMatchObject({ errno: 'EACCES', path: '/b/c' });
      await pages[Symbol.asyncDispose]();
      expect(told).toEqual(['a', 'a/f', 'b']);
    }
  });

  test('by a prefix past directories that may only be searched', async () => {
    tree.touch('/b/c/f');
    tree.run('setAttributes', { path: '/b', mode: 0o711 });
    expect((await list(tree, { recursive: true, prefix: 'b/c/' }, someone('ann', 'users'))).out).toEqual(['b/c/f']);
    await expect(list(tree, { recursive: true, prefix: 'b/c' }, someone('ann', 'users'))).rejects.toMatchObject({ errno: 'EACCES' });
  });
});

describe('getStatus by inode', () => {
  test('wherever it is, and where that is; gone: ENOENT; below what may not be searched: EACCES', () => {
    const ask = (inodeId: number, who = ROOT) => getStatus(new understudy.GetStatusRequest({ inodeId }), tree.state, planContext(0, who));
    tree.touch('/a/f');
    const { id } = tree.state.child(tree.state.child(1, 'a')!.id, 'f')!;
    expect(ask(1)).toMatchObject({ path: '/', inode: { id: 1 } });
    expect(ask(id)).toMatchObject({ path: '/a/f', inode: { id } });
    tree.run('rename', { from: '/a', to: '/b' });
    expect(ask(id).path).toBe('/b/f');
    tree.run('setAttributes', { path: '/b', mode: 0o700 });
    expect(() => ask(id, someone('ann'))).toThrow(expect.objectContaining({ errno: 'EACCES' }));
    tree.run('remove', { path: '/b', recursive: true });
    expect(() => ask(id)).toThrow(expect.objectContaining({ errno: 'ENOENT' }));
    expect(() => ask(999)).toThrow(expect.objectContaining({ errno: 'ENOENT' }));
  });
});
