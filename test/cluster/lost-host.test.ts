/**
 * The leader's whole host goes: no connection is closed, none is refused, there is only silence.
 */
import { expect, test } from 'vitest';
import { closedWithTest } from '../servers/closed-with-test.js';
import { describeAsRoot } from '../servers/describe-as-root.js';
import { NetworkHost } from '../servers/network-host.js';
import { TcpProxy } from '../servers/tcp-proxy.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper } from '../servers/zookeeper.js';
import { Cluster, ELECTION_TIMEOUT_MS } from './cluster.js';
import { Load } from './load.js';

const TAKEOVER_LIMIT_MS = 3_000;

describeAsRoot('a lost host', () => {
  for (const fate of ['is gone', 'is cut off, and comes back'] as const) {
    test(`leader's host ${fate}: another leads once its session has ended, no request fails, nothing is lost`, async () => {
      await using zooKeeper = await startZooKeeper(1);
      const host = closedWithTest(new NetworkHost());
      // Its side of ZooKeeper goes with the cable.
      await using proxy = await TcpProxy.start(zooKeeper.connectString, host.gateway);
      const zookeeper = `${zooKeeper.connectString}/lost-host`;
      const place = (index: number) => (index === 0 ? { host: host.address, wrapper: host.wrapper } : { host: host.gateway });
      const cluster = await Cluster.prepare({ masters: 3, zookeeper, place });
      await cluster.format();
      const lost = cluster.master(0);
      await lost.start({ 'zookeeper.address': `${proxy.address}/lost-host` });
      await cluster.leader([lost]);
      const others = cluster.others(lost);
      await Promise.all(others.map((master) => master.start()));
      const load = await Load.start(await cluster.client(), 64);
      await load.progress(500);

      const lostAt = performance.now();
      host.unplug();
      if (fate === 'is gone') await lost.end('SIGKILL');
      await load.progress(500);
      const gapMs = load.longestGapMs(lostAt);
      expect(gapMs).toBeLessThan(ELECTION_TIMEOUT_MS + TAKEOVER_LIMIT_MS);
      console.log(`host ${fate}: ${gapMs} ms to the next acknowledged write, of which ${ELECTION_TIMEOUT_MS} are the session`);
      if (fate !== 'is gone') {
        host.plug();
        await waitUntil('it follows its successor', async () => (await lost.status().catch(() => undefined))?.state === 'PASSIVE');
      }
      await load.stop();
      await load.expectAllThere();
      expect(new Set(await cluster.digests(fate === 'is gone' ? others : cluster.masters)).size).toBe(1);
    });
  }
});
