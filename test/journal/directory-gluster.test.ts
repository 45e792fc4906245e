/** The directory journal on a GlusterFS volume that is mounted twice: handles alternate between the mounts, as masters on two hosts would. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { isLocalFolder } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { GENESIS } from '../../src/journal/journal.js';
import { bytesOf, claim, errorOf, type JournalWorld, journalContract } from '../contract/journal-contract.js';
import { retentionContract } from '../contract/retention-contract.js';
import { describeOnGluster, GlusterVolume } from '../servers/gluster.js';
import { waitUntil } from '../servers/wait-until.js';

const deps = { clock: systemClock, random: systemRandom, log: silentLog };
let volume: GlusterVolume;

describeOnGluster('GlusterFS', () => {
  beforeAll(async () => {
    volume = await GlusterVolume.start();
  });
  afterAll(() => volume.close());

  test('the volume is not taken for a local file system', async () => {
    for (const mount of volume.mounts) expect(await isLocalFolder(mount)).toBe(false);
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
  retentionContract('directory journal on two mounts', () => make(50)); // as by default: a reader bears with a stale tail for longer than a cache keeps it

  describe('a journal that the other host takes away', () => {
    const settings = { segmentBytes: 256 << 10, batchBytesMax: 32 << 10, freeBytesReserve: 0 };
    const opened: DirectoryJournal[] = [];
    let [here, there] = ['', ''];
    const open = async (folder: string): Promise<DirectoryJournal> => {
      const journal = await DirectoryJournal.open({ ...settings, folder }, deps);
      opened.push(journal);
      return journal;
    };
    /** Reads on this host for as long as it goes. */
    const readHere = async (): Promise<void> => {
      for await (const _ of (await open(here)).read({ from: GENESIS, signal: new AbortController().signal }));
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
      const { writer } = await claim(await open(here));
      const reading = errorOf(readHere());
      await rm(there, { recursive: true });
      await waitUntil('the leader has noticed', () => writer.dead.aborted, 10_000);
      expect(String(writer.dead.reason)).toMatch(/another journal, or none, is at this path/);
      expect(isError(await reading, 'unavailable')).toBe(true);
    });

    test('formatted anew: the leader and a reader here end and say that it is another journal', async () => {
      const { writer } = await claim(await open(here));
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
