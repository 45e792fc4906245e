/** The directory journal on a GlusterFS volume that is mounted twice: handles alternate between the mounts, as masters on two hosts would. */
import { open, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { SHARED_FILE_BYTES_MIN } from '../../src/base/files.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { SystemFile, systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { GENESIS } from '../../src/journal/journal.js';
import { fullStorageContract } from '../contract/full-storage-contract.js';
import { bytesOf, claim, errorOf, type JournalWorld, journalContract, readTo, textOf } from '../contract/journal-contract.js';
import { retentionContract } from '../contract/retention-contract.js';
import { describeOnGluster } from '../servers/describe-on-gluster.js';
import { GlusterVolume } from '../servers/gluster.js';
import { waitUntil } from '../servers/wait-until.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
let volume: GlusterVolume;

describeOnGluster('GlusterFS with a small disk', () => {
  fullStorageContract('directory journal on two mounts', async () => {
    const small = await GlusterVolume.start({ megabytes: 48 });
    const settings = { segmentBytes: 1 << 20, batchBytesMax: 32 << 10, freeBytesReserve: 0 };
    const [here, there] = small.mounts;
    await formatDirectoryJournal({ ...settings, folder: path.join(here, 'journal') }, deps);
    let opened = 0;
    return {
      open: () => DirectoryJournal.open({ ...settings, folder: path.join(opened++ % 2 === 0 ? here : there, 'journal') }, deps),
      fill: () => takeAllRoom(path.join(here, 'filler')),
      clear: () => rm(path.join(here, 'filler')),
      [Symbol.asyncDispose]: () => small.close(),
    };
  });
});

/** Writes until there is no room for a page. */
async function takeAllRoom(file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (let bytes = 4 << 20; bytes >= 4096; ) {
      try {
        await handle.appendFile(Buffer.alloc(bytes, 1));
        await handle.sync();
      } catch {
        bytes /= 2;
      }
    }
  } finally {
    await handle.close().catch(() => undefined); // tells once more that there was no room
  }
}

describeOnGluster('GlusterFS', () => {
  beforeAll(async () => {
    volume = await GlusterVolume.start();
  });
  afterAll(() => volume.close());

  test('the volume is not taken for a local file system', async () => {
    for (const mount of volume.mounts) expect(await systemFiles.isLocalFolder(mount)).toBe(false);
  });

  let folders = 0;
  const make = async (pollIntervalMs: number): Promise<JournalWorld> => {
    const name = `journal-${++folders}`;
    const settings = { segmentBytes: 40 << 10, batchBytesMax: 32 << 10, pollIntervalMs, freeBytesReserve: 0 };
    const at = volume.mounts.map((mount) => path.join(mount, name));
    const [first = ''] = at;
    await formatDirectoryJournal({ ...settings, folder: first }, deps);
    let opened = 0;
    return {
      open: (pause) => {
        const folder = at[opened++ % at.length] ?? first;
        return DirectoryJournal.open({ ...settings, folder }, pause === undefined ? deps : { ...deps, pause });
      },
      [Symbol.asyncDispose]: () => rm(first, { recursive: true, force: true }),
    };
  };
  journalContract('directory journal on two mounts', () => make(5));
  retentionContract('directory journal on two mounts', () => make(50)); // as by default: a reader outlasts names that its cache keeps for a second

  test('files no smaller than what clients keep whole: O_DIRECT reads them as they are, smaller ones it does not', async () => {
    const [here, there] = volume.mounts;
    const page = systemFiles.buffers.take(4096);
    const staleLooks = async (bytes: number): Promise<number> => {
      let stale = 0;
      for (let i = 0; i < 10; i++) {
        const name = `file-${bytes}-${i}`;
        await using writing = await SystemFile.open(path.join(here, name), { write: true, create: 'exclusive' });
        await writing.truncate(bytes);
        await stat(path.join(there, name));
        await using reading = await SystemFile.open(path.join(there, name), { direct: true });
        await reading.readExactly(page, 4096);
        await writing.writeAll(Buffer.alloc(4096, 1), 4096);
        await writing.dataSync();
        await reading.readExactly(page, 4096);
        if (page[0] !== 1) stale += 1;
      }
      return stale;
    };
    expect(await staleLooks(40 << 10)).toBeGreaterThan(0);
    expect(await staleLooks(SHARED_FILE_BYTES_MIN)).toBe(0);
    const settings = { folder: path.join(here, 'small'), segmentBytes: 40 << 10, batchBytesMax: 8 << 10, freeBytesReserve: 0 };
    await formatDirectoryJournal(settings, deps);
    await using journal = await DirectoryJournal.open(settings, deps);
    await claim(journal);
    expect((await stat(path.join(there, 'small', 'log', '1-0.seg'))).size).toBe(SHARED_FILE_BYTES_MIN);
  });

  describe('bytes that went bad', () => {
    const settings = { segmentBytes: 64 << 10, batchBytesMax: 8 << 10, freeBytesReserve: 0, pollIntervalMs: 5 };
    const PAGE = 4096;
    const LAST = 'the last one';
    let [here, there] = ['', ''];

    /** Epoch 1 with a few entries, left by its leader on this host. @returns where the last batch begins. */
    async function written(): Promise<number> {
      const name = `bad-${++folders}`;
      [here, there] = volume.mounts.map((mount) => path.join(mount, name)) as [string, string];
      await formatDirectoryJournal({ ...settings, folder: here }, deps);
      await using journal = await DirectoryJournal.open({ ...settings, folder: here }, deps);
      const { writer } = await claim(journal);
      for (const text of ['a', 'b', LAST]) await writer.append([bytesOf(text)], 1);
      await readTo(journal, writer.end); // fills this host's cache
      return (await readFile(path.join(here, 'log', '1-0.seg'))).lastIndexOf('UJB');
    }
    /** Changes a file as the other host sees it. */
    async function patch(name: string, offset: number, bytes: Buffer): Promise<void> {
      const file = await open(path.join(there, name), 'r+');
      await file.write(bytes, 0, bytes.length, offset);
      await file.sync();
      await file.close();
    }
    const claimHere = async (): Promise<string[]> => {
      await using journal = await DirectoryJournal.open({ ...settings, folder: here }, deps);
      return textOf((await claim(journal)).delivered);
    };

    test('a torn tail above all marks ends the log, for the host that has it whole in its cache too', async () => {
      const last = await written();
      await patch('LEDGER', 5 * PAGE, Buffer.alloc(2 * PAGE));
      await patch(path.join('log', '1-0.seg'), last + 60, Buffer.alloc(100));
      expect(await claimHere()).toEqual(['claim 1', 'a', 'b', 'claim 2']);
    });

    test('a flipped byte below a mark is damage, for the host that has it sound in its cache too', async () => {
      const last = await written();
      await patch(path.join('log', '1-0.seg'), last - 5, Buffer.from('!'));
      const error = await errorOf(claimHere());
      expect(isError(error, 'corrupt'), error.message).toBe(true);
    });
  });

  describe('a journal that the other host takes away', () => {
    const settings = { segmentBytes: 256 << 10, batchBytesMax: 32 << 10, freeBytesReserve: 0 };
    const opened: DirectoryJournal[] = [];
    let [here, there] = ['', ''];
    const openIn = async (folder: string): Promise<DirectoryJournal> => {
      const journal = await DirectoryJournal.open({ ...settings, folder }, deps);
      opened.push(journal);
      return journal;
    };
    /** Reads on this host for as long as it goes. */
    const readHere = async (): Promise<void> => {
      for await (const _ of (await openIn(here)).read({ from: GENESIS, signal: new AbortController().signal }));
    };

    beforeEach(async () => {
      const name = `taken-${++folders}`;
      [here, there] = volume.mounts.map((mount) => path.join(mount, name)) as [string, string];
      await formatDirectoryJournal({ ...settings, folder: here }, deps);
    });
    afterEach(async () => {
      for (const journal of opened.splice(0)) await journal.close();
    });

    test('removed: the leader and a reader here end within seconds', async () => {
      const { writer } = await claim(await openIn(here));
      const reading = errorOf(readHere());
      await rm(there, { recursive: true });
      await waitUntil('the leader has noticed', () => writer.dead.aborted, 10_000);
      expect(String(writer.dead.reason)).toMatch(/another journal, or none, is at this path/);
      expect(isError(await reading, 'unavailable')).toBe(true);
    });

    test('formatted anew: the leader and a reader here end and say that it is another journal', async () => {
      const { writer } = await claim(await openIn(here));
      const reading = errorOf(readHere());
      const force = { entry: () => ({ bytes: bytesOf('format'), timeMs: 1 }) };
      await formatDirectoryJournal({ ...settings, folder: there }, deps, { force });
      await waitUntil('the leader has noticed', () => writer.dead.aborted, 10_000);
      expect(isError(await errorOf(writer.append([bytesOf('late')], 1)))).toBe(true);
      const error = await reading;
      expect(isError(error, 'failed_precondition'), error.message).toBe(true);
      expect(error.message).toContain('another journal is at this path now');
    });
  });
});
