/**
 * What every mounted storage promises (src/underfs/under-store.ts). `place` yields a store that is empty, and the caller's to close.
 */
import { describe, expect, onTestFinished, test } from 'vitest';
import { isError, UnderstudyError } from '../../src/base/errors.js';
import { compareNames, PARTS_FOLDER } from '../../src/underfs/under-path.js';
import { UNDER_PAGE_MAX, type UnderEntry, type UnderListOptions, type UnderStore } from '../../src/underfs/under-store.js';

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export async function readAll(store: UnderStore, path: string, range: { offset?: number; length?: number } = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.open(path, range)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export async function listAll(store: UnderStore, path: string, options: UnderListOptions = {}): Promise<UnderEntry[]> {
  const entries: UnderEntry[] = [];
  for await (const page of store.list(path, options)) {
    expect(page.length).toBeGreaterThan(0);
    expect(page.length).toBeLessThanOrEqual(UNDER_PAGE_MAX);
    entries.push(...page);
  }
  return entries;
}

const orderKey = ({ name, isDirectory }: UnderEntry): string => (isDirectory ? `${name}/` : name);
/** Names in order, a folder's with a slash at the end. */
export const namesIn = async (store: UnderStore, path: string, options: UnderListOptions = {}): Promise<string[]> =>
  (await listAll(store, path, options)).map(orderKey).sort(compareNames);

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
    return 'none';
  } catch (error) {
    if (isError(error)) return error.code;
    throw error;
  }
};

/** Names that are hard on keys, shells and XML, in no order. */
const ODD_NAMES = ['a b', 'a+b', 'a%2Fb', 'ä', 'ab', 'a-b', '日本', '\u{1f600}', '\ufb00', '&<>"\'', '#?*', '...', '~', 'new\nline', '\\'];

/** Lengths around the parts that stores put files together of, and in which pieces the bytes come. */
const SIZES = [
  [0, 1],
  [1, 1],
  [8 << 20, 1 << 20],
  [(8 << 20) + 1, 3_000_001],
  [(17 << 20) + 7, 9 << 20],
] as const;

/** Of a prime length: no part of a file looks like another. */
const PATTERN = Buffer.alloc(20 << 20, Buffer.from(Array.from({ length: 251 }, (_, at) => at)));

/** All in one buffer, each over the one before. */
async function* pieces(length: number, pieceBytes: number): AsyncIterable<Uint8Array> {
  const buffer = Buffer.alloc(pieceBytes);
  for (let from = 0; from < length; from += pieceBytes) {
    const bytes = PATTERN.copy(buffer, 0, from, Math.min(length, from + pieceBytes));
    yield buffer.subarray(0, bytes);
  }
}

export function underStoreContract(name: string, place: () => Promise<UnderStore>): void {
  async function fresh(): Promise<UnderStore> {
    const store = await place();
    onTestFinished(() => store.close());
    return store;
  }

  describe(`${name} keeps the contract of mounted storage`, () => {
    test('create: then stat, open and list, tell the same; made again, it is replaced', async () => {
      const store = await fresh();
      const made = await store.create('d/f', text('hello'));
      expect(made).toMatchObject({ name: 'd/f', isDirectory: false, length: 5 });
      const seen = await store.stat('d/f');
      expect(seen).toMatchObject({ name: 'd/f', isDirectory: false, length: 5, fingerprint: made.fingerprint });
      expect(await listAll(store, 'd')).toEqual([{ ...seen, name: 'f' }]);
      expect(await readAll(store, 'd/f')).toBe('hello');
      const again = await store.create('d/f', text('world!'));
      expect(again.fingerprint).not.toBe(made.fingerprint);
      expect(await readAll(store, 'd/f')).toBe('world!');
      await store.create('empty', text(''));
      expect(await readAll(store, 'empty')).toBe('');
    });

    test('open: a range, is what lies there; past the end, nothing; of nothing or a folder, refused', async () => {
      const store = await fresh();
      const big = 'x'.repeat(3 << 20);
      await store.create('f', text(`0123456789${big}`));
      expect(await readAll(store, 'f', { offset: 3, length: 4 })).toBe('3456');
      expect(await readAll(store, 'f', { length: 0 })).toBe('');
      expect(await readAll(store, 'f', { offset: big.length + 8, length: 100 })).toBe('xx');
      expect(await readAll(store, 'f', { offset: big.length + 10 })).toBe('');
      expect(await readAll(store, 'f', { offset: big.length + 1000, length: 10 })).toBe('');
      expect((await readAll(store, 'f', { offset: 10 })) === big).toBe(true);
      expect(await codeOf(readAll(store, 'absent'))).toBe('not_found');
    });

    test('open: many ranges of one file at once, each is what lies there', async () => {
      const store = await fresh();
      await store.create('f', Buffer.concat(Array.from({ length: 64 }, (_, at) => Buffer.alloc(10_000, at))));
      const ranges = Array.from({ length: 64 }, (_, at) => readAll(store, 'f', { offset: at * 10_000, length: 10_000 }));
      for (const [at, read] of (await Promise.all(ranges)).entries()) expect(read === String.fromCharCode(at).repeat(10_000)).toBe(true);
    });

    test('write: bytes that come in pieces of any size, are the file; a buffer that is used again, does no harm', async () => {
      const store = await fresh();
      for (const [length, pieceBytes] of SIZES) {
        const written = await store.write(`w/${length}`, pieces(length, pieceBytes), { length });
        expect(written).toMatchObject({ name: `w/${length}`, isDirectory: false, length });
        expect(await store.stat(`w/${length}`)).toMatchObject({ length, fingerprint: written.fingerprint });
        let at = 0;
        for await (const chunk of store.open(`w/${length}`)) {
          expect(PATTERN.compare(chunk, 0, chunk.length, at, at + chunk.length)).toBe(0);
          at += chunk.length;
        }
        expect(at).toBe(length);
      }
    });

    test('write: over a file, replaces it; over a folder, is refused', async () => {
      const store = await fresh();
      await store.create('d/f', text('old'));
      await store.write('d/f', pieces(10, 3), { length: 10 });
      expect((await store.stat('d/f'))?.length).toBe(10);
      if (store.traits.hasDirectories) expect(await codeOf(store.write('d', pieces(1, 1), { length: 1 }))).toBe('already_exists');
    });

    test('write: that breaks off, brings more or fewer bytes, or is given up, leaves the file as it was', async () => {
      const store = await fresh();
      await store.create('f', text('old'));
      const breaks = async function* (length: number) {
        yield* pieces(length, 1 << 20);
        throw new UnderstudyError('data_loss', 'no more bytes');
      };
      const givenUp = new AbortController();
      const slow = async function* () {
        for await (const piece of pieces(17 << 20, 1 << 20)) {
          yield piece;
          givenUp.abort();
        }
      };
      for (const length of [100, 9 << 20]) {
        expect(await codeOf(store.write('f', breaks(length), { length: length + 1 }))).toBe('data_loss');
        expect(await codeOf(store.write('f', breaks(length), { length: length - 1 }))).toBe('invalid_argument');
        expect(await codeOf(store.write('f', pieces(length, 999_999), { length: length - 1 }))).toBe('invalid_argument');
        expect(await codeOf(store.write('f', pieces(length, 999_999), { length: length + 1 }))).toBe('invalid_argument');
      }
      expect(await codeOf(store.write('f', slow(), { length: 17 << 20, signal: givenUp.signal }))).toBe('cancelled');
      expect(await readAll(store, 'f')).toBe('old');
      expect(await namesIn(store, '', { recursive: true })).toEqual(['f']);
    });

    test('list: folders of parts, are left out with all in them, unless they are listed', async () => {
      const store = await fresh();
      await store.create(`${PARTS_FOLDER}/1-1.part`, text('x'));
      await store.create(`d/${PARTS_FOLDER}/deeper/2`, text('x'));
      await store.create(`d/${PARTS_FOLDER}x`, text('x'));
      expect(await namesIn(store, '', { recursive: true })).toEqual(['d/', `d/${PARTS_FOLDER}x`]);
      expect(await namesIn(store, 'd')).toEqual([`${PARTS_FOLDER}x`]);
      expect(await namesIn(store, PARTS_FOLDER)).toEqual(['1-1.part']);
      expect(await readAll(store, `${PARTS_FOLDER}/1-1.part`)).toBe('x');
    });

    test('stat: the root is a folder, a folder made or implied is one, what is absent is undefined', async () => {
      const store = await fresh();
      expect(await store.stat('')).toMatchObject({ name: '', isDirectory: true });
      await store.makeDirectory('made/deep');
      await store.create('implied/by/f', text('x'));
      for (const path of ['made', 'made/deep', 'implied', 'implied/by']) {
        expect(await store.stat(path), path).toMatchObject({ name: path, isDirectory: true, length: 0, fingerprint: '' });
      }
      for (const path of ['absent', 'absent/deeper', 'implied/by/f/g', 'impl']) expect(await store.stat(path), path).toBe(undefined);
    });

    test('list: children or all below, a folder before what is in it, in order where it says so', async () => {
      const store = await fresh();
      for (const path of ['b/2', 'b/1/x', 'b-a', 'b0', 'a', 'c/d/e/f']) await store.create(path, text('x'));
      await store.makeDirectory('empty');
      expect(await namesIn(store, '')).toEqual(['a', 'b-a', 'b/', 'b0', 'c/', 'empty/']);
      expect(await namesIn(store, 'b')).toEqual(['1/', '2']);
      expect(await namesIn(store, 'empty')).toEqual([]);
      const all = ['a', 'b-a', 'b/', 'b/1/', 'b/1/x', 'b/2', 'b0', 'c/', 'c/d/', 'c/d/e/', 'c/d/e/f', 'empty/'];
      expect(await namesIn(store, '', { recursive: true })).toEqual(all);
      const seen = (await listAll(store, '', { recursive: true })).map(orderKey);
      for (const name of seen) {
        const above = name.slice(0, name.lastIndexOf('/', name.length - 2) + 1);
        if (above !== '') expect(seen.indexOf(above), name).toBeLessThan(seen.indexOf(name));
      }
      if (!store.traits.listsInOrder) return expect(await codeOf(listAll(store, '', { startAfter: 'a' }))).toBe('invalid_argument');
      expect(seen).toEqual(all);
      for (const [at, startAfter] of all.entries()) {
        expect((await listAll(store, '', { recursive: true, startAfter })).map(orderKey), startAfter).toEqual(all.slice(at + 1));
      }
      expect((await listAll(store, '', { startAfter: 'b/' })).map(orderKey)).toEqual(['b0', 'c/', 'empty/']);
    });

    test('list: of nothing or a file, is refused; of an empty root, is empty', async () => {
      const store = await fresh();
      expect(await listAll(store, '')).toEqual([]);
      await store.create('f', text('x'));
      expect(await codeOf(listAll(store, 'absent'))).toBe('not_found');
      expect(await codeOf(listAll(store, 'f'))).toBe('failed_precondition');
    });

    test('list: more than a page, has each name once', async () => {
      const store = await fresh();
      const names = Array.from({ length: 2 * UNDER_PAGE_MAX + 1 }, (_, at) => `f${String(at).padStart(5, '0')}`);
      for (let at = 0; at < names.length; at += 50) {
        await Promise.all(names.slice(at, at + 50).map((each) => store.create(`d/${each}`, text(''))));
      }
      expect(await namesIn(store, 'd')).toEqual(names);
      expect(await namesIn(store, '', { recursive: true })).toEqual(['d/', ...names.map((each) => `d/${each}`)]);
      if (!store.traits.listsInOrder) return;
      expect((await listAll(store, 'd', { startAfter: names[1500]! })).map(orderKey)).toEqual(names.slice(1501));
    });

    test('names: odd ones, come back as they were, in the order of bytes', async () => {
      const store = await fresh();
      for (const each of ODD_NAMES) await store.create(`d/${each}`, text(each));
      const byBytes = [...ODD_NAMES].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await namesIn(store, 'd')).toEqual(byBytes);
      if (store.traits.listsInOrder) expect((await listAll(store, 'd')).map(orderKey)).toEqual(byBytes);
      for (const each of ODD_NAMES) {
        expect(await readAll(store, `d/${each}`)).toBe(each);
        await store.rename(`d/${each}`, `e/${each}`);
        await store.delete(`e/${each}`);
      }
      expect(await namesIn(store, '', { recursive: true })).not.toContainEqual(expect.stringMatching(/.\/./));
    });

    test('paths: with empty or dotted components, are refused everywhere', async () => {
      const store = await fresh();
      for (const path of ['/a', 'a/', 'a//b', '.', '..', 'a/../b', 'a/.', '../x', 'a\0b']) {
        const calls = [
          store.stat(path),
          listAll(store, path),
          readAll(store, path),
          store.create(path, text('x')),
          store.makeDirectory(path),
        ];
        calls.push(
          store.rename(path, 'b') as Promise<never>,
          store.rename('b', path) as Promise<never>,
          store.delete(path) as Promise<never>,
        );
        for (const call of calls) expect(await codeOf(call), path).toBe('invalid_argument');
      }
      for (const call of [
        store.rename('', 'a'),
        store.rename('a', ''),
        store.delete('', { recursive: true }),
        store.create('', text('x')),
      ]) {
        expect(await codeOf(call)).toBe('invalid_argument');
      }
      expect(await codeOf(store.rename('a', 'a/b'))).toBe('invalid_argument');
    });

    test('makeDirectory: repeated, is fine; where a file is, refused', async () => {
      const store = await fresh();
      await store.makeDirectory('a/b');
      await store.makeDirectory('a/b');
      await store.makeDirectory('');
      await store.create('a/b/f', text('x'));
      await store.makeDirectory('a/b');
      expect(await namesIn(store, '', { recursive: true })).toEqual(['a/', 'a/b/', 'a/b/f']);
      expect(await codeOf(store.makeDirectory('a/b/f'))).toBe('already_exists');
    });

    test('rename: a file or a folder with all in it, moves; repeated, is fine; of nothing to nothing, refused', async () => {
      const store = await fresh();
      await store.create('a/f', text('one'));
      await store.create('a/d/g', text('two'));
      await store.makeDirectory('a/empty');
      await store.rename('a/f', 'x/y/f');
      await store.rename('a/f', 'x/y/f');
      expect(await readAll(store, 'x/y/f')).toBe('one');
      await store.rename('a', 'moved/b');
      await store.rename('a', 'moved/b');
      expect(await namesIn(store, 'moved', { recursive: true })).toEqual(['b/', 'b/d/', 'b/d/g', 'b/empty/']);
      expect(await readAll(store, 'moved/b/d/g')).toBe('two');
      expect(await store.stat('a')).toBe(undefined);
      expect(await codeOf(store.rename('absent', 'nowhere'))).toBe('not_found');
    });

    test('rename: over a file, replaces it; onto itself, changes nothing; a sibling with the same start, stays', async () => {
      const store = await fresh();
      await store.create('d/f', text('new'));
      await store.create('d/g', text('old'));
      await store.create('dd/h', text('sibling'));
      await store.rename('d/f', 'd/g');
      expect(await readAll(store, 'd/g')).toBe('new');
      await store.rename('d/g', 'd/g');
      await store.rename('d', 'd');
      await store.rename('d', 'e');
      expect(await namesIn(store, '', { recursive: true })).toEqual(['dd/', 'dd/h', 'e/', 'e/g']);
      expect(await readAll(store, 'e/g')).toBe('new');
    });

    test('delete: files and folders, are gone; repeated, is fine; a folder that is not empty only if told', async () => {
      const store = await fresh();
      await store.create('d/f', text('x'));
      await store.create('d/e/g', text('x'));
      await store.create('dd', text('x'));
      await store.makeDirectory('empty');
      await store.delete('empty');
      await store.delete('empty');
      await store.delete('absent/deeper', { recursive: true });
      expect(await codeOf(store.delete('d'))).toBe('failed_precondition');
      expect(await namesIn(store, '', { recursive: true })).toEqual(['d/', 'd/e/', 'd/e/g', 'd/f', 'dd']);
      await store.delete('d', { recursive: true });
      await store.delete('d', { recursive: true });
      expect(await namesIn(store, '', { recursive: true })).toEqual(['dd']);
      await store.delete('dd');
      expect(await listAll(store, '')).toEqual([]);
    });

    test('setAttributes: are seen where the store has them', async () => {
      const store = await fresh();
      await store.create('f', text('x'));
      await store.setAttributes('f', { mode: 0o640 });
      const mode = (await store.stat('f'))?.mode;
      expect(mode).toBe(store.traits.hasAttributes ? 0o640 : undefined);
      if (store.traits.hasAttributes) expect(await codeOf(store.setAttributes('absent', { mode: 0o600 }))).toBe('not_found');
    });

    test('a signal that is aborted, ends every call', async () => {
      const store = await fresh();
      await store.create('f', text('x'));
      const signal = AbortSignal.abort();
      const calls = [
        store.stat('f', signal),
        store.create('g', text('x'), signal),
        store.makeDirectory('d', signal),
        store.rename('f', 'h', signal),
      ];
      for (const call of [...calls, store.delete('f', { signal }), listAll(store, '', { signal })])
        expect(await codeOf(call)).toBe('cancelled');
      expect(await namesIn(store, '')).toEqual(['f']);
    });
  });
}
