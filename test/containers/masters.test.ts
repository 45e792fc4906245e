/**
 * The leader's host is killed, stopped, and taken off the network, under load, with the journal on a folder that all masters share and on S3.
 */
import { expect, test } from 'vitest';
import { statusOf } from '../cluster/ask-master.js';
import { type JournalKind, SESSION_MS, sessionOver } from './container-cluster.js';
import { describeInContainers } from './engine.js';
import type { Host } from './host.js';
import { LIMIT_MS, TAKEOVER_LIMIT_MS, Trial } from './trial.js';

const FATES: Readonly<Record<string, { begin(host: Host): Promise<void>; end(host: Host): Promise<void> }>> = {
  'is killed, and started again': { begin: (host) => host.kill(), end: (host) => host.start() },
  'is stopped for longer than its session, and goes on': { begin: (host) => host.pause(), end: (host) => host.resume() },
  // Where the journal is a folder it can still be written, and only the fence keeps the two leaders apart.
  'is taken off the network, and put back': { begin: (host) => host.unplug(), end: (host) => host.plug() },
};

describeInContainers('the host of the leader', () => {
  for (const journal of ['folder', 's3'] satisfies JournalKind[]) {
    test(`journal on ${journal}: ${Object.keys(FATES).join('; ')}: another leads, and it follows`, { timeout: LIMIT_MS }, async () => {
      const trial = await Trial.start(journal);
      const { cluster } = trial;
      for (const [fate, { begin, end }] of Object.entries(FATES)) {
        const old = await cluster.leader();
        const { epoch } = await statusOf(old);
        const gapMs = await trial.gapMs(`journal on ${journal}, the leader's host ${fate}`, async () => {
          const since = performance.now();
          await begin(old.host);
          const successor = await cluster.leader(cluster.others(old));
          expect((await statusOf(successor)).epoch).toBeGreaterThan(epoch);
          await sessionOver(since);
          await end(old.host);
          await cluster.rolesSettled();
        });
        expect(gapMs).toBeLessThan(SESSION_MS + TAKEOVER_LIMIT_MS);
      }
      await trial.expectSound();
    });
  }
});
