import { describe, expect, it } from 'vitest';
import { parsePath } from '../../src/metadata/path.js';

describe('paths', () => {
  it('a path: its components', () => {
    expect(parsePath('/')).toEqual([]);
    expect(parsePath('/a/b c/ü')).toEqual(['a', 'b c', 'ü']);
    expect(parsePath('/a/')).toEqual(['a']);
  });

  it.each([
    ['', 'may not be empty'],
    ['a/b', 'has to begin with /'],
    ['//', 'component may not be empty'],
    ['/a//b', 'component may not be empty'],
    ['/a/./b', '. or ..'],
    ['/a/..', '. or ..'],
    ['/a\0b', 'NUL'],
    [`/${'x'.repeat(256)}`, '255 bytes'],
    [`/${'ü'.repeat(128)}`, '255 bytes'],
    [`/${'abcdefg/'.repeat(512)}x`, '4096 bytes'],
    [`/${'a/'.repeat(512)}b`, '512 components'],
  ])('a path that breaks a rule: refused, saying which (%#)', (path, rule) => {
    expect(() => parsePath(path)).toThrow(expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(rule) }));
  });

  it('a path at every limit: accepted', () => {
    expect(parsePath(`/${'x'.repeat(255)}`)).toHaveLength(1);
    expect(parsePath(`/${'ü'.repeat(127)}`)).toHaveLength(1);
    expect(parsePath(`/${'a/'.repeat(511)}b`)).toHaveLength(512);
    expect(Buffer.byteLength(parsePath(`/${'abcdefg/'.repeat(511)}abcdefg`).join('/'))).toBe(4095);
  });
});
