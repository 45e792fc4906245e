/**
 * What masters depend on fails: a ZooKeeper server of three, and the store.
 */
import { expect, test } from 'vitest';
import { statusOf } from '../cluster/ask-master.js';
import { sessionOver } from './container-cluster.js';
import { describeInContainers } from './engine.js';
import { LIMIT_MS, LULL_MS, TAKEOVER_LIMIT_MS, Trial } from './trial.js';

describeInContainers('servers in containers', () => {
  test('each ZooKeeper server of three is killed and started again: nobody notices', { timeout: LIMIT_MS }, async () => {
    const trial = await Trial.start('folder');
    const { cluster } = trial;
    const leader = await cluster.leader();
    const { epoch } = await statusOf(leader);
    for (const server of cluster.zooKeepers) {
      const gapMs = await trial.gapMs(`${server.name} of three is killed`, async () => {
        const since = performance.now();
        await server.kill();
        await sessionOver(since);
        await trial.progress();
        await server.start();
        await cluster.serves(server);
      });
      expect(gapMs).toBeLessThan(LULL_MS);
    }
    expect(await statusOf(leader)).toMatchObject({ state: 'ACTIVE', epoch });
    await trial.expectSound();
  });

  test('the S3 server is killed and started again: clear errors, then service', { timeout: LIMIT_MS }, async () => {
    const trial = await Trial.start('s3');
    const { cluster } = trial;
    await using hasty = await cluster.client({ callTimeoutMs: 1_500 });
    let downMs = 0;
    const gapMs = await trial.gapMs('the S3 server is killed', async () => {
      await cluster.store.kill();
      const since = performance.now();
      await expect(hasty.createFile('/while-away', { completeLength: 0 })).rejects.toMatchObject({
        code: expect.stringMatching(/unavailable|deadline_exceeded/),
      });
      await cluster.store.start();
      await cluster.serves(cluster.store);
      downMs = performance.now() - since;
    });
    expect(gapMs).toBeLessThan(downMs + TAKEOVER_LIMIT_MS);
    await trial.expectSound();
  });
});
