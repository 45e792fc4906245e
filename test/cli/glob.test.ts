import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeGlob, literalPath, parseGlobs } from '../../src/cli/fs/glob.js';

/** Whether `path` is one that `pattern` stands for. */
function matches(pattern: string, path: string): boolean {
  const names = path.split('/').slice(1);
  return parseGlobs(pattern).some((glob) => {
    if (glob.length !== names.length) return false;
    return glob.every((name, at) => ('name' in name ? name.name === names[at] : name.matches.test(names[at] ?? '')));
  });
}

test.each([
  ['/a/*', '/a/b', true],
  ['/a/*', '/a/.hidden', true],
  ['/a/*', '/a', false],
  ['/a/*', '/a/b/c', false],
  ['/*/c', '/a/c', true],
  ['/a?c', '/abc', true],
  ['/a?c', '/a😀c', true],
  ['/a?c', '/ac', false],
  ['/[a-c]x', '/bx', true],
  ['/[^a-c]x', '/bx', false],
  ['/[!a-c]x', '/dx', true],
  ['/[a\\-c]', '/-', true],
  ['/[a\\-c]', '/b', false],
  ['/[]x]', '/]', true],
  ['/[.^$]', '/^', true],
  ['/{a,b}/c', '/b/c', true],
  ['/{a/b,c}', '/a/b', true],
  ['/x{,y}', '/x', true],
  ['/{a,{b,c}d}', '/cd', true],
  ['/a.b-c', '/a.b-c', true],
  ['/*.l-g', '/a.l-g', true],
  ['/*.log', '/axlog', false],
  ['/a\\*', '/a*', true],
  ['/a\\*', '/ab', false],
  ['/\\{a\\,b\\}', '/{a,b}', true],
  ['/a/', '/a', true],
] as const)('glob: %s stands for %s: %s', (pattern, path, expected) => expect(matches(pattern, path)).toBe(expected));

test.each(['', 'a', '/{a', '/[a', '/a\\', '/[c-a]', '{a,/b}'])('glob: %j, refused as no pattern', (pattern) => {
  expect(() => parseGlobs(pattern)).toThrow(/not a path or pattern/);
});

test('glob: braces that stand for too many, refused', () => {
  expect(parseGlobs('/{a,b}{a,b}{a,b}').length).toBe(8);
  expect(() => parseGlobs(`/${'{a,b}'.repeat(40)}`)).toThrow(/more than 1000/);
});

test('glob: any name escaped, stands for itself alone', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((text) => !text.includes('/'));
  fc.assert(
    fc.property(name, fc.constantFrom('*', '?', ''), (text, wild) => {
      const globs = parseGlobs(escapeGlob(`/d/${text}`));
      expect(globs.map(literalPath)).toEqual([`/d/${text}`]);
      expect(matches(`/d/${escapeGlob(text)}${wild}`, `/d/${text}`)).toBe(wild !== '?');
    }),
  );
});
