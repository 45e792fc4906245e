/**
 * Which user is refused what, operation by operation: one row a case, in the manner of pjdfstest.
 *
 *     /             root:wheel  drwxr-xr-x
 *     /home         root:wheel  drwxr-xr-x     /home/olga  olga:staff  drwxr-x---    with /f -rw-r-----, /d (with /d/g), /closed dr-x------ (with /f), /empty
 *     /tmp          root:wheel  drwxrwxrwt     with /olgas -rw-rw-rw-, /olgasDir (olga:staff drwxrwxrwx, with /x)
 *     /shared       root:staff  drwxrwsr-x     with /olgas -rw-r--r--, /list (d---------, list for eve: r-x, default list for eve: rwx)
 *     /noList       olga:staff  d-wx-wx-wx     with /f -rw-------
 *     /noSearch     olga:staff  drw-rw-rw-     with /f -rw-rw-rw-
 *
 * Olga owns, Steve is in her group, Eve is neither, Mona is in her group and in another one.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Identity } from '../../src/metadata/access.js';
import { wholeAcl } from '../../src/metadata/acl.js';
import { formatAclEntry, parseAcl } from '../../src/metadata/acl-text.js';
import { aclEntryMessage } from '../../src/metadata/inode-more.js';
import { Acting, type OperationName, ROOT, user } from './acting.js';

const PEOPLE = {
  root: ROOT,
  olga: user('olga', 'staff'),
  steve: user('steve', 'staff'),
  eve: user('eve', 'people'),
  mona: user('mona', 'moving', 'staff'),
  nobody: user('nobody'),
} as const;
type Person = keyof typeof PEOPLE;

const acl = (text: string) => parseAcl(text).map(aclEntryMessage);
const MODIFY = 0;
const REMOVE_ALL = 4;

let world: Acting;

async function begin(): Promise<Acting> {
  const made = await Acting.begin();
  const as = (who: Person, name: OperationName, body: object) => made.act(PEOPLE[who], name, body);
  const directory = (path: string, owner: string, group: string, mode: number) => {
    as('root', 'createDirectory', { path });
    as('root', 'setAttributes', { path, owner, group, mode });
  };
  const file = (path: string, mode: number) => {
    as('root', 'createFile', { path, completeLength: 1 });
    as('root', 'setAttributes', { path, owner: 'olga', group: 'staff', mode });
  };
  as('root', 'setAttributes', { path: '/', owner: 'root', group: 'wheel', mode: 0o755 });
  directory('/home', 'root', 'wheel', 0o755);
  directory('/home/olga', 'olga', 'staff', 0o750);
  directory('/home/olga/d', 'olga', 'staff', 0o770);
  directory('/home/olga/empty', 'olga', 'staff', 0o755);
  file('/home/olga/f', 0o640);
  file('/home/olga/d/g', 0o640);
  directory('/home/olga/closed', 'olga', 'staff', 0o700);
  file('/home/olga/closed/f', 0o640);
  as('root', 'setAttributes', { path: '/home/olga/closed', mode: 0o500 });
  directory('/tmp', 'root', 'wheel', 0o1777);
  file('/tmp/olgas', 0o666);
  directory('/tmp/olgasDir', 'olga', 'staff', 0o777);
  file('/tmp/olgasDir/x', 0o666);
  directory('/shared', 'root', 'staff', 0o2775);
  file('/shared/olgas', 0o644);
  directory('/shared/list', 'root', 'wheel', 0);
  as('root', 'setAcl', { path: '/shared/list', action: MODIFY, entries: acl('u:eve:rx,d:u:eve:rwx') });
  directory('/noList', 'olga', 'staff', 0o333);
  file('/noList/f', 0o600);
  directory('/noSearch', 'olga', 'staff', 0o666);
  file('/noSearch/f', 0o666);
  return made;
}

beforeAll(async () => {
  world = await begin();
});
afterAll(() => world[Symbol.asyncDispose]());

type Row = readonly [name: OperationName, body: object, ...expected: readonly (readonly [who: Person, errno: string])[]];

const CASES: readonly Row[] = [
  // On the way: every directory has to be searchable, whatever follows.
  ['getStatus', { path: '/' }, ['nobody', 'done']],
  ['getStatus', { path: '/home/olga' }, ['eve', 'done']],
  ['getStatus', { path: '/home/olga/f' }, ['olga', 'done'], ['steve', 'done'], ['mona', 'done'], ['eve', 'EACCES'], ['root', 'done']],
  ['getStatus', { path: '/home/olga/none' }, ['steve', 'ENOENT'], ['eve', 'EACCES']],
  ['getStatus', { path: '/home/olga/f/x' }, ['steve', 'ENOTDIR'], ['eve', 'EACCES']],
  ['getStatus', { path: '/home/olga/d/none/x' }, ['steve', 'ENOENT'], ['eve', 'EACCES']],
  ['getStatus', { path: '/noSearch' }, ['eve', 'done']],
  ['getStatus', { path: '/noSearch/f' }, ['olga', 'EACCES'], ['eve', 'EACCES'], ['root', 'done']],
  ['getStatus', { path: '/shared/list/none' }, ['eve', 'ENOENT'], ['steve', 'EACCES'], ['olga', 'EACCES'], ['root', 'ENOENT']],
  ['exists', { path: '/home/olga/f' }, ['steve', 'done'], ['eve', 'EACCES']],

  ['listStatus', { path: '/home/olga' }, ['olga', 'done'], ['steve', 'done'], ['eve', 'EACCES'], ['root', 'done']],
  ['listStatus', { path: '/home/olga/f' }, ['steve', 'done'], ['eve', 'EACCES']],
  ['listStatus', { path: '/noList' }, ['olga', 'EACCES'], ['eve', 'EACCES'], ['root', 'done']],
  ['listStatus', { path: '/noSearch' }, ['olga', 'EACCES'], ['eve', 'EACCES']],
  ['listStatus', { path: '/shared/list' }, ['eve', 'done'], ['steve', 'EACCES']],

  ['checkAccess', { path: '/home/olga/f', wanted: 0 }, ['steve', 'done'], ['eve', 'EACCES']],
  ['checkAccess', { path: '/home/olga/f', wanted: 4 }, ['olga', 'done'], ['steve', 'done']],
  ['checkAccess', { path: '/home/olga/f', wanted: 6 }, ['olga', 'done'], ['steve', 'EACCES'], ['root', 'done']],
  ['checkAccess', { path: '/shared/list', wanted: 5 }, ['eve', 'done'], ['steve', 'EACCES'], ['nobody', 'EACCES']],
  ['checkAccess', { path: '/shared/list', wanted: 7 }, ['eve', 'EACCES'], ['root', 'done']],
  ['checkAccess', { path: '/', wanted: 8 }, ['root', 'EINVAL']],

  // Making: write and search on the directory, after what is there was looked at.
  ['createFile', { path: '/x' }, ['olga', 'EACCES'], ['root', 'done']],
  ['createFile', { path: '/home/olga/x' }, ['olga', 'done'], ['steve', 'EACCES'], ['eve', 'EACCES'], ['root', 'done']],
  ['createFile', { path: '/home/olga/f' }, ['steve', 'EEXIST'], ['eve', 'EACCES']],
  ['createFile', { path: '/home/olga/n/x' }, ['steve', 'ENOENT'], ['olga', 'ENOENT']],
  ['createFile', { path: '/home/olga/n/x', recursive: true }, ['olga', 'done'], ['steve', 'EACCES']],
  ['createFile', { path: '/tmp/x' }, ['nobody', 'done'], ['eve', 'done']],
  ['createFile', { path: '/shared/x' }, ['steve', 'done'], ['mona', 'done'], ['eve', 'EACCES']],
  ['createFile', { path: '/noList/x' }, ['eve', 'done']],
  ['createFile', { path: '/noSearch/x' }, ['olga', 'EACCES'], ['eve', 'EACCES']],
  ['createDirectory', { path: '/home/olga/x' }, ['olga', 'done'], ['steve', 'EACCES'], ['eve', 'EACCES']],
  ['createDirectory', { path: '/home/olga/d' }, ['olga', 'EEXIST'], ['steve', 'EEXIST'], ['eve', 'EACCES']],
  ['createDirectory', { path: '/home/olga/d', allowExists: true }, ['steve', 'done'], ['eve', 'EACCES']],
  ['createDirectory', { path: '/home/olga/n/x', recursive: true }, ['olga', 'done'], ['steve', 'EACCES']],

  ['completeFile', { path: '/home/olga/f', length: 1 }, ['eve', 'EACCES']],

  // Removing: write and search on the directory, and its sticky bit; of a tree, also on its top.
  ['remove', { path: '/home/olga/f' }, ['olga', 'done'], ['steve', 'EACCES'], ['eve', 'EACCES'], ['root', 'done']],
  ['remove', { path: '/home/olga/empty' }, ['olga', 'done'], ['steve', 'EACCES']],
  ['remove', { path: '/home/olga/d' }, ['olga', 'ENOTEMPTY'], ['steve', 'EACCES'], ['eve', 'EACCES']],
  ['remove', { path: '/home/olga/d', recursive: true }, ['olga', 'done'], ['steve', 'EACCES']],
  ['remove', { path: '/home/olga/closed', recursive: true }, ['olga', 'EACCES'], ['root', 'done']],
  ['remove', { path: '/home/olga/d/g' }, ['steve', 'done'], ['mona', 'done'], ['eve', 'EACCES']],
  ['remove', { path: '/tmp/olgas' }, ['olga', 'done'], ['steve', 'EPERM'], ['eve', 'EPERM'], ['root', 'done']],
  ['remove', { path: '/tmp/olgasDir', recursive: true }, ['olga', 'done'], ['eve', 'EPERM']],
  ['remove', { path: '/tmp/olgasDir/x' }, ['eve', 'done']],
  ['remove', { path: '/noList/f' }, ['eve', 'done']],
  ['remove', { path: '/noList', recursive: true }, ['olga', 'EACCES'], ['root', 'done']],
  ['remove', { path: '/shared/list', recursive: true }, ['eve', 'EACCES'], ['steve', 'done']],

  ['rename', { from: '/home/olga/f', to: '/tmp/f' }, ['olga', 'done'], ['steve', 'EACCES'], ['eve', 'EACCES'], ['root', 'done']],
  ['rename', { from: '/tmp/olgas', to: '/tmp/mine' }, ['olga', 'done'], ['eve', 'EPERM'], ['steve', 'EPERM']],
  ['rename', { from: '/tmp/olgasDir/x', to: '/tmp/x' }, ['eve', 'done']],
  ['rename', { from: '/tmp/olgasDir/x', to: '/home/x' }, ['eve', 'EACCES'], ['olga', 'EACCES']],
  ['rename', { from: '/shared/olgas', to: '/shared/x' }, ['steve', 'done'], ['eve', 'EACCES']],
  ['rename', { from: '/noSearch/f', to: '/tmp/x' }, ['olga', 'EACCES']],
  ['rename', { from: '/tmp/olgasDir/x', to: '/noSearch/x' }, ['olga', 'EACCES']],

  // The owner's, and the superuser's.
  ['setAttributes', { path: '/tmp/olgas', mode: 0o600 }, ['olga', 'done'], ['steve', 'EPERM'], ['eve', 'EPERM'], ['root', 'done']],
  ['setAttributes', { path: '/home/olga/f', mode: 0o600 }, ['steve', 'EPERM'], ['eve', 'EACCES']],
  ['setAttributes', { path: '/tmp/olgas', modifiedMs: 1 }, ['olga', 'done'], ['eve', 'EPERM']],
  ['setAttributes', { path: '/tmp/olgas', accessedMs: 1 }, ['olga', 'done'], ['eve', 'EPERM']],
  ['setAttributes', { path: '/tmp/olgas', pinned: true }, ['olga', 'done'], ['eve', 'EPERM']],
  ['setAttributes', { path: '/tmp/olgas', ttlMs: 1 }, ['olga', 'done'], ['eve', 'EPERM']],
  ['setAttributes', { path: '/tmp/olgas', clearTtl: true }, ['olga', 'done'], ['eve', 'EPERM']],
  ['setAttributes', { path: '/tmp/olgas', replicationMin: 1 }, ['olga', 'done'], ['eve', 'done']],
  ['setAttributes', { path: '/shared/olgas', replicationMax: 1 }, ['olga', 'done'], ['steve', 'EACCES']],
  ['setAttributes', { path: '/tmp/olgas', owner: 'eve' }, ['olga', 'EPERM'], ['eve', 'EPERM'], ['root', 'done']],
  ['setAttributes', { path: '/tmp/olgas', owner: 'olga' }, ['olga', 'done'], ['eve', 'EPERM']],
  ['setAttributes', { path: '/tmp/olgas', group: 'people' }, ['olga', 'EPERM'], ['eve', 'EPERM'], ['root', 'done']],
  ['setAttributes', { path: '/tmp/olgas', group: 'staff' }, ['olga', 'done'], ['steve', 'EPERM']],
  ['setQuota', { path: '/home/olga', namesMax: 5 }, ['olga', 'EPERM'], ['eve', 'EPERM'], ['root', 'done']],

  ['setAcl', { path: '/tmp/olgas', entries: acl('u:eve:r') }, ['olga', 'done'], ['steve', 'EPERM'], ['eve', 'EPERM'], ['root', 'done']],
  ['setAcl', { path: '/tmp/olgas', action: REMOVE_ALL }, ['olga', 'done'], ['eve', 'EPERM']],
  ['setAcl', { path: '/tmp/olgas', entries: acl('d:u:eve:r') }, ['olga', 'EINVAL'], ['eve', 'EPERM']],
  ['setAcl', { path: '/tmp/olgas', action: 9 }, ['olga', 'EINVAL']],
  ['setAcl', { path: '/tmp/olgas', entries: [{ kind: 9 }] }, ['olga', 'EINVAL']],
  ['setAcl', { path: '/home/olga/none', entries: acl('u:eve:r') }, ['olga', 'ENOENT'], ['eve', 'EACCES']],

  // Attributes go by write and read; in a sticky directory by its owner; trusted ones by the superuser.
  ['setXattr', { path: '/shared/olgas', name: 'user.a' }, ['olga', 'done'], ['steve', 'EACCES'], ['eve', 'EACCES'], ['root', 'done']],
  ['setXattr', { path: '/tmp/olgas', name: 'user.a' }, ['eve', 'done']],
  ['setXattr', { path: '/tmp', name: 'user.a' }, ['eve', 'EPERM'], ['root', 'done']],
  ['setXattr', { path: '/tmp/olgas', name: 'trusted.a' }, ['olga', 'EPERM'], ['root', 'done']],
  ['setXattr', { path: '/tmp/olgas', name: 'system.a' }, ['olga', 'ENOTSUP'], ['root', 'ENOTSUP']],
  ['setXattr', { path: '/tmp/olgas', name: 'user.a', flag: 2 }, ['olga', 'ENODATA']],
  ['setXattr', { path: '/tmp/olgas', name: 'user.a', flag: 9 }, ['olga', 'EINVAL']],
  ['setXattr', { path: '/tmp/olgas', name: 'user.a', value: new Uint8Array(16_384) }, ['olga', 'E2BIG']],
  ['removeXattr', { path: '/shared/olgas', name: 'user.a' }, ['olga', 'ENODATA'], ['steve', 'EACCES']],
  ['getXattrs', { path: '/home/olga/f' }, ['steve', 'done'], ['eve', 'EACCES']],
  ['getXattrs', { path: '/noList/f' }, ['olga', 'done'], ['steve', 'EACCES']],
  ['getXattrs', { path: '/home/olga/f', names: ['user.a'] }, ['steve', 'ENODATA'], ['eve', 'EACCES']],
  ['getXattrs', { path: '/home/olga/f', names: ['trusted.a'] }, ['steve', 'EPERM'], ['root', 'ENODATA']],

  ['mount', { path: '/tmp/m', uri: '/data' }, ['eve', 'EPERM'], ['root', 'done']],
];

const ROWS = CASES.flatMap(([name, body, ...expected]) => expected.map(([who, errno]) => [name, body, who, errno] as const));

test.each(ROWS)('%s %j by %s: %s', (name, body, who, errno) => {
  expect(world.wouldBe(PEOPLE[who], name, body)).toBe(errno);
});

const listOf = (made: Acting, path: string): string => {
  const { mode, more } = made.inode(path);
  return wholeAcl({ mode, acl: more?.acl ?? [] })
    .map(formatAclEntry)
    .join(',');
};

test('what is made: owner, group, setgid, mode less umask, and the default list of where it is made', async () => {
  await using one = await begin();
  const make = (who: Identity, path: string, mode: number, directory = false) => {
    one.act(who, directory ? 'createDirectory' : 'createFile', { path, mode, umask: 0o027, recursive: true });
    const { owner, group, mode: bits } = one.inode(path);
    return `${owner}:${group} ${bits.toString(8)}`;
  };
  expect(make(PEOPLE.eve, '/tmp/e', 0o666)).toBe('eve:people 640');
  expect(make(PEOPLE.mona, '/tmp/m', 0o777, true)).toBe('mona:moving 750');
  expect(make(PEOPLE.nobody, '/tmp/n', 0o666)).toBe('nobody:wheel 640');
  expect(make(PEOPLE.mona, '/shared/m', 0o666)).toBe('mona:staff 640');
  expect(make(PEOPLE.mona, '/shared/d/deep', 0o777, true)).toBe('mona:staff 2750');
  expect(make(PEOPLE.mona, '/shared/d/deep/f', 0o666)).toBe('mona:staff 640');

  one.act(ROOT, 'setAcl', { path: '/shared/list', action: MODIFY, entries: acl('u:eve:rwx,d:g::-,d:o:-') });
  const inherited = 'default:user::---,default:user:eve:rwx,default:group::---,default:mask::rwx,default:other::---';
  make(PEOPLE.eve, '/shared/list/a/f', 0o646);
  expect(listOf(one, '/shared/list/a')).toBe(`user::---,user:eve:rwx,group::---,mask::rwx,other::---,${inherited}`);
  expect(listOf(one, '/shared/list/a/f')).toBe('user::---,user:eve:rwx,group::---,mask::r--,other::---');
});

test('lists and attributes: set, told, removed; chmod changes the mask; who is not in the group loses setgid', async () => {
  await using one = await begin();
  const { olga, eve } = PEOPLE;
  const path = '/tmp/olgasDir';
  one.act(olga, 'setAcl', { path, action: MODIFY, entries: acl('u:eve:rw,d:u:eve:rw') });
  one.act(olga, 'setAttributes', { path, mode: 0o2750 });
  expect(listOf(one, path)).toMatch(/^user::rwx,user:eve:rw-,group::rwx,mask::r-x,other::---,default:/);
  expect(one.inode(path).mode).toBe(0o2750);
  one.act(ROOT, 'setAttributes', { path, group: 'people' });
  one.act(olga, 'setAcl', { path, action: REMOVE_ALL });
  expect([one.inode(path).mode.toString(8), one.inode(path).more]).toEqual(['750', null]);
  one.act(olga, 'setAttributes', { path, mode: 0o2777 });
  expect(one.inode(path).mode.toString(8)).toBe('777');

  const xattrs = (identity: Identity, names: string[] = []) => one.act(identity, 'getXattrs', { path: '/tmp/olgas', names });
  one.act(eve, 'setXattr', { path: '/tmp/olgas', name: 'user.b', value: Buffer.from('2') });
  one.act(olga, 'setXattr', { path: '/tmp/olgas', name: 'user.a', value: Buffer.from('1') });
  one.act(ROOT, 'setXattr', { path: '/tmp/olgas', name: 'trusted.t', value: Buffer.from('3') });
  expect(xattrs(eve)).toMatchObject({ xattrs: [{ name: 'user.a' }, { name: 'user.b' }] });
  expect(xattrs(ROOT)).toMatchObject({ xattrs: [{ name: 'trusted.t' }, { name: 'user.a' }, { name: 'user.b' }] });
  expect(xattrs(eve, ['user.b'])).toMatchObject({ xattrs: [{ name: 'user.b', value: Buffer.from('2') }] });
  for (const name of ['user.a', 'user.b', 'trusted.t']) one.act(ROOT, 'removeXattr', { path: '/tmp/olgas', name });
  expect(xattrs(ROOT)).toMatchObject({ xattrs: [] });
  expect([one.inode('/tmp/olgas').more, one.state.xattrs.get(one.inode('/tmp/olgas').id)]).toEqual([null, null]);
});
