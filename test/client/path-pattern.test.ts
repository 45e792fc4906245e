/** Patterns of paths: as minimatch reads them, which is what they are known by, but in bounded time. */
import fc from 'fast-check';
import { minimatch } from 'minimatch';
import { expect, test } from 'vitest';
import { PathPattern } from '../../src/client/path-pattern.js';

const OPTIONS = { dot: true, noext: true, nonegate: true, nocomment: true, nobrace: true, platform: 'linux' } as const;
const piece = fc.constantFrom('a', 'b', 'ab', '*', '?', '[ab]', '[^a]', '[!b]', '[a-c]', '[]', '[', ']', '\\*', '\\a', '-', '.x');
const part = fc.oneof(
  { weight: 5, arbitrary: fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join('')) },
  { weight: 1, arbitrary: fc.constant('**') },
);
const name = fc
  .array(fc.constantFrom('a', 'b', 'c', '*', '[', ']', '-', '.x'), { minLength: 1, maxLength: 5 })
  .map((letters) => letters.join(''));
const joined = (parts: fc.Arbitrary<string>) => fc.array(parts, { minLength: 1, maxLength: 4 }).map((each) => `/${each.join('/')}`);

test('patterns: any, match what minimatch says, and enter what it would', () => {
  fc.assert(
    fc.property(joined(part), joined(name), (pattern, path) => {
      const found = new PathPattern(pattern);
      expect(found.matches(path), 'matches').toBe(minimatch(path, pattern, OPTIONS));
      if (found.matches(`${path}/a`) || found.matches(`${path}/a/b`)) expect(found.mayMatchBelow(path), 'below').toBe(true);
    }),
    { numRuns: 3_000 },
  );
});

test('patterns: many stars and a long name that nearly fits, are told apart at once', () => {
  const began = process.cpuUsage();
  const pattern = new PathPattern(`/${'**/'.repeat(40)}${'*a'.repeat(120)}b`);
  expect(pattern.matches(`/${'d/'.repeat(200)}${'a'.repeat(255)}`)).toBe(false);
  expect(pattern.matches(`/${'d/'.repeat(200)}${'a'.repeat(254)}b`)).toBe(true);
  expect(process.cpuUsage(began).user / 1_000).toBeLessThan(1_000);
});

test('patterns: a letter of several bytes, is one letter', () => {
  expect(new PathPattern('/?').matches('/𝄞')).toBe(true);
  expect(new PathPattern('/[𝄝-𝄟]').matches('/𝄞')).toBe(true);
});
