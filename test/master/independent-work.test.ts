import fc from 'fast-check';
import { expect, test } from 'vitest';
import { independentPrefix } from '../../src/master/independent-work.js';
import type { UnderWork } from '../../src/metadata/mounts.js';

const work = (path: string, to = ''): UnderWork => ({ kind: 0, path, to, directory: true, mode: null, owner: '', group: '' });
const count = (...works: UnderWork[]) => independentPrefix(works).length;

test('work: of which one path is, holds or lies in another, ends the prefix', () => {
  expect(count(work('a'), work('b'), work('c/d'), work('c/e'), work('ab'))).toBe(5);
  expect(count(work('a'), work('a'))).toBe(1);
  expect(count(work('a'), work('b', 'a'))).toBe(1);
  expect(count(work('a', 'b'), work('b', 'c'))).toBe(1);
  expect(count(work('a/b/c'), work('a'))).toBe(1);
  expect(count(work('a'), work('x', 'a/b/c'))).toBe(1);
  expect(count(work('a/b', 'a/c'), work('d'))).toBe(2);
  expect(count()).toBe(0);
});

test('work: on random paths, is taken exactly as far as no two have to do with each other', () => {
  const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
  const one = fc.record({ path, to: fc.option(path, { nil: '' }) }).map(({ path, to }) => work(path, to));
  const paths = ({ path, to }: UnderWork) => (to === '' ? [path] : [path, to]);
  const concern = (a: string, b: string) => `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`);
  fc.assert(
    fc.property(fc.array(one, { maxLength: 8 }), (works) => {
      const clash = works.findIndex((each, at) =>
        works.slice(0, at).some((before) => paths(before).some((a) => paths(each).some((b) => concern(a, b)))),
      );
      expect(independentPrefix(works)).toEqual(clash < 0 ? works : works.slice(0, clash));
    }),
    { numRuns: 500 },
  );
});
