import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileSystem } from '../../src/client/file-system.js';
import { collect, ServedNamespace } from './served-namespace.js';

let served: ServedNamespace;
let fs: FileSystem;

const FILES = [
  '/d/.hidden',
  '/d/a1',
  '/d/a2',
  '/d/b/x.txt',
  '/d/b/y.log',
  '/d/c/b/x.txt',
  '/d/c/deep/er/x.txt',
  '/d/[1]',
  '/d/été',
  '/e/b/z',
];

beforeAll(async () => {
  served = await ServedNamespace.open();
  fs = served.client();
  await Promise.all(FILES.map((path) => fs.createFile(path, { recursive: true, completeLength: 0 })));
});
afterAll(() => served[Symbol.asyncDispose]());

const paths = async (found: AsyncIterable<{ path: string }>) => (await collect(found)).map(({ path }) => path);

describe('walk', () => {
  test('a tree: each directory before what is in it, names in byte order', async () => {
    expect(await paths(fs.walk('/d'))).toEqual([
      ...['/d', '/d/.hidden', '/d/[1]', '/d/a1', '/d/a2', '/d/b', '/d/b/x.txt', '/d/b/y.log', '/d/c', '/d/c/b', '/d/c/b/x.txt'],
      ...['/d/c/deep', '/d/c/deep/er', '/d/c/deep/er/x.txt', '/d/été'],
    ]);
  });

  test('a file, and what is not there', async () => {
    expect(await paths(fs.walk('/d/a1'))).toEqual(['/d/a1']);
    await expect(collect(fs.walk('/none'))).rejects.toMatchObject({ errno: 'ENOENT', path: '/none' });
  });

  test('directories that are not to be entered: told, and left', async () => {
    const enter = ({ name }: { name: string }) => name !== 'c' && name !== 'b';
    expect(await paths(fs.walk('/d', { enter }))).toEqual(['/d', '/d/.hidden', '/d/[1]', '/d/a1', '/d/a2', '/d/b', '/d/c', '/d/été']);
  });

  test('a directory of several pages with directories among them: all, once', async () => {
    const names = Array.from({ length: 2_600 }, (_, index) => `n${String(index).padStart(4, '0')}`);
    await fs.createDirectory('/wide');
    await Promise.all(
      names.map((name, at) =>
        at % 500 === 0
          ? fs.createFile(`/wide/${name}/in`, { recursive: true, completeLength: 0 })
          : fs.createFile(`/wide/${name}`, { completeLength: 0 }),
      ),
    );
    const expected = names.flatMap((name, at) => (at % 500 === 0 ? [`/wide/${name}`, `/wide/${name}/in`] : [`/wide/${name}`]));
    expect(await paths(fs.walk('/wide'))).toEqual(['/wide', ...expected]);
  });

  test('a tree that is deeper than listings may be open at a master: walked to its end', async () => {
    await fs.createFile(`/deep${'/d'.repeat(300)}/f`, { recursive: true, completeLength: 0 });
    expect((await paths(fs.walk('/deep'))).length).toBe(302);
  });

  test('a directory that may not be read: ends the walk, or is told and passed over', async () => {
    const mallory = served.client('mallory');
    await fs.createFile('/mixed/shut/in', { recursive: true, completeLength: 0 });
    await fs.createFile('/mixed/zz', { completeLength: 0 });
    await fs.setAttributes('/mixed/shut', { mode: 0o711 });
    await expect(collect(mallory.walk('/mixed'))).rejects.toMatchObject({ errno: 'EACCES', path: '/mixed/shut' });
    const skipped: string[] = [];
    expect(await paths(mallory.walk('/mixed', { skipped: ({ path }, { errno }) => skipped.push(`${path} ${errno}`) }))).toEqual([
      '/mixed',
      '/mixed/shut',
      '/mixed/zz',
    ]);
    expect(skipped).toEqual(['/mixed/shut EACCES']);
  });
});

describe('glob', () => {
  test.each<[pattern: string, found: readonly string[]]>([
    ['/d/a1', ['/d/a1']],
    ['/d/none', []],
    ['/d/a1/below', []],
    ['/', ['/']],
    ['/*', ['/d', '/deep', '/e', '/mixed', '/wide']],
    ['/d/a*', ['/d/a1', '/d/a2']],
    ['/d/a?', ['/d/a1', '/d/a2']],
    ['/d/a[2-9]', ['/d/a2']],
    ['/d/a[^2]', ['/d/a1']],
    ['/d/.*', ['/d/.hidden']],
    ['/d/?idden', []],
    ['/d/*idden', ['/d/.hidden']],
    ['/d/\\[1\\]', ['/d/[1]']],
    ['/d/[[]*', ['/d/[1]']],
    ['/d/?t?', ['/d/été']],
    ['/*/b/*.txt', ['/d/b/x.txt']],
    ['/*/b', ['/d/b', '/e/b']],
    ['/*/b/', ['/d/b', '/e/b']],
    ['/d/{b,c/b}/x.txt', ['/d/b/x.txt', '/d/c/b/x.txt']],
    ['/{d/b,e/{b,none}}/*', ['/d/b/x.txt', '/d/b/y.log', '/e/b/z']],
    ['/d/{a1,a*}', ['/d/a1', '/d/a2']],
    ['/d/**/x.txt', ['/d/b/x.txt', '/d/c/b/x.txt', '/d/c/deep/er/x.txt']],
    ['/d/c/**', ['/d/c/b', '/d/c/b/x.txt', '/d/c/deep', '/d/c/deep/er', '/d/c/deep/er/x.txt']],
    ['/**/b/**/*.txt', ['/d/b/x.txt', '/d/c/b/x.txt']],
    ['/d/@(a1|a2)', []],
    ['/d/*/*/*', ['/d/c/b/x.txt', '/d/c/deep/er']],
    ['/d/a1/*', []],
  ])('%s', async (pattern, found) => {
    expect(await paths(fs.glob(pattern))).toEqual(found);
  });

  test('patterns that are none: refused', async () => {
    await expect(collect(fs.glob('d/*'))).rejects.toMatchObject({ code: 'invalid_argument', errno: 'EINVAL', path: 'd/*' });
    await expect(collect(fs.glob(`/${'{a,b}'.repeat(11)}`))).rejects.toMatchObject({ code: 'resource_exhausted', errno: 'E2BIG' });
    // More braces than anybody writes, refused before they are expanded; those that stand for themselves are no braces.
    await expect(collect(fs.glob(`/${'{1..9}'.repeat(65)}`))).rejects.toThrow(/up to 64 braces/);
    expect(await collect(fs.glob(`/none${'\\{'.repeat(100)}`))).toEqual([]);
  });

  test('a directory on the way that may not be read: EACCES', async () => {
    await expect(collect(served.client('mallory').glob('/mixed/*/*'))).rejects.toMatchObject({ errno: 'EACCES', path: '/mixed/shut' });
  });
});
