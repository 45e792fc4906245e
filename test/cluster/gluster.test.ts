/** Masters on two hosts: real processes whose journal is on a GlusterFS volume with default options, mounted twice. */
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeOnGluster } from '../servers/describe-on-gluster.js';
import { GlusterVolume } from '../servers/gluster.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { Cluster, type ClusterOptions } from './cluster.js';
import { Load } from './load.js';
import type { MasterProcess } from './master-process.js';

const WRITERS = 64;
const KILLS = 4;

describeOnGluster('masters on two mounts', () => {
  let volume: GlusterVolume;
  let zookeeper: ZooKeeperEnsemble;
  beforeAll(async () => {
    [volume, zookeeper] = await Promise.all([GlusterVolume.start(), startZooKeeper()]);
  });
  afterAll(() => Promise.all([volume.close(), zookeeper.close()]));

  /** Masters alternate between the mounts. */
  function start(name: string, options: Omit<ClusterOptions, 'journal' | 'place'>): Promise<Cluster> {
    const [first, ...rest] = volume.mounts.map((mount) => path.join(mount, name)) as [string, string];
    const journals = [first, ...rest];
    return Cluster.start({ ...options, journal: first, place: (index) => ({ journal: journals[index % journals.length] ?? first }) });
  }

  test('leader: killed under load again and again, a master on the other mount takes over with everything acknowledged', async () => {
    const cluster = await start('killed', { masters: 2, zookeeper: `${zookeeper.connectString}/killed` });
    const load = await Load.start(await cluster.client(), WRITERS);
    const gapsMs: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      await load.progress(300);
      const leader = await cluster.leader();
      for (const standby of cluster.others(leader)) await fed(standby); // who is fed notices a death at once
      const killedAt = performance.now();
      await leader.end('SIGKILL');
      await load.progress(300);
      gapsMs.push(load.longestGapMs(killedAt));
      expect(await cluster.leader()).not.toBe(leader);
      leader.stderr = '';
      await leader.start();
    }
    await load.stop();

    await load.expectAllThere();
    expect(new Set(await cluster.digests()).size).toBe(1);
    console.log(`SIGKILL to the next acknowledged write on GlusterFS: ${gapsMs.join(', ')} ms`);
  });

  /** Waits until the standby has the leader's stream. */
  function fed(standby: MasterProcess): Promise<void> {
    return waitUntil(`${standby.address} is fed by the leader`, () => standby.stderr.includes('fed by the leader leader='));
  }

  test('leader: stopped until one on the other mount leads and continued, is fenced; the election is kept beside the journal', async () => {
    const cluster = await start('stopped', { masters: 2 });
    const load = await Load.start(await cluster.client(), WRITERS);
    await load.progress(300);
    const old = await cluster.leader();
    old.signal('SIGSTOP');
    const [successor] = cluster.others(old);
    expect(await cluster.leader(cluster.others(old))).toBe(successor);
    await load.progress(300);
    old.signal('SIGCONT');
    await load.progress(300);
    await load.stop();

    await load.expectAllThere();
    expect(new Set(await cluster.digests()).size).toBe(1);
    expect(old.stderr).toMatch(/role changed from=leading to=yielding .*fenced/);
  });
});
