import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { epoch } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { type Batch, GENESIS } from '../../src/journal/journal.js';
import { fullStorageContract } from '../contract/full-storage-contract.js';
import { type JournalWorld, journalContract } from '../contract/journal-contract.js';
import { retentionContract } from '../contract/retention-contract.js';
import { closedWithTest } from '../servers/closed-with-test.js';
import { describeAsRoot } from '../servers/describe-as-root.js';
import { SmallDisk } from '../servers/storage.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };

for (const isShared of [false, true]) {
  const name = isShared ? 'directory journal as on a network file system' : 'directory journal';
  const make = async (): Promise<JournalWorld> => {
    const root = await mkdtemp(path.join(tmpdir(), 'understudy-contract-'));
    const settings = { folder: root, isShared, segmentBytes: 40 << 10, batchBytesMax: 32 << 10, pollIntervalMs: 1, freeBytesReserve: 0 };
    await formatDirectoryJournal(settings, deps);
    return {
      open: (pause) => DirectoryJournal.open(settings, pause === undefined ? deps : { ...deps, pause }),
      [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
    };
  };
  journalContract(name, make);
  retentionContract(name, make);
}

describeAsRoot('a journal whose storage is full', () => {
  fullStorageContract('directory journal', async () => {
    const disk = closedWithTest(new SmallDisk(16));
    const settings = { folder: path.join(disk.folder, 'journal'), segmentBytes: 1 << 20, batchBytesMax: 32 << 10, freeBytesReserve: 0 };
    await formatDirectoryJournal(settings, deps);
    return {
      open: () => DirectoryJournal.open(settings, deps),
      fill: async () => disk.fill(0),
      clear: async () => disk.clear(),
      async [Symbol.asyncDispose]() {}, // the disk goes with the test
    };
  });
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'understudy-journal-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('directory journal: formatted, claimed and appended to, a reader gets every batch in order', async () => {
  await formatDirectoryJournal({ folder }, deps);
  await using journal = await DirectoryJournal.open({ folder }, deps);
  const delivered: Batch[] = [];
  const entry = () => ({ bytes: Buffer.from('claim'), timeMs: 1 });
  const writer = await journal.claim({ from: GENESIS, entry, deliver: (batch) => void delivered.push(batch) });
  expect(writer.epoch).toBe(epoch(1));
  expect(delivered).toHaveLength(1);
  for (let i = 0; i < 50; i++) await writer.append([Buffer.from(`a${i}`), Buffer.from(`b${i}`)], i);
  const abort = new AbortController();
  const read: Batch[] = [];
  for await (const batch of journal.read({ from: GENESIS, signal: abort.signal })) {
    read.push(batch);
    if (read.length === 51) abort.abort();
  }
  expect(read).toHaveLength(51);
  expect(read.at(-1)?.hash).toEqual(writer.end.hash);
  expect(Buffer.from(read[50]!.entries[1]!).toString()).toBe('b49');
});
