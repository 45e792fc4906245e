/** Hadoop's own client on a master: `hadoop fs` and its FileSystem, what they make of each answer, and names of every kind. */
import { expect } from 'vitest';
import { collect } from '../../client/served-namespace.js';
import { closedWithTest } from '../../servers/closed-with-test.js';
import type { FinishedProgram } from '../../servers/finished-program.js';
import { type HadoopClient, startHadoopClient } from '../../servers/hadoop-client.js';
import { testWithHadoop } from '../../servers/tests-with-clients.js';
import { ServedWebHdfs } from './served-web-hdfs.js';

/** @returns Hadoop's client, as the superuser, and the master that it talks to. */
async function served(): Promise<{ client: HadoopClient; hdfs: ServedWebHdfs }> {
  const hdfs = await ServedWebHdfs.open();
  closedWithTest({ close: () => hdfs[Symbol.asyncDispose]() });
  const { port } = await hdfs.serve(hdfs.namespace.cluster.masters[0] ?? null);
  return { client: closedWithTest(await startHadoopClient({ 'fs.defaultFS': `webhdfs://127.0.0.1:${port}` }, 'o')), hdfs };
}

/** Each stands on those before it. @param rows what `hadoop fs` is told, its exit code, and what it prints: to its errors where it fails. */
async function shell(client: HadoopClient, rows: readonly (readonly [words: string, code: number, printed: RegExp])[]): Promise<void> {
  for (const [words, code, printed] of rows) {
    const told = await client.shell(...words.split(' '));
    expect({ words, ...told, printed: code === 0 ? told.out + told.err : told.err }).toMatchObject({
      words,
      code,
      printed: expect.stringMatching(printed),
    });
  }
}

/** @returns what was printed. */
async function good(told: Promise<FinishedProgram>): Promise<string> {
  const { code, out, err } = await told;
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out.trimEnd();
}

testWithHadoop('shell: does all that needs no data, and says in a line what does', async () => {
  const { client, hdfs } = await served();
  const fs = hdfs.namespace.client();
  await fs.createFile('/files/f', { recursive: true, blockBytes: 4, completeLength: 10 });
  await fs.createFile('/files/g', { blockBytes: 4, completeLength: 5 });
  await shell(client, [
    ['-mkdir -p /a/b/c', 0, /^$/],
    ['-mkdir /a', 1, /File exists/],
    ['-mkdir /none/x', 1, /No such file or directory/],
    ['-ls /', 0, /^Found 2 items\ndrwxr-xr-x +- o .* \/a\ndrwxr-xr-x .* \/files\n$/],
    ['-ls -R /files', 0, /-rw-r--r-- +1 o .* 10 .* \/files\/f\n.* 5 .* \/files\/g\n$/],
    ['-ls /none', 1, /No such file or directory/],
    ['-stat %F|%b|%u|%a|%n /files/f', 0, /^regular file\|10\|o\|644\|f\n$/],
    ['-test -d /a', 0, /^$/],
    ['-test -d /files/f', 1, /^$/],
    ['-test -e /none', 1, /^$/],
    ['-test -w /a', 0, /^$/],
    ['-mv /a/b /a/moved', 0, /^$/],
    ['-mv /none /a', 1, /No such file or directory/],
    ['-mv /files/f /files/g', 1, /File exists/],
    ['-chmod 1750 /a', 0, /^$/],
    ['-chown alice:staff /a', 0, /^$/],
    ['-stat %u:%g:%a /a', 0, /^alice:staff:1750\n$/],
    ['-setfacl -m user:bob:rwx,default:group::r-x /a', 0, /^$/],
    [
      '-getfacl /a',
      0,
      /# owner: alice\n# group: staff\n.*user::rwx\nuser:bob:rwx\ngroup::r-x\nmask::rwx\nother::---\ndefault:user::rwx\n/s,
    ],
    ['-ls -d /a', 0, /^drwxrwx--[T]\+/],
    ['-setfacl -x user:bob: /a', 0, /^$/],
    ['-setfacl -b /a', 0, /^$/],
    ['-getfacl /a', 0, /user::rwx\ngroup::r-x\nother::---\n\n$/],
    ['-setfattr -n user.k -v 12 /a', 0, /^$/],
    ['-getfattr -d /a', 0, /^# file: \/a\nuser.k="12"\n/],
    ['-setfattr -x user.k /a', 0, /^$/],
    ['-getfattr -n user.k /a', 1, /getfattr: /],
    ['-count /', 0, /^ +5 +2 +15 \/\n$/],
    ['-count -q /files', 0, /none +inf +none +inf +1 +2 +15 \/files\n$/],
    ['-du /files', 0, /^10 +10 +\/files\/f\n5 +5 +\/files\/g\n$/],
    ['-df /', 0, /Filesystem +Size +Used/],
    ['-setrep 2 /files/g', 0, /Replication 2 set/],
    ['-touch -t 20200102:030405 /files/g', 0, /^$/],
    ['-truncate 4 /files/g', 0, /^Truncated \/files\/g to length: 4\n$/],
    ['-checksum /files/f', 1, /needs a worker/],
    ['-cat /files/f', 1, /^cat: OPEN needs a worker, which holds the data of files: there is none now\n$/],
    ['-touchz /a/new', 1, /^touchz: CREATE needs a worker, .*\n$/],
    ['-put core-site.xml /a/new', 1, /^put: CREATE needs a worker, .*\n$/],
    ['-appendToFile core-site.xml /files/f', 1, /^appendToFile: APPEND needs a worker, .*\n$/],
    ['-ls /a/new', 1, /No such file or directory/],
    ['-rmdir /a', 1, /not empty/i],
    ['-rm /a', 1, /Is a directory/],
    ['-rm -r -skipTrash /a', 0, /^Deleted \/a\n$/],
    ['-rm /files/g', 0, /^Deleted \/files\/g\n$/],
    ['-rm -f /none', 0, /^$/],
    ['-createSnapshot /files', 1, /^createSnapshot: there are no snapshots\n$/],
  ]);
});

/** Names of files, each a trap of its own on the way. A colon and a backslash are no part of a name in Hadoop. */
const NAMES = [
  '日本',
  'é',
  'e\u0301',
  '😀',
  ' a b ',
  'a+b',
  'a%b',
  '%41',
  '%2F',
  'a&b=c',
  'a;b',
  'a?b',
  'a#b',
  '"q"',
  "it's",
  '[x]',
  '{y}',
  'a*',
  '~',
  '^',
  '|',
  '<b>',
  '\u00a0',
  '\u200b',
  'a\tb',
  '@',
  '$',
  '!',
  ',',
];

testWithHadoop('file system: names of every kind, renames with options, storage policies, and what it refuses', async () => {
  const { client, hdfs } = await served();
  const fs = hdfs.namespace.client();
  const [first = '', ...others] = NAMES;
  await good(client.call('mkdirs', `/n/${first}`));
  for (const name of others) {
    expect([name, await good(client.call('mkdirs', `/n/${name}`))]).toEqual([name, 'true']);
    expect([name, await good(client.call('exists', `/n/${name}`))]).toEqual([name, 'true']);
  }
  expect((await collect(fs.list('/n'))).map(({ path }) => path.slice('/n/'.length)).sort()).toEqual([...NAMES].sort());
  const listed = await good(client.call('listStatus', '/n'));
  for (const name of NAMES) expect(listed).toContain(`/n/${name};`);
  for (const [at, name] of NAMES.entries())
    expect([name, await good(client.call('rename', `/n/${name}`, `/n/${at}${name}`))]).toEqual([name, 'true']);
  for (const [at, name] of NAMES.entries())
    expect([name, await good(client.call('delete', `/n/${at}${name}`, 'false'))]).toEqual([name, 'true']);
  expect(await good(client.call('listStatus', '/n'))).toBe('');

  await fs.createFile('/r/f', { recursive: true, completeLength: 3 });
  await fs.createFile('/r/g', { completeLength: 4 });
  expect(await client.rename('/r/f', '/r/g', 'NONE')).toMatchObject({
    code: 1,
    err: expect.stringContaining('FileAlreadyExistsException'),
  });
  await good(client.rename('/r/f', '/r/g', 'OVERWRITE'));
  expect((await fs.getStatus('/r/g')).length).toBe(3);
  expect(await client.rename('/r/f', '/r/h', 'NONE')).toMatchObject({ code: 1, err: expect.stringContaining('FileNotFoundException') });

  expect(await good(client.call('getStoragePolicy', '/r'))).toContain('HOT');
  expect(await client.call('setStoragePolicy', '/r', 'COLD')).toMatchObject({ code: 1 });
  await good(client.call('setStoragePolicy', '/r', 'HOT'));
  expect(await client.call('getFileChecksum', '/r/g')).toMatchObject({ code: 1, err: expect.stringContaining('needs a worker') });
  expect(await client.call('concat', '/r/g', '/r/none')).toMatchObject({ code: 1, err: expect.stringContaining('FileNotFoundException') });
  expect(await client.call('createSnapshot', '/r', 's')).toMatchObject({ code: 1, err: expect.stringMatching(/Exception/) });
  expect(await good(client.call('getHomeDirectory'))).toContain('/user/o');
  expect(await good(client.call('getTrashRoot', '/r'))).toContain('/user/o/.Trash');
  expect(await good(client.call('getServerDefaults', '/'))).toContain('FsServerDefaults');
});
