import { expect, test } from 'vitest';
import type { Identity } from '../../src/metadata/access.js';
import { checkXattrName, visibleXattrs, withoutXattr, withXattr, type Xattr, type XattrMode } from '../../src/metadata/xattr.js';

const identity = (isSuperuser: boolean): Identity => ({ user: 'alice', group: '', groups: new Set(), isSuperuser });
const named = (name: string, bytes = 1): Xattr => ({ name, value: new Uint8Array(bytes) });
const names = (xattrs: readonly Xattr[]) => xattrs.map(({ name }) => name);
const refusal = (code: string) => expect.objectContaining({ code });

test.each([
  ['user.project', false, null],
  ['user.a b.ü', false, null],
  [`user.${'x'.repeat(250)}`, false, null],
  ['trusted.job', true, null],
  ['trusted.job', false, 'permission_denied'],
  ['system.posix_acl_access', true, 'invalid_argument'],
  ['security.selinux', true, 'invalid_argument'],
  ['raw.x', true, 'invalid_argument'],
  ['project', true, 'invalid_argument'],
  ['user.', true, 'invalid_argument'],
  ['User.x', true, 'invalid_argument'],
  ['.x', true, 'invalid_argument'],
  ['', true, 'invalid_argument'],
  ['user.a\nb', true, 'invalid_argument'],
  [`user.${'x'.repeat(251)}`, true, 'invalid_argument'],
])('name: %j (superuser: %j), refused with %j', (name, isSuperuser, code) => {
  const check = () => checkXattrName(name, identity(isSuperuser));
  if (code === null) check();
  else expect(check).toThrow(refusal(code));
});

test('trusted attributes, to all but the superuser, are not there', () => {
  const xattrs = [named('trusted.a'), named('user.b')];
  expect(names(visibleXattrs(xattrs, identity(false)))).toEqual(['user.b']);
  expect(names(visibleXattrs(xattrs, identity(true)))).toEqual(['trusted.a', 'user.b']);
});

const MODES: [XattrMode, string, string | null][] = [
  ['create', 'user.b', 'already_exists'],
  ['create', 'user.c', null],
  ['replace', 'user.b', null],
  ['replace', 'user.c', 'not_found'],
  ['either', 'user.b', null],
  ['either', 'user.c', null],
];

test.each(MODES)('%s: %s, refused with %j', (mode, name, code) => {
  const held = [named('user.b'), named('user.d')];
  const edit = () => withXattr(held, { name, value: Buffer.from('new') }, mode);
  if (code !== null) return expect(edit).toThrow(refusal(code));
  expect(names(edit())).toEqual(name === 'user.b' ? ['user.b', 'user.d'] : ['user.b', 'user.c', 'user.d']);
  expect(edit().find((each) => each.name === name)?.value).toEqual(Buffer.from('new'));
});

test('removal, of what is there and of what is not', () => {
  expect(names(withoutXattr([named('user.a'), named('user.b')], 'user.a'))).toEqual(['user.b']);
  expect(() => withoutXattr([named('user.a')], 'user.b')).toThrow(refusal('not_found'));
});

test('limits: at each of them taken, past each of them refused', () => {
  const many = Array.from({ length: 31 }, (_, at) => named(`user.${at}`));
  const full = withXattr(many, named('user.last'), 'create');
  expect(full).toHaveLength(32);
  expect(() => withXattr(full, named('user.more'), 'create')).toThrow(refusal('resource_exhausted'));
  expect(withXattr(full, named('user.last', 9), 'replace')).toHaveLength(32);

  expect(withXattr([], named('user.a', 16_384 - 6), 'either')).toHaveLength(1);
  expect(() => withXattr([], named('user.a', 16_384 - 5), 'either')).toThrow(refusal('resource_exhausted'));

  const large = ['a', 'b', 'c'].map((name) => named(`user.${name}`, 16_384 - 6));
  expect(withXattr(large, named('user.d', 16_384 - 6), 'either')).toHaveLength(4);
  const fuller = withXattr(large, named('user.d', 16_384 - 6), 'either');
  expect(() => withXattr(fuller, named('user.e', 0), 'either')).toThrow(refusal('resource_exhausted'));
  expect(withXattr(fuller, named('user.d', 5), 'either')).toHaveLength(4);
});
