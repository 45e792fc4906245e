import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatProperty, parseProperties } from '../../src/config/properties.js';

const pairs = (text: string) => parseProperties(text).properties.map(({ key, value, line }) => [line, key, value]);

test.each<[what: string, text: string, expected: unknown[]]>([
  [
    'the three separators',
    'a=1\nb: 2\nc 3\nd\t=\t4',
    [
      [1, 'a', '1'],
      [2, 'b', '2'],
      [3, 'c', '3'],
      [4, 'd', '4'],
    ],
  ],
  [
    'only the first separator counts',
    'a==1\nb=:2\nc : = 3',
    [
      [1, 'a', '=1'],
      [2, 'b', ':2'],
      [3, 'c', '= 3'],
    ],
  ],
  [
    'no value',
    'a\nb=\nc:',
    [
      [1, 'a', ''],
      [2, 'b', ''],
      [3, 'c', ''],
    ],
  ],
  ['no key', '=1', [[1, '', '1']]],
  ['comments and blank lines', '# x=1\n  ! y=2\n\n \t\na=1 # not a comment', [[5, 'a', '1 # not a comment']]],
  ['a comment does not go on', '# x\\\na=1', [[2, 'a', '1']]],
  [
    'continuation',
    'a=1,\\\n   2,\\\n\t3\nb=4',
    [
      [1, 'a', '1,2,3'],
      [4, 'b', '4'],
    ],
  ],
  ['continuation inside a key', 'un\\\n  derstudy.x=1', [[1, 'understudy.x', '1']]],
  [
    'continuation with every line ending',
    'a=1\\\r\n 2\r\nb=3\\\r 4\rc=5',
    [
      [1, 'a', '12'],
      [3, 'b', '34'],
      [5, 'c', '5'],
    ],
  ],
  ['a continued line that looks like a comment', 'a=1\\\n#2', [[1, 'a', '1#2']]],
  [
    'a blank continuation ends the line',
    'a=1\\\n\nb=2',
    [
      [1, 'a', '1'],
      [3, 'b', '2'],
    ],
  ],
  [
    'an even number of backslashes does not go on',
    'a=1\\\\\nb=2',
    [
      [1, 'a', '1\\'],
      [2, 'b', '2'],
    ],
  ],
  ['continuation at the end of the file', 'a=1\\', [[1, 'a', '1']]],
  ['escapes', 'a\\ b\\=c=\\t\\n\\r\\f\\q\\\\', [[1, 'a b=c', '\t\n\r\fq\\']]],
  ['unicode escapes', 'a=\\u00e9\\u20AC x', [[1, 'a', 'é€ x']]],
  ['an escaped backslash before u', 'a=\\\\u12', [[1, 'a', '\\u12']]],
  ['trailing white space belongs to the value', 'a=1  ', [[1, 'a', '1  ']]],
  [
    'a key twice',
    'a=1\na=2',
    [
      [1, 'a', '1'],
      [2, 'a', '2'],
    ],
  ],
  ['a byte order mark', '\ufeffa=1', [[1, 'a', '1']]],
])('properties: %s', (_, text, expected) => {
  expect(pairs(text)).toEqual(expected);
});

test('properties: malformed unicode escapes, each is a problem of its line and the rest is read', () => {
  const parsed = parseProperties('a=1\nb=\\u12\n\\u00zz=2\nc=3');
  expect(parsed.problems.map(({ line }) => line)).toEqual([2, 3]);
  expect(parsed.properties.map(({ key }) => key)).toEqual(['a', 'c']);
});

const fileText = fc.string({ unit: fc.constantFrom(...'ab=: \t\f\\#!u0041\r\n$é'.split('')), maxLength: 60 });

test('properties: any text, every property or problem names a line of it', () => {
  fc.assert(
    fc.property(fc.oneof(fileText, fc.string({ unit: 'binary' })), (text) => {
      const { properties, problems } = parseProperties(text);
      const lines = text.split(/\r\n|\r|\n/).length;
      for (const { line } of [...properties, ...problems]) expect(line >= 1 && line <= lines).toBe(true);
      expect(properties.length + problems.length).toBeLessThanOrEqual(lines);
    }),
    { numRuns: 2000 },
  );
});

test('properties: any keys and values written down, read back the same', () => {
  const word = fc.oneof(fileText, fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: 5 }), (entries) => {
      const text = entries.map(([key, value]) => formatProperty(key, value)).join('\n');
      expect(pairs(text)).toEqual(entries.map(([key, value], at) => [at + 1, key, value]));
    }),
    { numRuns: 2000 },
  );
});
