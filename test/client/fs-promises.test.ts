/**
 * The promises' face against `node:fs/promises` itself: the same calls on a folder and on the namespace have the same results, and fail
 * with the same codes and words.
 */
import * as nodeFs from 'node:fs/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { callbackify } from 'node:util';
import fc from 'fast-check';
import fastGlob from 'fast-glob';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileSystem } from '../../src/client/file-system.js';
import { FsPromises } from '../../src/client/fs-promises.js';
import { ServedNamespace } from './served-namespace.js';

let served: ServedNamespace;
let fs: FileSystem;
let promises: FsPromises;

beforeAll(async () => {
  served = await ServedNamespace.open();
  fs = served.client('o', { umask: process.umask() });
  promises = new FsPromises(fs);
});
afterAll(() => served[Symbol.asyncDispose]());

type Face = Pick<
  typeof nodeFs,
  | 'access'
  | 'chmod'
  | 'mkdir'
  | 'opendir'
  | 'readdir'
  | 'realpath'
  | 'readlink'
  | 'rename'
  | 'rm'
  | 'rmdir'
  | 'stat'
  | 'lstat'
  | 'truncate'
  | 'unlink'
  | 'utimes'
>;

/** One side: a face, the folder that it is tried on, and how files come about there. */
interface Side {
  readonly face: Face;
  readonly folder: string;
  create(path: string, length: number): Promise<void>;
}

type Call = (side: Side, at: (name: string) => string) => Promise<unknown>;

/** What came of a call, without the folder's name. */
async function outcome(side: Side, call: Call): Promise<unknown> {
  const plain = (text: unknown) => (typeof text === 'string' ? text.replaceAll(side.folder, '') : text);
  try {
    const value = await call(side, (name) => (name === '' ? side.folder : `${side.folder}/${name}`));
    return typeof value === 'string' ? plain(value) : value;
  } catch (error) {
    const { name, message, code, errno, syscall, path: about, dest } = error as NodeJS.ErrnoException & { dest?: string };
    return { name, message: plain(message), code, errno, syscall, path: plain(about), dest: plain(dest) };
  }
}

async function sides(): Promise<readonly [node: Side, ours: Side]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'understudy-promises-'));
  await fs.createDirectory(folder, { recursive: true, allowExists: true });
  return [
    { face: nodeFs, folder, create: (at, length) => nodeFs.writeFile(at, Buffer.alloc(length), { flag: 'wx' }) },
    { face: promises as unknown as Face, folder, create: async (at, length) => void (await fs.createFile(at, { completeLength: length })) },
  ];
}

async function removeSides([{ folder }]: readonly [Side, Side]): Promise<void> {
  await rm(folder, { recursive: true });
  await fs.remove(folder, { recursive: true });
}

const kind = (entry: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }) =>
  entry.isDirectory() ? 'directory' : entry.isFile() ? 'file' : entry.isSymbolicLink() ? 'link' : 'other';

async function shown(face: Face, at: string): Promise<unknown> {
  const stats = await face.stat(at);
  return { kind: kind(stats), mode: stats.mode, size: stats.isFile() ? stats.size : undefined };
}

async function tree(face: Face, folder: string): Promise<unknown> {
  const names = (await face.readdir(folder, { recursive: true })).sort();
  return Promise.all(names.map(async (name) => [name, await shown(face, `${folder}/${name}`)]));
}

const name = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const mode = fc.constantFrom(0o755, 0o700, 0o644, 0o1777, 0o777);

/** Each kind of call, with its arguments. */
const call: fc.Arbitrary<{ readonly label: string; readonly run: Call }> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(name, fc.nat(3)).map(([n, length]) => ({
      label: `create ${n} ${length}`,
      run: (s: Side, at: (n: string) => string) => s.create(at(n), length).catch(openErrors),
    })),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(name, fc.boolean(), mode).map(([n, recursive, m]) => ({
      label: `mkdir ${n} ${recursive} ${m.toString(8)}`,
      run: (s: Side, at: (n: string) => string) => s.face.mkdir(at(n), { recursive, mode: m }),
    })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(name, name)
      .map(([a, b]) => ({ label: `rename ${a} ${b}`, run: (s: Side, at: (n: string) => string) => s.face.rename(at(a), at(b)) })),
  },
  fc.tuple(name, fc.boolean(), fc.boolean()).map(([n, recursive, force]) => ({
    label: `rm ${n} ${recursive} ${force}`,
    run: (s: Side, at: (n: string) => string) => s.face.rm(at(n), { recursive, force }),
  })),
  name.map((n) => ({ label: `rmdir ${n}`, run: (s: Side, at: (n: string) => string) => s.face.rmdir(at(n)) })),
  name.map((n) => ({ label: `unlink ${n}`, run: (s: Side, at: (n: string) => string) => s.face.unlink(at(n)) })),
  name.map((n) => ({ label: `stat ${n}`, run: (s: Side, at: (n: string) => string) => shown(s.face, at(n)) })),
  name.map((n) => ({ label: `lstat ${n}`, run: async (s: Side, at: (n: string) => string) => kind(await s.face.lstat(at(n))) })),
  name.map((n) => ({ label: `access ${n}`, run: (s: Side, at: (n: string) => string) => s.face.access(at(n)) })),
  name.map((n) => ({ label: `readdir ${n}`, run: async (s: Side, at: (n: string) => string) => (await s.face.readdir(at(n))).sort() })),
  name.map((n) => ({
    label: `readdir types ${n}`,
    run: async (s: Side, at: (n: string) => string) =>
      (await s.face.readdir(at(n), { withFileTypes: true })).map((e) => [e.name, kind(e)]).sort(),
  })),
  name.map((n) => ({
    label: `opendir ${n}`,
    run: async (s: Side, at: (n: string) => string) => {
      const names: string[] = [];
      for await (const entry of await s.face.opendir(at(n))) names.push(entry.name);
      return names.sort();
    },
  })),
  fc
    .tuple(name, mode)
    .map(([n, m]) => ({ label: `chmod ${n} ${m.toString(8)}`, run: (s: Side, at: (n: string) => string) => s.face.chmod(at(n), m) })),
  fc.tuple(name, fc.nat(2_000_000_000)).map(([n, seconds]) => ({
    label: `utimes ${n} ${seconds}`,
    run: async (s: Side, at: (n: string) => string) => {
      await s.face.utimes(at(n), seconds, new Date(seconds));
      const { atimeMs, mtimeMs, mtime } = await s.face.stat(at(n));
      // Node's own lose a bit on the way through seconds.
      return { atimeMs: Math.round(atimeMs), mtimeMs: Math.round(mtimeMs), mtime };
    },
  })),
  name.map((n) => ({ label: `truncate ${n}`, run: (s: Side, at: (n: string) => string) => s.face.truncate(at(n)) })),
  name.map((n) => ({ label: `realpath ${n}`, run: (s: Side, at: (n: string) => string) => s.face.realpath(at(n)) })),
  name.map((n) => ({ label: `readlink ${n}`, run: (s: Side, at: (n: string) => string) => s.face.readlink(at(n)) })),
);

/** How files come about is no call of the face: only the code is compared. */
function openErrors(error: NodeJS.ErrnoException & { errno?: unknown }): never {
  const code = typeof error.errno === 'string' ? error.errno : error.code;
  throw Object.assign(new Error(), { code });
}

test('any calls: the same results and errors, and the same tree, as on a folder', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 40 }), async (calls) => {
      const both = await sides();
      try {
        for (const { label, run } of calls) {
          const [expected, found] = [await outcome(both[0], run), await outcome(both[1], run)];
          expect([label, told(label, found)]).toEqual([label, told(label, expected)]);
        }
        expect(await tree(both[1].face, both[1].folder)).toEqual(await tree(both[0].face, both[0].folder));
      } finally {
        await removeSides(both);
      }
    }),
    { numRuns: 300 },
  );
});

/** Of two paths that are both not there, POSIX leaves open which one is told of. Of what `rm` calls, versions of Node tell differently. */
function told(label: string, value: unknown): unknown {
  const { code, errno: _, message: __, ...rest } = (value ?? {}) as NodeJS.ErrnoException;
  if (label.startsWith('rm ') && code !== undefined) return { code };
  // A file over a directory above it: the kernel tells first that what it lies in is not empty.
  const [, from = '', to = ''] = label.split(' ');
  if (label.startsWith('rename') && from.startsWith(`${to}/`) && (code === 'EISDIR' || code === 'ENOTEMPTY')) {
    return { code: 'EISDIR or ENOTEMPTY', ...rest };
  }
  return label.startsWith('rename') && (code === 'ENOENT' || code === 'ENOTDIR') ? { code: 'ENOENT or ENOTDIR', ...rest } : value;
}

describe('beside the folder', () => {
  test('what only some calls have: paths in other forms, modes as text, directories by handle', async () => {
    const { stat, mkdir, readdir } = promises;
    expect(await mkdir('/forms/one/two', { recursive: true, mode: '700' })).toBe('/forms');
    expect(await mkdir('forms/one/../three/')).toBeUndefined();
    expect((await stat(Buffer.from('/forms/one/two'))).mode & 0o777).toBe(0o700);
    expect((await stat(new URL('file:///forms/./three'))).isDirectory()).toBe(true);
    expect(await readdir('/forms', 'utf8')).toEqual(['one', 'three']);
    const entries = await readdir('/forms', { recursive: true, withFileTypes: true });
    expect(entries.map(({ parentPath, name: at }) => `${parentPath}/${at}`)).toEqual(['/forms/one', '/forms/one/two', '/forms/three']);
    const dir = await promises.opendir('/forms');
    expect([(await dir.read())?.name, (await dir.read())?.name, await dir.read()]).toEqual(['one', 'three', null]);
    await dir.close();
    await expect(dir.read()).rejects.toMatchObject({ code: 'ERR_DIR_CLOSED' });
    await expect(stat('')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(stat('a\0b')).rejects.toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    await expect(stat(5 as never)).rejects.toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  });

  test('handles, links and numbers of users: refused', async () => {
    await fs.createFile('/plain', { completeLength: 3 });
    const refused = [promises.open('/plain'), promises.cp('/plain', '/b'), promises.symlink('/plain', '/l')];
    for (const each of [...refused, promises.chown('/plain', 1, 1), promises.truncate('/plain', 4)]) {
      await expect(each).rejects.toMatchObject({ code: 'ENOTSUP', errno: -95, path: '/plain' });
    }
    await expect(promises.stat('/plain', { bigint: true } as never)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await expect(promises.readdir('/', 'buffer' as never)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await expect(promises.open('/plain')).rejects.toThrow(
      "ENOTSUP: operation not supported on socket (there are no handles of files), open '/plain'",
    );
    await promises.chown('/plain', 'ada', -1);
    expect(await promises.stat('/plain')).toMatchObject({ owner: 'ada', group: 'o', uid: 0 });
  });

  test('access: by the permissions of who asks', async () => {
    const bob = new FsPromises(served.client('bob'));
    await fs.createFile('/private', { completeLength: 0, mode: 0o640 });
    await bob.access('/private');
    await expect(bob.access('/private', bob.constants.R_OK)).rejects.toMatchObject({
      code: 'EACCES',
      errno: -13,
      message: "EACCES: permission denied, access '/private'",
    });
    await expect(bob.mkdir('/bobs')).rejects.toMatchObject({
      code: 'EACCES',
      syscall: 'mkdir',
      cause: { errno: 'EACCES', code: 'permission_denied' },
    });
  });

  test('watch: names that come and go, and attributes that change', async () => {
    await fs.createDirectory('/watched/sub', { recursive: true });
    const giveUp = new AbortController();
    const changes = promises.watch('/watched', { signal: giveUp.signal });
    // Nothing is told before it is asked for.
    const first = changes.next();
    await promises.stat('/watched');
    const all = promises.watch('/watched', { recursive: true });
    const [firstOfAll] = [all.next(), await promises.stat('/watched')];
    await fs.createFile('/watched/f', { completeLength: 0 });
    await promises.chmod('/watched/f', 0o600);
    await promises.mkdir('/watched/sub/deep');
    await promises.rename('/watched/f', '/watched/g');
    const events = [
      (await first).value,
      ...(await Promise.all([changes.next(), changes.next(), changes.next()])).map(({ value }) => value),
    ];
    expect(events.map((event) => event && `${event.eventType} ${event.filename}`)).toEqual([
      'rename f',
      'change f',
      'rename f',
      'rename g',
    ]);
    const allEvents = [(await firstOfAll).value, (await all.next()).value, (await all.next()).value];
    expect(allEvents.map((event) => event?.filename)).toEqual(['f', 'f', 'sub/deep']);
    await all.return();
    giveUp.abort();
    await expect(changes.next()).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
    await expect(promises.watch('/none').next()).rejects.toMatchObject({ code: 'ENOENT', syscall: 'watch' });
  });

  test('no masters: EAGAIN or the like, with what was met', async () => {
    const gone = served.client('o', { masters: ['nowhere:1'], callTimeoutMs: 50, lookTimeoutMs: 20 });
    await expect(new FsPromises(gone).stat('/')).rejects.toMatchObject({ code: 'EAGAIN', syscall: 'stat', cause: { code: 'unavailable' } });
  });
});

test('a library that takes a file system: fast-glob finds the same as on a folder', async () => {
  const both = await sides();
  for (const { create, face, folder } of both) {
    for (const at of ['src/one.ts', 'src/deep/er/two.ts', 'src/deep/three.js', '.hidden/four.ts', 'README']) {
      await face.mkdir(path.dirname(`${folder}/${at}`), { recursive: true });
      await create(`${folder}/${at}`, 1);
    }
  }
  const { lstat, stat, readdir } = promises;
  const adapter = {
    lstat: callbackify(lstat),
    stat: callbackify(stat),
    readdir: callbackify(readdir),
  } as unknown as fastGlob.FileSystemAdapter;
  const cwd = both[0].folder;
  for (const pattern of ['**/*.ts', 'src/*', 'src/{deep,none}/**', '*', '**']) {
    for (const options of [{ cwd }, { cwd, dot: true, onlyFiles: false }, { cwd, stats: true }]) {
      const names = async (more: object) =>
        (await fastGlob(pattern, { ...options, ...more }))
          .map((found) => (typeof found === 'string' ? found : (found as { path: string }).path))
          .sort();
      expect(await names({ fs: adapter })).toEqual(await names({}));
    }
  }
  await removeSides(both);
});
