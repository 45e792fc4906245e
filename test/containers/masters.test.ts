/**
 * The leader's host is killed, stopped, and taken off the network, under load, with the journal on a folder that all masters share and on S3.
 */
import { expect, test } from 'vitest';
import { statusOf } from '../cluster/ask-master.js';
import { Load } from '../cluster/load.js';
import { waitUntil } from '../servers/wait-until.js';
import { ContainerCluster, type JournalKind, SESSION_MS } from './container-cluster.js';
import { describeInContainers } from './engine.js';
import type { Host } from './host.js';

const LIMIT_MS = 120_000;
/** What design.md promises beside the session is half a second, on a machine that does nothing else. */
const TAKEOVER_LIMIT_MS = 3_000;

const FATES: Readonly<Record<string, { begin(host: Host): Promise<void>; end(host: Host): Promise<void> }>> = {
  'is killed, and started again': { begin: (host) => host.kill(), end: (host) => host.start() },
  'is stopped for longer than its session, and goes on': { begin: (host) => host.pause(), end: (host) => host.resume() },
  'is taken off the network, and put back': { begin: (host) => host.unplug(), end: (host) => host.plug() },
};

describeInContainers('masters in containers', () => {
  for (const journal of ['folder', 's3'] satisfies JournalKind[]) {
    for (const [name, fate] of Object.entries(FATES)) {
      test(`journal on ${journal}: the leader's host ${name}`, { timeout: LIMIT_MS }, async () => {
        const cluster = await ContainerCluster.start(journal);
        const load = await Load.start(await cluster.client(), 16);
        await load.progress(200);
        const old = await cluster.leader();
        const { epoch } = await statusOf(old);

        const since = performance.now();
        await fate.begin(old.host);
        const successor = await cluster.leader(cluster.others(old));
        await load.progress(200);
        await waitUntil('its session would have ended', () => performance.now() - since > 1.25 * SESSION_MS);
        await fate.end(old.host);
        await cluster.areUp([old]);
        await load.progress(200);
        await load.stop();

        const gapMs = load.longestGapMs(since);
        console.log(`journal on ${journal}: the leader's host ${name}: ${gapMs} ms without a write, session ${SESSION_MS} ms`);
        expect(gapMs).toBeLessThan(SESSION_MS + TAKEOVER_LIMIT_MS);
        await load.expectAllThere();
        expect(new Set(await cluster.settled()).size).toBe(1);
        expect((await statusOf(successor)).epoch).toBeGreaterThan(epoch);
      });
    }
  }
});
