/** The directory journal on a GlusterFS volume that is mounted twice: handles alternate between the mounts, as masters on two hosts would. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { isLocalFolder } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { journalContract } from '../contract/journal-contract.js';
import { describeOnGluster, GlusterVolume } from '../servers/gluster.js';

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
  journalContract('directory journal on two mounts', async () => {
    const name = `journal-${++folders}`;
    const settings = { segmentBytes: 40 << 10, batchBytesMax: 32 << 10, pollIntervalMs: 5, freeBytesReserve: 0 };
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
  });
});
