import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { GENESIS, type Journal } from '../../src/journal/journal.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { concerns } from '../../src/metadata/describe-entry.js';
import { type DumpedEntry, type DumpRequest, dumpEntries } from '../../src/metadata/dump-entries.js';
import { encodeEntry } from '../../src/metadata/entries.js';
import { Replay } from '../../src/metadata/replay.js';
import { LedJournal } from './led-journal.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
let folder: string;
let journal: Journal;
let leader: LedJournal;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'understudy-dump-'));
  await formatDirectoryJournal({ folder }, deps);
  journal = await DirectoryJournal.open({ folder, pollIntervalMs: 1 }, deps);
  leader = await LedJournal.claim(journal);
});
afterEach(async () => {
  await leader[Symbol.asyncDispose]();
  await journal.close();
  await rm(folder, { recursive: true, force: true });
});

async function dump(request: Partial<DumpRequest> = {}, isResolved = false): Promise<DumpedEntry[]> {
  // The mark of the last commit has to have been written.
  await leader.writer.close();
  const replay = isResolved ? new Replay(await new MemoryStores().open(), { clock: systemClock, identity: journal }) : undefined;
  const entries: DumpedEntry[] = [];
  const whole = { from: GENESIS, fromSn: 1, toSn: Number.MAX_SAFE_INTEGER, ...request };
  for await (const entry of dumpEntries(journal, whole, replay === undefined ? {} : { replay })) entries.push(entry);
  await replay?.close();
  return entries;
}

async function story(): Promise<void> {
  await leader.files('/a/b', 2);
  leader.run({ kind: 'rename', body: { from: '/a', to: '/z' } });
  await leader.commit();
  leader.run({ kind: 'createFile', body: { path: '/z/b/late', recursive: false } });
  await leader.commit();
  leader.run({ kind: 'remove', body: { path: '/z', recursive: true } });
  await leader.commit();
}

test('dump: with a replay, names each place as its entry found it', async () => {
  await story();
  const told = (await dump({}, true)).map(({ sn, kind, paths }) => `${sn} ${kind} ${paths.join(' -> ')}`);
  expect(told).toEqual([
    '1 claim ',
    '2 createDirectory /a/b',
    '3 createFile /a/b/file-0',
    '4 createFile /a/b/file-1',
    '5 rename /a -> /z',
    '6 createFile /z/b/late',
    '7 remove /z',
  ]);
});

test('dump: without one, names directories by number, and every field of the entry', async () => {
  await story();
  const [entry, ...others] = await dump({ fromSn: 3, toSn: 3 });
  expect(others).toEqual([]);
  expect(entry).toMatchObject({ sn: 3, epoch: 1, batchSn: 3, timeMs: 1_700_000_000_002, kind: 'createFile', paths: ['<3>/file-0'] });
  expect(entry?.entry).toMatchObject({
    timeMs: 1_700_000_000_002,
    createFile: { parentId: 3, name: 'file-0', inode: { id: 4, owner: 'ada' } },
  });
});

test('dump: of a path, tells what is at it and below it, and what moves or removes it', async () => {
  await story();
  const sns = async (at: string) => (await dump({ path: at }, true)).map(({ sn }) => sn);
  expect(await sns('/a/b/file-1')).toEqual([4, 5]);
  expect(await sns('/z/b')).toEqual([5, 6, 7]);
  expect(await sns('/')).toEqual([2, 3, 4, 5, 6, 7]);
  expect(await sns('/other')).toEqual([]);
  expect(concerns('createFile', '/ab', '/a')).toBe(false);
});

test('dump: the secrets of mounted storage, are not told', async () => {
  const options = [
    { key: 'underfs.s3.endpoint', value: 'http://store' },
    { key: 'aws.secretKey', value: 'very-secret' },
  ];
  const mount = { id: 1, inodeId: 2, uri: 's3://bucket', options };
  leader.append({ mount: { parentId: 1, name: 'm', inode: { id: 2, directory: true }, mount } });
  leader.append({ group: { entries: [{ updateMount: { mount } }] } });
  await leader.commit();
  const told = JSON.stringify(await dump({}, true));
  expect(told.match(/"http:\/\/store"/g)).toHaveLength(4);
  expect(told).not.toContain('very-secret');
});

test('dump: an entry of a later version, is told as bytes, and those behind it still', async () => {
  await leader.files('/a', 1);
  const strange = Uint8Array.from([...encodeEntry({ timeMs: 5 }), 0x92, 0x7d, 0x00]);
  await leader.writer.append([strange, encodeEntry({ timeMs: 6, remove: { parentId: 2, name: 'file-0' } })], 6);
  const unresolved: number[] = [];
  await leader.writer.close();
  const replay = new Replay(await new MemoryStores().open(), { clock: systemClock, identity: journal });
  const request = { from: GENESIS, fromSn: 3, toSn: 9 };
  const entries: DumpedEntry[] = [];
  for await (const entry of dumpEntries(journal, request, { replay, unresolved: (_, sn) => unresolved.push(sn) })) entries.push(entry);
  await replay.close();
  expect(entries.map(({ sn, kind, paths }) => [sn, kind, ...paths])).toEqual([
    [3, 'createFile', '/a/file-0'],
    [4, 'unreadable'],
    [5, 'remove', '<2>/file-0'],
  ]);
  expect(entries[1]?.fields.bytes).toBe(Buffer.from(strange).toString('hex'));
  expect(unresolved).toEqual([3]);
});
