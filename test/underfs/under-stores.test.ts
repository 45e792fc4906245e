/** Mounted storage of every kind: in memory, in a folder, on S3 servers of two makes. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { LocalUnderStore } from '../../src/underfs/local-under-store.js';
import { MemoryUnderFiles } from '../../src/underfs/memory-under-store.js';
import { S3UnderStore } from '../../src/underfs/s3-under-store.js';
import { underStoreContract } from '../contract/under-store-contract.js';
import { CREDENTIALS, type S3Make, type S3Server, startS3 } from '../servers/s3.js';

underStoreContract('a tree in memory', async () => new MemoryUnderFiles().open());

underStoreContract('a folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-under-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return await LocalUnderStore.open({ folder }, { random: systemRandom });
});

for (const make of ['versitygw', 'minio'] as const satisfies S3Make[]) {
  describe(make, () => {
    let server: S3Server;
    let next = 0;
    beforeAll(async () => {
      server = await startS3({ make });
      await server.createBucket('mounted');
    }, 60_000);
    afterAll(() => server.close());

    underStoreContract(`a bucket on ${make}`, async () => {
      const place = { bucket: 'mounted', prefix: `deep/${next++}/`, endpoint: server.endpoint, region: 'us-east-1', pathStyle: true };
      return new S3UnderStore(
        { ...place, credentials: CREDENTIALS, requestTimeoutMs: 10_000 },
        { clock: systemClock, random: systemRandom },
      );
    });
  });
}
