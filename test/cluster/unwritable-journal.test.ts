/**
 * Journals that cannot be written for a while: changes are refused with the reason, reads go on, service returns by itself.
 */
import { expect, test } from 'vitest';
import { type FileSystem, isError } from '../../src/cli/understudy.js';
import { closedWithTest } from '../servers/closed-with-test.js';
import { describeAsRoot } from '../servers/describe-as-root.js';
import { SmallDisk, Unwritable } from '../servers/storage.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import { Load } from './load.js';

const MEGABYTE = 1 << 20;
/** Segments as small as they can be. */
const SMALL_SEGMENTS = { 'master.journal.log.size.bytes.max': '1MB', 'master.journal.batch.size.max': '64KB' };

describeAsRoot('a journal that cannot be written', () => {
  test('journal below its reserve of space: changes are refused with the reason until there is room', async () => {
    const disk = closedWithTest(new SmallDisk(32));
    const settings = { ...SMALL_SEGMENTS, 'master.journal.free.space.reserve': '8MB' };
    const cluster = await Cluster.start({ masters: 2, journal: `${disk.folder}/journal`, settings });
    const fs = await cluster.client();
    await fs.createFile('/before', { completeLength: 0 });
    const leader = await cluster.leader();
    const { epoch } = await leader.status();

    disk.fill(4 * MEGABYTE);
    await refused(fs, /out of space.*free=\d+ reserve=8388608/);
    expect(await fs.exists('/before')).toBe(true);
    disk.clear();
    await fs.createFile('/after', { completeLength: 0 });

    expect(await leader.status()).toMatchObject({ state: 'ACTIVE', epoch });
    expect(leader.stderr).toMatch(/WARN {2}the journal is out of space: .*\n.*INFO {2}the journal has room again/);
    expect(new Set(await cluster.digests()).size).toBe(1);
  });

  test('journal whose storage is full: changes are refused with the reason until there is room, and no request under way is lost', async () => {
    const disk = closedWithTest(new SmallDisk(32));
    const settings = { ...SMALL_SEGMENTS, 'master.journal.free.space.reserve': '0' };
    const cluster = await Cluster.start({ masters: 2, journal: `${disk.folder}/journal`, settings });
    const fs = await cluster.client();
    const load = await Load.start(fs, 16);
    await load.progress(100);

    disk.fill(0);
    await refused(await cluster.client(), /ENOSPC/);
    expect(await fs.exists(load.folder)).toBe(true);
    disk.clear();
    await load.progress(100);
    await load.stop();

    await load.expectAllThere();
    expect(new Set(await cluster.digests()).size).toBe(1);
  });

  test('journal turned read-only: changes are refused with the reason until it is writable, and no request under way is lost', async () => {
    const cluster = await Cluster.start({ masters: 2 });
    const fs = await cluster.client();
    const load = await Load.start(fs, 16);
    await load.progress(100);
    const leader = await cluster.leader();

    const locked = closedWithTest(new Unwritable(cluster.journal));
    await refused(await cluster.client(), /EPERM|EROFS/);
    expect(await fs.exists(load.folder)).toBe(true);
    expect((await leader.status()).reason).toMatch(/EPERM|EROFS/);
    locked.close();
    await load.progress(100);
    await load.stop();
    await load.expectAllThere();
    expect(new Set(await cluster.digests()).size).toBe(1);
  });
});

/** Waits until a change is refused, for this reason. */
async function refused(fs: FileSystem, reason: RegExp): Promise<void> {
  let told: unknown;
  let tries = 0;
  const isRefused = async () => {
    told = await fs.createFile(`/try-${++tries}`, { timeoutMs: 500 }).catch((error: unknown) => error);
    return isError(told, 'unavailable') && reason.test(told.message);
  };
  await waitUntil(`changes are refused: ${reason}`, isRefused, 20_000).catch((cause: unknown) => {
    throw new Error(`the last answer was ${told}`, { cause });
  });
}
