/** The journal's tools, as an operator runs them: on a folder and on a real S3 server. */
import { execFile } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { digestText } from '../../src/metadata/digest.js';
import { LedJournal } from '../metadata/led-journal.js';
import { mustBeBuilt, ROOT } from '../servers/built.js';
import { type S3Server, s3Settings, startS3 } from '../servers/s3.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
let root = '';
let s3: S3Server;
/** State's digest at the end of each batch of the journal `source`. */
let digests: ReadonlyMap<number, string>;
let endSn = 0;

const folderOf = (name: string): string => path.join(root, name);

async function run(journal: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const settings = { ...s3Settings(s3.endpoint, 'tools'), 'master.journal.folder': journal, 'security.login.username': 'ada' };
  const options = Object.entries(settings).flatMap(([key, value]) => [
    '-D',
    `${key.startsWith('aws') ? '' : 'understudy.'}${key}=${value}`,
  ]);
  const command = [path.join(ROOT, 'bin', 'understudy'), ...args, ...options];
  return promisify(execFile)(process.execPath, command, { env: { PATH: process.env.PATH ?? '', TZ: 'UTC' } }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, err: stderr }),
  );
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

/** Runs a tool that has to succeed. @returns what it prints. */
async function ok(journal: string, ...args: string[]): Promise<string> {
  const { code, out, err } = await run(journal, ...args);
  expect(err).toBe('');
  expect(code).toBe(0);
  return out;
}

beforeAll(async () => {
  mustBeBuilt();
  root = await mkdtemp(path.join(tmpdir(), 'understudy-tools-'));
  s3 = await startS3({ make: 'versitygw' });
  await s3.createBucket('tools');
  await ok(folderOf('source'), 'format');
  await using journal = await DirectoryJournal.open({ folder: folderOf('source') }, deps);
  await using leader = await LedJournal.claim(journal);
  await leader.files('/logs/2026', 10);
  await leader.tellDigest();
  await leader.checkpoint(1);
  await leader.checkpoint(1);
  await leader.tellDigest();
  await leader.files('/logs/2027', 10);
  digests = new Map([...leader.digests].map(([sn, digest]) => [sn, digestText(digest)]));
  endSn = leader.sn;
}, 90_000);
afterAll(async () => {
  await s3?.close();
  await rm(root, { recursive: true, force: true });
});

test('a place where there is no journal: every tool says so, and changes nothing', async () => {
  for (const args of [['info'], ['verify'], ['dump'], ['copy', '--to', folderOf('nowhere')]]) {
    const { code, err } = await run(folderOf('empty'), 'journal', ...args);
    expect(code, args[0]).toBe(1);
    expect(err).toContain('there is no journal here: format it first');
  }
  expect((await run(folderOf('empty'), 'fsadmin', 'backup', folderOf('no-backup'))).code).toBe(1);
  expect((await run(folderOf('empty'), 'restore', '--from', folderOf('no-backup'))).err).toContain('there is no backup here');
  expect(await readdir(root)).toEqual(['source']);
});

test('info and dump: what is there, for people and for programs', async () => {
  const source = folderOf('source');
  expect(await ok(source, 'journal', 'info')).toMatch(new RegExp(`^Committed\\s+sn ${endSn}$`, 'm'));
  const info = JSON.parse(await ok(source, 'journal', 'info', '--json'));
  expect(info).toMatchObject({
    backend: 'directory',
    epoch: 1,
    committedSn: endSn,
    end: { sn: endSn },
    checkpoints: [{ isPublished: true }],
  });
  const dumped = await run(source, 'journal', 'dump', '--path', '/logs/2027/file-3', '--json');
  expect(dumped.err).toMatch(/^entries up to sn=\d+ were collected/);
  const lines = dumped.out.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { kind: 'createFile', paths: ['/logs/2027/file-3'], entry: { createFile: { name: 'file-3' } } },
  ]);
  expect(await ok(source, 'journal', 'dump', '--from', String(endSn))).toMatch(
    new RegExp(`^${endSn} 1 \\S+Z createFile <\\d+>/file-9 inode=`),
  );
});

test('backup and restore: to its end, into a folder and a bucket, and as of an entry', async () => {
  const backup = folderOf('backup');
  const said = await ok(folderOf('source'), 'fsadmin', 'backup', backup);
  expect(said).toContain(`digest: ${digests.get(endSn)}`);
  for (const target of [folderOf('restored'), 's3://tools/restored']) {
    expect(await ok(target, 'restore', '--from', backup)).toContain(`up to sn ${endSn}, digest: ${digests.get(endSn)}`);
    expect(lastLine(await ok(target, 'journal', 'verify'))).toBe(`The journal can be trusted, to its end at sn ${endSn + 2}.`);
    const again = await run(target, 'restore', '--from', backup);
    expect(again.code).toBe(1);
    expect(again.err).toContain('there is a journal already');
  }
  const until = endSn - 4;
  expect(await ok('s3://tools/earlier', 'restore', '--from', backup, '--until', String(until))).toContain(
    `up to sn ${until}, digest: ${digests.get(until)}`,
  );
  expect((await run(folderOf('late'), 'restore', '--from', backup, '--until', String(endSn + 1))).err).toContain('the backup ends earlier');
  expect((await run(folderOf('late'), 'restore', '--from', backup, '--until', 'yesterday')).code).toBe(2);
  expect(await ok(folderOf('restored'), 'restore', '--from', backup, '--force', '--until', '2100-01-01T00:00:00Z')).toContain(
    `sn ${endSn}`,
  );
});

test('copy: to a bucket and back, is the same journal', async () => {
  const endOf = (info: string) => JSON.parse(info).end;
  const original = endOf(await ok(folderOf('source'), 'journal', 'info', '--json'));
  expect(await ok(folderOf('source'), 'journal', 'copy', '--to', 's3://tools/copy')).toContain(original.hash);
  await ok('s3://tools/copy', 'journal', 'copy', '--to', folderOf('back'));
  for (const place of ['s3://tools/copy', folderOf('back')]) {
    expect(endOf(await ok(place, 'journal', 'info', '--json'))).toEqual(original);
    expect(lastLine(await ok(place, 'journal', 'verify'))).toBe(`The journal can be trusted, to its end at sn ${endSn}.`);
  }
  const taken = await run(folderOf('source'), 'journal', 'copy', '--to', folderOf('back'));
  expect([taken.code, taken.err]).toEqual([1, expect.stringContaining('there is a journal already')]);
  // Places are read as the setting is: masters that are told the same look there.
  const same = await run(folderOf('source'), 'journal', 'copy', '--to', 's3a://tools/copy/');
  expect([same.code, same.err]).toEqual([1, expect.stringContaining('there is a journal already')]);
  const nowhere = await run(folderOf('source'), 'journal', 'copy', '--to', 'hdfs://somewhere/copy');
  expect([nowhere.code, nowhere.err]).toEqual([2, expect.stringContaining('hdfs:// is not supported')]);
});

test('copy that keeps the incarnation: whoever led the original is fenced first, and the copy has all that was acknowledged', async () => {
  await ok(folderOf('source'), 'journal', 'copy', '--to', folderOf('old'));
  await using original = await DirectoryJournal.open({ folder: folderOf('old') }, deps);
  await using leader = await LedJournal.claim(original);
  await leader.files('/late', 3);
  await ok(folderOf('old'), 'journal', 'copy', '--keep-incarnation', '--to', folderOf('new'));
  const error = await leader.files('/later', 1).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'fenced' });
  const copied = JSON.parse(await ok(folderOf('new'), 'journal', 'info', '--json'));
  expect(copied.incarnationId).toBe(original.incarnationId);
  expect(copied.end.sn).toBeGreaterThan(leader.sn);
});

test('verify: a bit flipped, is told with its place, and the exit code says so', async () => {
  await ok(folderOf('source'), 'journal', 'copy', '--to', folderOf('broken'));
  const name = path.join(folderOf('broken'), 'log', '1-0.seg');
  const at = (await readFile(name)).lastIndexOf('file-4');
  const file = await open(name, 'r+');
  await file.write('F', at);
  await file.close();
  const { code, out } = await run(folderOf('broken'), 'journal', 'verify');
  const sn = endSn - 5;
  expect(code).toBe(1);
  expect(out).toContain(`  where: file=${name} offset=`);
  expect(out).toContain(`sn=${sn}`);
  expect(lastLine(out)).toBe(`The journal cannot be trusted behind sn ${sn - 1}: 1 problem.`);
});

test('copy and backup of a bucket whose last object is damaged: refused, rather than cut short without a word', async () => {
  await ok(folderOf('source'), 'journal', 'copy', '--to', 's3://tools/damaged');
  const log = path.join(s3.folder, 'tools', 'damaged');
  const objects = (await readdir(log, { recursive: true })).filter((name) => /log\/\d{20}$/.test(name)).sort();
  const last = await open(path.join(log, objects.at(-1)!), 'r+');
  await last.write('!', 120);
  await last.close();
  for (const args of [
    ['journal', 'copy', '--to', folderOf('cut')],
    ['fsadmin', 'backup', folderOf('cut')],
  ]) {
    const { code, err } = await run('s3://tools/damaged', ...args);
    expect(code).toBe(1);
    expect(err).toContain('the journal is damaged, see understudy journal verify');
  }
  expect(await readdir(root)).not.toContain('cut');
});
