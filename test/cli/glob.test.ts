import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alternativesOf, escapeGlob, literalPath } from '../../src/cli/fs/glob.js';

test.each([
  ['/a/b/', ['/a/b']],
  ['/', ['/']],
  ['/a\\*\\{', ['/a*{']],
  ['/{a,b}/c', ['/a/c', '/b/c']],
  ['{/a,/b}', ['/a', '/b']],
  ['/{a/b,c}', ['/a/b', '/c']],
  ['/x{,y}', ['/x', '/xy']],
  ['/{a,{b,c}d}', ['/a', '/bd', '/cd']],
  ['/\\{a,b\\}', ['/{a,b}']],
  ['/{a\\,b,c}', ['/a,b', '/c']],
  ['/{*,b}', [undefined, '/b']],
  ['/a?', [undefined]],
  ['/[a]', [undefined]],
] as const)('glob: %s, the paths %j', (pattern, paths) => expect(alternativesOf(pattern).map(literalPath)).toEqual(paths));

test.each(['', 'a', '/{a', '/a\\', '{a,/b}'])('glob: %j, refused as no pattern', (pattern) => {
  expect(() => alternativesOf(pattern).map(literalPath)).toThrow(/not a path or pattern/);
});

test('glob: braces that stand for too many, refused', () => {
  expect(alternativesOf('/{a,b}{a,b}{a,b}').length).toBe(8);
  expect(() => alternativesOf(`/${'{a,b}'.repeat(40)}`)).toThrow(/more than 1000/);
});

test('glob: any name escaped, stands for itself alone', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((text) => !text.includes('/'));
  fc.assert(
    fc.property(name, (text) => {
      expect(alternativesOf(escapeGlob(`/d/${text}`)).map(literalPath)).toEqual([`/d/${text}`]);
    }),
  );
});
