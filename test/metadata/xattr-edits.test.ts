import { expect, test } from 'vitest';
import type { Identity } from '../../src/metadata/access.js';
import { checkXattrName, visibleXattrs, withoutXattr, withXattr, type XattrMode } from '../../src/metadata/xattr-edits.js';
import type { Xattr, Xattrs } from '../../src/metadata/xattrs.js';

const identity = (isSuperuser: boolean): Identity => ({ user: 'alice', group: '', groups: new Set(), isSuperuser });
const named = (name: string, bytes = 1): Xattr => ({ name, value: new Uint8Array(bytes) });
const names = (xattrs: readonly Xattr[]) => xattrs.map(({ name }) => name);
const refusal = (errno: string) => expect.objectContaining({ errno });
const put = (xattrs: Xattrs, xattr: Xattr, mode: XattrMode) => withXattr(xattrs, xattr, mode, '/p');

test.each([
  ['user.project', false, null],
  ['user.a b.ü', false, null],
  [`user.${'x'.repeat(250)}`, false, null],
  ['trusted.job', true, null],
  ['trusted.job', false, 'EPERM'],
  ['system.posix_acl_access', true, 'ENOTSUP'],
  ['security.selinux', true, 'ENOTSUP'],
  ['raw.x', true, 'ENOTSUP'],
  ['project', true, 'EINVAL'],
  ['user.', true, 'EINVAL'],
  ['User.x', true, 'EINVAL'],
  ['.x', true, 'EINVAL'],
  ['', true, 'EINVAL'],
  ['user.a\nb', true, 'EINVAL'],
  [`user.${'x'.repeat(251)}`, true, 'EINVAL'],
])('name: %j (superuser: %j), refused with %j', (name, isSuperuser, code) => {
  const check = () => checkXattrName(name, identity(isSuperuser), '/p');
  if (code === null) check();
  else expect(check).toThrow(refusal(code));
});

test('trusted attributes, to all but the superuser, are not there', () => {
  const xattrs = [named('trusted.a'), named('user.b')];
  expect(names(visibleXattrs(xattrs, identity(false)))).toEqual(['user.b']);
  expect(names(visibleXattrs(xattrs, identity(true)))).toEqual(['trusted.a', 'user.b']);
});

const MODES: [XattrMode, string, string | null][] = [
  ['create', 'user.b', 'EEXIST'],
  ['create', 'user.c', null],
  ['replace', 'user.b', null],
  ['replace', 'user.c', 'ENODATA'],
  ['either', 'user.b', null],
  ['either', 'user.c', null],
];

test.each(MODES)('%s: %s, refused with %j', (mode, name, code) => {
  const held = [named('user.b'), named('user.d')];
  const edit = () => put(held, { name, value: Buffer.from('new') }, mode);
  if (code !== null) return expect(edit).toThrow(refusal(code));
  expect(names(edit())).toEqual(name === 'user.b' ? ['user.b', 'user.d'] : ['user.b', 'user.c', 'user.d']);
  expect(edit().find((each) => each.name === name)?.value).toEqual(Buffer.from('new'));
});

test('removal, of what is there and of what is not', () => {
  expect(names(withoutXattr([named('user.a'), named('user.b')], 'user.a', '/p'))).toEqual(['user.b']);
  expect(() => withoutXattr([named('user.a')], 'user.b', '/p')).toThrow(refusal('ENODATA'));
});

test('limits: at each of them taken, past each of them refused', () => {
  const many = Array.from({ length: 31 }, (_, at) => named(`user.${at}`));
  const full = put(many, named('user.last'), 'create');
  expect(full).toHaveLength(32);
  expect(() => put(full, named('user.more'), 'create')).toThrow(refusal('E2BIG'));
  expect(put(full, named('user.last', 9), 'replace')).toHaveLength(32);

  expect(put([], named('user.a', 16_384 - 6), 'either')).toHaveLength(1);
  expect(() => put([], named('user.a', 16_384 - 5), 'either')).toThrow(refusal('E2BIG'));

  const large = ['a', 'b', 'c'].map((name) => named(`user.${name}`, 16_384 - 6));
  expect(put(large, named('user.d', 16_384 - 6), 'either')).toHaveLength(4);
  const fuller = put(large, named('user.d', 16_384 - 6), 'either');
  expect(() => put(fuller, named('user.e', 0), 'either')).toThrow(refusal('E2BIG'));
  expect(put(fuller, named('user.d', 5), 'either')).toHaveLength(4);
});
