import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseModeChange } from '../../src/cli/fs/mode-change.js';
import { ENCODINGS, formatXattrValue, parseXattrValue } from '../../src/cli/fs/xattr-text.js';
import { jsonText } from '../../src/cli/output.js';

test.each([
  ['755', 0o644, false, 0o755],
  ['0', 0o777, false, 0],
  ['1777', 0o755, true, 0o1777],
  ['u+x', 0o644, false, 0o744],
  ['+x', 0o644, false, 0o755],
  ['a-w', 0o666, false, 0o444],
  ['go=', 0o777, false, 0o700],
  ['g=r,o=', 0o777, false, 0o740],
  ['u=rwx,go=rX', 0o600, false, 0o755],
  ['a+X', 0o644, false, 0o644],
  ['a+X', 0o744, false, 0o755],
  ['a+X', 0o644, true, 0o755],
  ['+t', 0o777, true, 0o1777],
  ['-t', 0o1777, true, 0o777],
  ['u+s', 0o755, false, 0o4755],
  ['g+s', 0o755, true, 0o2755],
  ['g-s', 0o2755, true, 0o755],
  ['u+x-w', 0o644, false, 0o544],
  ['u=rw', 0o4755, false, 0o655],
  ['g=rx', 0o2775, true, 0o2755],
] as const)('chmod %s of %o: %s directory, %o', (text, before, directory, after) => {
  expect(parseModeChange(text)(before, directory).toString(8)).toBe(after.toString(8));
});

test('chmod: any change, as chmod(1) of this machine makes it with a umask of 0', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'understudy-chmod-'));
  const [directory, file] = [path.join(folder, 'd'), path.join(folder, 'f')];
  mkdirSync(directory);
  writeFileSync(file, '');
  const change = fc.tuple(fc.constantFrom('+', '-', '='), fc.constantFrom('', 'r', 'w', 'x', 'X', 's', 't', 'rw', 'rwx', 'rX', 'xs', 'st'));
  const clause = fc.tuple(fc.constantFrom('', 'u', 'g', 'o', 'a', 'ug', 'go'), fc.array(change, { minLength: 1, maxLength: 2 }));
  fc.assert(
    fc.property(
      fc.array(clause, { minLength: 1, maxLength: 2 }),
      fc.integer({ min: 0, max: 0o7777 }),
      fc.boolean(),
      (clauses, mode, ofFile) => {
        const text = clauses.map(([who, changes]) => who + changes.flat().join('')).join(',');
        const at = ofFile ? file : directory;
        chmodSync(at, mode);
        execFileSync('/bin/sh', ['-c', 'umask 0; exec chmod -- "$0" "$1"', text, at]);
        expect(parseModeChange(text)(mode, !ofFile)).toBe(statSync(at).mode & 0o7777);
      },
    ),
    { numRuns: 300 },
  );
  rmSync(folder, { recursive: true });
});

test.each(['', '8', '07777', 'u', 'u+q', 'x+u', 'u+x,'])('chmod %j, refused', (text) => {
  expect(() => parseModeChange(text)).toThrow(/not a mode/);
});

test('xattr: any value in any encoding, read back as it was', () => {
  const encoding = fc.constantFrom(undefined, ...ENCODINGS);
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
      ),
      encoding,
      (value, how) => {
        expect(Buffer.from(parseXattrValue(formatXattrValue(value, how)))).toEqual(Buffer.from(value));
      },
    ),
    { numRuns: 1_000 },
  );
});

test.each([
  ['plain', 'plain'],
  ['"a\\"b"', 'a"b'],
  ['"a\\012b"', 'a\nb'],
  ['0x6869', 'hi'],
  ['0saGk=', 'hi'],
] as const)('setfattr -v %s: %j', (text, value) => expect(Buffer.from(parseXattrValue(text)).toString()).toBe(value));

test.each(['0x1', '0xzz', '0s*'])('setfattr -v %s, refused', (text) => expect(() => parseXattrValue(text)).toThrow(/not /));

test('json: sums past 2^53 keep their digits, what is undefined is left out', () => {
  expect(jsonText({ a: 2n ** 63n - 1n, b: undefined, c: [null, 'x"'], d: {}, e: [] })).toBe(
    '{"a":9223372036854775807,"c":[null,"x\\""],"d":{},"e":[]}',
  );
});
