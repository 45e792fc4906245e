/**
 * The leader cannot reach one kind of host, or is not reached by it, or both, while all else works: packets are dropped, and nobody is told.
 */
import { expect, test } from 'vitest';
import { statusOf } from '../cluster/ask-master.js';
import { waitUntil } from '../servers/wait-until.js';
import { REQUEST_TIMEOUT_MS, sessionOver } from './container-cluster.js';
import { describeInContainers } from './engine.js';
import { DIRECTIONS } from './host.js';
import { LIMIT_MS, LULL_MS, TAKEOVER_LIMIT_MS, Trial } from './trial.js';

/** For so long an elected standby lets a leader be that still serves. */
const YIELD_MS = 10_000;

describeInContainers('leader in a container, cut off from some', () => {
  test('from ZooKeeper only: it is let serve on for a while; then another leads', { timeout: LIMIT_MS }, async () => {
    const trial = await Trial.start('s3');
    const { cluster } = trial;
    for (const direction of DIRECTIONS) {
      const leader = await cluster.leader();
      const { epoch } = await statusOf(leader);
      const gapMs = await trial.gapMs(`the leader is cut off from ZooKeeper (${direction})`, async () => {
        const since = performance.now();
        await leader.host.cutFrom(cluster.zooKeepers, direction);
        await sessionOver(since);
        expect(await statusOf(leader)).toMatchObject({ state: 'ACTIVE', epoch });
        if (direction === 'both') await waitUntil('another leads', async () => (await statusOf(leader)).state !== 'ACTIVE', 2 * YIELD_MS);
        await leader.host.heal();
        await cluster.rolesSettled();
      });
      expect(gapMs).toBeLessThan(TAKEOVER_LIMIT_MS);
    }
    await trial.expectSound();
  });

  test('from the store only: another leads, and it follows', { timeout: LIMIT_MS }, async () => {
    const trial = await Trial.start('s3');
    const { cluster } = trial;
    for (const direction of DIRECTIONS) {
      const leader = await cluster.leader();
      const limitMs = 2 * REQUEST_TIMEOUT_MS + TAKEOVER_LIMIT_MS;
      const gapMs = await trial.gapMs(`the leader is cut off from the store (${direction})`, async () => {
        await leader.host.cutFrom([cluster.store], direction);
        await cluster.leader(cluster.others(leader));
        await leader.host.heal();
        await cluster.rolesSettled();
      });
      expect(gapMs).toBeLessThan(limitMs);
    }
    await trial.expectSound();
  });

  test('from the other masters only: nobody notices', { timeout: LIMIT_MS }, async () => {
    const trial = await Trial.start('s3');
    const { cluster } = trial;
    const leader = await cluster.leader();
    const { epoch } = await statusOf(leader);
    const others = cluster.others(leader).map(({ host }) => host);
    for (const direction of DIRECTIONS) {
      const gapMs = await trial.gapMs(`the leader is cut off from the other masters (${direction})`, async () => {
        const since = performance.now();
        await leader.host.cutFrom(others, direction);
        await sessionOver(since);
        await trial.progress();
        await leader.host.heal();
        await cluster.rolesSettled();
      });
      expect(gapMs).toBeLessThan(LULL_MS);
    }
    expect(await statusOf(leader)).toMatchObject({ state: 'ACTIVE', epoch });
    await trial.expectSound();
  });
});
