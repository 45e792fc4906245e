import { expect, test } from 'vitest';
import { parseRequestTarget } from '../../../src/web/webhdfs/request-target.js';

test('request target: path and parameters, of which the first counts, whatever the case of its name', () => {
  const { path, parameters } = parseRequestTarget('/webhdfs/v1//a+%2B;b//c/?OP=X&op=Y&&user.Name=o+%2b%26&flag');
  expect(path).toBe('/a++;b/c');
  expect([...parameters]).toEqual([
    ['op', ['X', 'Y']],
    ['user.name', ['o +&']],
    ['flag', ['']],
  ]);
});

test('request target: one whose prefix is escaped is refused, and no other path is taken for it', () => {
  for (const target of ['/webhdf%73/v1/x', '/webhdfs/v%31/x', '/%77ebhdfs/v1/x?op=X']) {
    expect(() => parseRequestTarget(target)).toThrow('does not begin with');
  }
});
