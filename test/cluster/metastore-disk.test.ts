/**
 * The disk of a master's own LevelDB fills up: that master gives the lead away, and returns by itself when there is room.
 */
import { expect, test } from 'vitest';
import { closedWithTest } from '../servers/closed-with-test.js';
import { describeAsRoot } from '../servers/describe-as-root.js';
import { SmallDisk } from '../servers/storage.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import { Load } from './load.js';

describeAsRoot("a metastore's disk", () => {
  test("metastore's disk full: that master yields, another leads, no request fails; with room again it follows from where it stands", async () => {
    const disks = [closedWithTest(new SmallDisk(64)), closedWithTest(new SmallDisk(64))];
    const place = (index: number) => ({ metastore: `${disks[index]?.folder}/metastore` });
    const cluster = await Cluster.start({ masters: 2, place, settings: { 'master.metastore.flush.interval': '10ms' } });
    const load = await Load.start(await cluster.client(), 64);
    await load.progress(500);
    const full = await cluster.leader();
    const others = cluster.others(full);
    const disk = disks[cluster.masters.indexOf(full)] as SmallDisk;

    const fullAt = performance.now();
    disk.fill(0);
    await waitUntil('it has given the lead away', async () => (await full.status()).state === 'PASSIVE');
    expect(full.stderr).toMatch(/ENOSPC|No space left|disk/);
    await cluster.leader(others);
    await load.progress(500);
    console.log(`metastore's disk full: ${load.longestGapMs(fullAt)} ms to the next acknowledged write`);
    disk.clear();
    await waitUntil('it is well again', async () => (await full.status()).reason === '');
    await load.progress(200);
    await load.stop();
    await load.expectAllThere();
    expect(new Set(await cluster.digests()).size).toBe(1);
  });
});
