import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkAccess,
  checkOwner,
  checkSuperuser,
  checkTakeAway,
  checkWriter,
  EXECUTE,
  type Guarded,
  type Identity,
  mayAccess,
  READ,
  WRITE,
} from '../../src/metadata/access.js';
import { type AclEntry, modifyAcl, type Permissions, wholeAcl } from '../../src/metadata/acl.js';
import { parseAcl } from '../../src/metadata/acl-text.js';

function identity(user: string, groups: readonly string[] = [], isSuperuser = false): Identity {
  return { user, group: groups[0] ?? '', groups: new Set(groups), isSuperuser };
}

const owned = (mode: number, acl: readonly AclEntry[] = []): Guarded => ({
  owner: 'olga',
  group: 'staff',
  mode,
  directory: true,
  more: acl.length === 0 ? null : { acl },
});
const refused = (errno: string, message = '') => expect.objectContaining({ errno, message: expect.stringContaining(message) });

/** mode, list, user, groups, wanted, granted */
const ROWS: readonly [mode: number, acl: string, user: string, groups: readonly string[], wanted: number, granted: boolean][] = [
  [0o700, '', 'olga', [], 7, true],
  [0o077, '', 'olga', ['staff'], READ, false],
  [0o070, '', 'bob', ['staff'], 7, true],
  [0o070, '', 'bob', ['other', 'staff'], 7, true],
  [0o707, '', 'bob', ['staff'], READ, false],
  [0o770, '', 'bob', ['other'], READ, false],
  [0o007, '', 'bob', [], 7, true],
  [0o755, '', 'bob', [], READ | EXECUTE, true],
  [0o755, '', 'bob', [], WRITE, false],
  [0o000, '', 'root', [], 7, false],
  [0o700, '', 'bob', [], 0, true],
  // Named users: masked, and nothing else counts for them.
  [0o600, 'u:bob:rw', 'bob', [], READ | WRITE, true],
  [0o600, 'u:bob:rw,m::r', 'bob', [], WRITE, false],
  [0o606, 'u:bob:-', 'bob', ['staff'], READ, false],
  [0o660, 'u:bob:-', 'bob', ['staff'], READ, false],
  [0o600, 'u:olga:rwx', 'olga', [], EXECUTE, false],
  // Groups: any of them, each alone; if one fits, others do not count.
  [0o640, 'g:dev:rw', 'bob', ['dev'], READ | WRITE, true],
  [0o640, 'g:dev:w', 'bob', ['dev', 'staff'], READ | WRITE, false],
  [0o640, 'g:dev:rw', 'bob', ['dev', 'staff'], READ | WRITE, true],
  [0o646, 'g:dev:r', 'bob', ['dev'], WRITE, false],
  [0o646, 'g:dev:r', 'bob', ['qa'], WRITE, true],
  [0o640, 'g:dev:rwx,m::r', 'bob', ['dev'], WRITE, false],
  [0o660, 'u:bob:r,g:dev:rwx,g::-', 'eve', ['staff'], READ, false],
  [0o660, 'u:zoe:rwx,g::-', 'bob', ['staff'], READ, false],
  // A default list decides nothing here.
  [0o750, 'd:u:bob:rwx', 'bob', [], READ, false],
  [0o750, 'd:u:bob:-', 'bob', ['staff'], READ, true],
];

describe('access', () => {
  test.each(ROWS)('%o %j, %s of %j who wants %i: %j', (mode, spec, user, groups, wanted, granted) => {
    const held: Permissions = spec === '' ? { mode, acl: [] } : modifyAcl({ mode, acl: [] }, parseAcl(spec), true);
    expect(mayAccess(owned(held.mode, held.acl), identity(user, groups), wanted)).toBe(granted);
    expect(mayAccess(owned(held.mode, held.acl), identity(user, groups, true), wanted)).toBe(true);
  });

  test('any inode and caller: as the standard words it', () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const entries = fc.uniqueArray(
      fc.record({
        isDefault: fc.boolean(),
        kind: fc.constantFrom('user', 'group', 'mask', 'other'),
        name,
        permissions: fc.integer({ min: 0, max: 7 }),
      }),
      { selector: (entry) => `${entry.isDefault} ${entry.kind} ${entry.kind === 'user' || entry.kind === 'group' ? entry.name : ''}` },
    );
    const someone = fc.record({ user: name, groups: fc.uniqueArray(name) });
    const inode = fc.record({ owner: name, group: name, mode: fc.integer({ min: 0, max: 0o7777 }) });
    fc.assert(
      fc.property(inode, entries, someone, fc.integer({ min: 0, max: 7 }), (made, drawn, { user, groups }, wanted) => {
        const spec = drawn.map((entry) => (entry.kind === 'mask' || entry.kind === 'other' ? { ...entry, name: '' } : entry));
        const held = drawn.length === 0 ? { mode: made.mode, acl: [] } : modifyAcl({ mode: made.mode, acl: [] }, spec as AclEntry[], true);
        const guarded = { ...made, mode: held.mode, directory: true, more: { acl: held.acl } };
        const expected = naively(guarded, wholeAcl(held), user, groups, wanted);
        expect(mayAccess(guarded, identity(user, groups), wanted)).toBe(expected);
      }),
      { numRuns: 5000 },
    );
  });
});

/** The access check algorithm of POSIX 1003.1e draft 17, section 23.1.5, in its own words. */
function naively(inode: Guarded, whole: readonly AclEntry[], user: string, groups: readonly string[], wanted: number): boolean {
  const acl = whole.filter(({ isDefault }) => !isDefault);
  const all = (entry: AclEntry | undefined) => entry !== undefined && (entry.permissions & wanted) === wanted;
  const mask = acl.find(({ kind }) => kind === 'mask');
  const masked = (entry: AclEntry) => all(entry) && (mask === undefined || all(mask));
  if (inode.owner === user) return all(acl.find(({ kind, name }) => kind === 'user' && name === ''));
  const namedUser = acl.find(({ kind, name }) => kind === 'user' && name === user);
  if (namedUser !== undefined) return masked(namedUser);
  const matching = acl.filter(({ kind, name }) => kind === 'group' && groups.includes(name === '' ? inode.group : name));
  if (matching.length > 0) return matching.some(masked);
  return all(acl.find(({ kind }) => kind === 'other'));
}

describe('taking away', () => {
  test.each([
    [0o777, 'eve', null],
    [0o1777, 'eve', 'EPERM'],
    [0o1777, 'bob', null],
    [0o1777, 'olga', null],
    [0o755, 'bob', 'EACCES'],
    [0o776, 'bob', 'EACCES'],
    [0o1755, 'bob', 'EACCES'],
  ])('directory %o of olga, child of bob, %s: %j', (mode, user, errno) => {
    const child: Guarded = { owner: 'bob', group: 'dev', mode: 0o666, directory: false, more: null };
    const take = (isSuperuser: boolean) => checkTakeAway(owned(mode), child, identity(user, [], isSuperuser), '/d/f');
    if (errno === null) take(false);
    else expect(() => take(false)).toThrow(refused(errno));
    take(true);
  });
});

describe('refusals', () => {
  const list = modifyAcl({ mode: 0o1750, acl: [] }, parseAcl('u:eve:r'), true);

  test.each<[string, () => void, string, string]>([
    [
      'access',
      () => checkAccess(owned(list.mode, list.acl), identity('bob'), WRITE | EXECUTE, '/a/b'),
      'EACCES',
      'permission denied: path=/a/b user=bob access=write+execute inode=olga:staff:drwxr-x--T+',
    ],
    [
      'the owner',
      () => checkOwner(owned(0o755), identity('bob'), '/a'),
      'EPERM',
      'permission denied, only the owner may: path=/a user=bob inode=olga:staff:drwxr-xr-x',
    ],
    [
      'a superuser',
      () => checkSuperuser(identity('bob'), 'mount', '/a'),
      'EPERM',
      'permission denied, only a superuser may mount: path=/a user=bob',
    ],
    ['the writer', () => checkWriter(owned(0o755), identity('bob'), '/a'), 'EACCES', 'access=write'],
    [
      'the directory of a child',
      () => checkTakeAway(owned(0o700), owned(0o777), identity('bob'), '/child'),
      'EACCES',
      'path=/ user=bob access=write+execute',
    ],
  ])('%s: names the user, what was wanted, the path and the inode', (_, check, errno, message) => {
    expect(check).toThrow(refused(errno, message));
  });

  test('owners, writers and superusers: none', () => {
    checkOwner(owned(0), identity('olga'), '/a');
    checkOwner(owned(0), identity('root', [], true), '/a');
    checkSuperuser(identity('root', [], true), 'mount', '/a');
    checkWriter(owned(0), identity('olga'), '/a');
    checkWriter(owned(0o002), identity('bob'), '/a');
  });
});
