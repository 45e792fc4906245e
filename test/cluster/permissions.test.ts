/** Users, groups and permissions as clients of real masters meet them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';

test('users: let in by groups of a file, which may change or be bad for a while, on any leader; the supergroup does all', {
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'understudy-permissions-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'groups');
  writeFileSync(file, 'alice: devs\nbob: people\ncarol: people, admins\n');
  const cluster = await Cluster.start({
    masters: 2,
    settings: {
      'security.group.mapping.class': 'file',
      'security.group.mapping.file': file,
      'security.group.mapping.cache.timeout': '50ms',
      'security.authorization.permission.supergroup': 'admins',
    },
  });
  const superuser = await cluster.client();
  await superuser.createDirectory('/work', { mode: 0o770 });
  await superuser.setAttributes('/work', { group: 'devs' });
  const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((user) => cluster.client({ user, umask: 0o077 })));
  if (alice === undefined || bob === undefined || carol === undefined) throw new Error('no clients');
  const denied = { code: 'permission_denied', errno: 'EACCES' };

  // The group is the masters' to say, the umask the client's.
  await alice.createFile('/work/a', { completeLength: 0 });
  expect(await alice.getStatus('/work/a')).toMatchObject({ owner: 'alice', group: 'devs', mode: 0o600 });
  await expect(bob.createFile('/work/b')).rejects.toMatchObject({
    ...denied,
    path: '/work',
    message: 'permission denied: path=/work user=bob access=execute inode=tester:devs:drwxrwx---',
  });
  await expect(bob.getStatus('/work/a')).rejects.toMatchObject(denied);
  await expect(bob.getStatus('/work/a', { stale: true })).rejects.toMatchObject(denied);
  const listed = async () => {
    for await (const _ of bob.list('/work'));
  };
  await expect(listed()).rejects.toMatchObject(denied);
  await expect(alice.createFile('/x')).rejects.toMatchObject({ ...denied, path: '/' });
  await carol.createFile('/carols');
  await expect(bob.setAttributes('/carols', { mode: 0o777 })).rejects.toMatchObject({ code: 'permission_denied', errno: 'EPERM' });

  // A list lets bob in; a refusal's retry by another leader is told the same.
  await superuser.setAcl('/work', { action: 'modify', entries: 'user:bob:rwx,default:user:bob:r' });
  await bob.createFile('/work/b');
  await superuser.setAcl('/work', { action: 'removeAll' });
  await (await cluster.leader()).end('SIGKILL');
  await expect(bob.createFile('/work/c')).rejects.toMatchObject(denied);

  writeFileSync(file, 'alice: devs\nbob: people, devs\n');
  const isIn = (user: typeof bob) => user.exists('/work/a').catch(() => false);
  await waitUntil('bob is in the group', () => isIn(bob));
  writeFileSync(file, 'alice: devs\nbob: people\nthis is no line\n');
  for (let round = 0; round < 20; round++) expect(await isIn(bob)).toBe(true);
  const dave = await cluster.client({ user: 'dave', callTimeoutMs: 500 });
  await expect(dave.exists('/')).rejects.toThrow('line=3');
  await superuser.createDirectory('/still');
  writeFileSync(file, 'alice: devs\nbob: people\ndave: people\n');
  await waitUntil('dave is known', () => dave.exists('/').catch(() => false));
  await waitUntil('bob is out of the group', async () => !(await isIn(bob)));
});

test('permissions switched off: everybody may do anything, in their own names', { timeout: 60_000 }, async () => {
  const cluster = await Cluster.start({ masters: 1, settings: { 'security.authorization.permission.enabled': 'false' } });
  const nobody = await cluster.client({ user: 'no-such-user-here', group: 'their-group' });
  await nobody.createDirectory('/closed', { mode: 0 });
  await nobody.createFile('/closed/f');
  await nobody.setAttributes('/closed/f', { owner: 'eve' });
  expect(await nobody.getStatus('/closed')).toMatchObject({ owner: 'no-such-user-here', group: 'their-group', mode: 0 });
});
