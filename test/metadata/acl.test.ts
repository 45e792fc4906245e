import { describe, expect, test } from 'vitest';
import {
  type AclEntry,
  inheritedPermissions,
  modifyAcl,
  type Permissions,
  removeAcl,
  removeAclEntries,
  removeDefaultAcl,
  replaceAcl,
  wholeAcl,
} from '../../src/metadata/acl.js';
import { formatAclEntry, formatAclLines, parseAcl, parseAclNames } from '../../src/metadata/acl-text.js';

const plain = (mode: number): Permissions => ({ mode, acl: [] });
const text = (held: Permissions): string => wholeAcl(held).map(formatAclEntry).join(',');
const set = (held: Permissions, spec: string, directory = true) => modifyAcl(held, parseAcl(spec), directory);

describe('text', () => {
  test.each([
    ['user:alice:rw-', 'user:alice:rw-'],
    ['u:alice:rw', 'user:alice:rw-'],
    ['u::7,g::5,o::0', 'user::rwx,group::r-x,other::---'],
    ['g:staff:-', 'group:staff:---'],
    ['m::rx', 'mask::r-x'],
    ['m:rx', 'mask::r-x'],
    ['o:r', 'other::r--'],
    ['mask:rwx', 'mask::rwx'],
    ['default:user:bob:r-x', 'default:user:bob:r-x'],
    ['d:g:staff:wx', 'default:group:staff:-wx'],
    ['d:m:7', 'default:mask::rwx'],
    [' u:a:r , g:b:w ', 'user:a:r--,group:b:-w-'],
    ['# file: /x\nuser::rwx\nuser:a:rwx\t#effective:r-x\n\nother::r--', 'user::rwx,user:a:rwx,other::r--'],
    ['u:a\\054b\\072c\\040d:r', 'user:a\\054b\\072c\\040d:r--'],
    ['u:\\303\\251:r', 'user:é:r--'],
    ['u:alice:rX', 'user:alice:r--'],
  ])('%j, is %j', (given, entries) => expect(parseAcl(given).map(formatAclEntry).join(',')).toBe(entries));

  test('X, where somebody may execute, is execute', () => expect(parseAcl('u:a:rX', true)[0]?.permissions).toBe(5));

  test.each(['', ' , ', 'alice:rw', 'user:alice', 'user:alice:', 'user:alice:rwz', 'user:alice:8', 'user:alice:rw:x', 'user:alice:rr'])(
    'no list: %j, is refused',
    (given) => expect(() => parseAcl(given)).toThrow(expect.objectContaining({ code: 'invalid_argument' })),
  );

  test.each([
    ['user:alice', 'user:alice:---'],
    ['u:alice:,d:g:staff', 'user:alice:---,default:group:staff:---'],
    ['m::', 'mask::---'],
    ['m', 'mask::---'],
    ['d:o:', 'default:other::---'],
  ])('to remove: %j, is %j', (given, names) =>
    expect(
      parseAclNames(given)
        .map((name) => formatAclEntry({ ...name, permissions: 0 }))
        .join(','),
    ).toBe(names),
  );

  test.each(['user:alice:r', 'm::rwx', 'nobody'])('to remove: %j, is refused', (given) =>
    expect(() => parseAclNames(given)).toThrow(expect.objectContaining({ code: 'invalid_argument' })),
  );

  test('lines: what the mask takes, is told behind it', () => {
    const held = set(plain(0o750), 'u:alice:rwx,m::r');
    expect(formatAclLines(wholeAcl(held))).toEqual([
      'user::rwx',
      'user:alice:rwx\t#effective:r--',
      'group::r-x\t#effective:r--',
      'mask::r--',
      'other::---',
    ]);
  });
});

describe('edits', () => {
  test.each<[string, Permissions, (held: Permissions) => Permissions, string]>([
    ['a mode alone', plain(0o640), (held) => held, 'user::rw-,group::r--,other::---'],
    ['base entries', plain(0o640), (held) => set(held, 'u::rwx,o::x'), 'user::rwx,group::r--,other::--x'],
    ['a named user', plain(0o640), (held) => set(held, 'u:a:rwx'), 'user::rw-,user:a:rwx,group::r--,mask::rwx,other::---'],
    ['a mask', plain(0o640), (held) => set(held, 'u:a:rwx,m::rx'), 'user::rw-,user:a:rwx,group::r--,mask::r-x,other::---'],
    [
      'a second user renews the mask',
      set(plain(0o640), 'u:a:r,m::-'),
      (held) => set(held, 'g:z:x'),
      'user::rw-,user:a:r--,group::r--,group:z:--x,mask::r-x,other::---',
    ],
    [
      'removal renews the mask',
      set(plain(0o640), 'u:a:rwx,u:b:r'),
      (held) => removeAclEntries(held, parseAclNames('u:a'), true),
      'user::rw-,user:b:r--,group::r--,mask::r--,other::---',
    ],
    [
      'the last name goes and the mask stays',
      set(plain(0o640), 'u:a:rwx'),
      (held) => removeAclEntries(held, parseAclNames('u:a,u:nobody'), true),
      'user::rw-,group::r--,mask::r--,other::---',
    ],
    [
      'the mask goes with the last name',
      set(plain(0o640), 'u:a:rwx'),
      (held) => removeAclEntries(held, parseAclNames('u:a,m'), true),
      'user::rw-,group::r--,other::---',
    ],
    [
      'replaced',
      set(plain(0o1640), 'u:a:rwx,d:u:a:r'),
      (held) => replaceAcl(held, parseAcl('u::rx,g::r,o::-,g:b:w'), true),
      'user::r-x,group::r--,group:b:-w-,mask::rw-,other::---,default:user::rw-,default:user:a:r--,default:group::r--,default:mask::r--,default:other::---',
    ],
    [
      'a default list takes the rest from the access list',
      set(plain(0o750), 'u:a:r'),
      (held) => set(held, 'd:g:b:rwx'),
      'user::rwx,user:a:r--,group::r-x,mask::r-x,other::---,default:user::rwx,default:group::r-x,default:group:b:rwx,default:mask::rwx,default:other::---',
    ],
    ['default dropped', set(plain(0o750), 'd:g:b:rwx'), removeDefaultAcl, 'user::rwx,group::r-x,other::---'],
    ['all dropped', set(plain(0o770), 'd:g:b:rwx,u:a:w,m::rx'), removeAcl, 'user::rwx,group::r-x,other::---'],
    [
      'chmod of an extended list changes its mask',
      set(plain(0o770), 'u:a:w'),
      (held) => ({ ...held, mode: 0o701 }),
      'user::rwx,user:a:-w-,group::rwx,mask::---,other::--x',
    ],
  ])('%s', (_, held, edit, whole) => expect(text(edit(held))).toBe(whole));

  test('upper bits of the mode, through all edits, are kept', () => {
    const held = set(plain(0o7640), 'u:a:rwx');
    expect([held.mode, removeAcl(held).mode]).toEqual([0o7670, 0o7640]);
  });

  test('a minimal list, is not stored', () => expect(set(plain(0o640), 'u::7,g::7,o::7')).toEqual(plain(0o777)));

  test('stored entries, whatever order they come in, have one order', () => {
    const one = set(plain(0o640), 'u:b:r,u:a:r,g:z:x,d:u:q:r,d:m::7');
    const other = set(set(set(plain(0o640), 'd:u:q:r,d:m::7'), 'g:z:x'), 'u:a:r,u:b:r');
    expect(one).toEqual(other);
    expect(one.acl.map(formatAclEntry)[0]).toBe('user:a:r--');
  });

  test.each<[string, () => unknown]>([
    ['an entry that stands twice', () => set(plain(0), 'u:a:r,user:a:w')],
    ['a default entry on a file', () => set(plain(0), 'd:u:a:r', false)],
    ['a mask with a name', () => set(plain(0), 'm:a:r')],
    ['others with a name', () => set(plain(0), 'o:a:r')],
    ['nine bits', () => modifyAcl(plain(0), [{ isDefault: false, kind: 'user', name: '', permissions: 9 }], true)],
    [
      'an unknown kind',
      () => modifyAcl(plain(0), [{ isDefault: false, kind: 'world' as AclEntry['kind'], name: '', permissions: 1 }], true),
    ],
    ['removal of the owner', () => removeAclEntries(plain(0), parseAclNames('u::'), true)],
    ['removal of a mask that is needed', () => removeAclEntries(set(plain(0), 'u:a:r'), parseAclNames('m::'), true)],
    ['a replacement without others', () => replaceAcl(plain(0), parseAcl('u::r,g::r'), true)],
    ['33 entries', () => set(plain(0), Array.from({ length: 29 }, (_, at) => `u:u${at}:r`).join(','))],
    ['33 default entries', () => set(plain(0), Array.from({ length: 29 }, (_, at) => `d:u:u${at}:r`).join(','))],
  ])('%s, is refused', (_, edit) => expect(edit).toThrow(expect.objectContaining({ code: 'invalid_argument' })));

  test('32 entries, are taken', () => {
    const users = Array.from({ length: 28 }, (_, at) => `u:u${at}:r`).join(',');
    expect(wholeAcl(set(plain(0), users))).toHaveLength(32);
  });
});

describe('inheritance', () => {
  const parent = (spec: string) => set(plain(0o755), spec).acl;
  test.each<[string, readonly AclEntry[], number, boolean, string]>([
    ['no default list: the umask takes bits', [], 0o2777, false, 'user::rwx,group::r-x,other::r-x'],
    ['a minimal default list: the mode takes bits', parent('d:u::rwx,d:g::rwx,d:o::rwx'), 0o640, false, 'user::rw-,group::r--,other::---'],
    [
      'an extended one: the mode takes bits from the mask',
      parent('d:u:a:rwx,d:g::rwx'),
      0o640,
      false,
      'user::rw-,user:a:rwx,group::rwx,mask::r--,other::---',
    ],
    [
      'a directory: it has the default list too',
      parent('d:u:a:rwx,d:o::-'),
      0o777,
      true,
      'user::rwx,user:a:rwx,group::r-x,mask::rwx,other::---,default:user::rwx,default:user:a:rwx,default:group::r-x,default:mask::rwx,default:other::---',
    ],
  ])('%s', (_, acl, mode, directory, whole) => expect(text(inheritedPermissions(acl, mode, 0o022, directory))).toBe(whole));
});
