/** The journal on two S3 servers of different make. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import type { ObjectStore } from '../../src/journal/object-store.js';
import { journalContract, OBJECT_TRAITS } from '../contract/journal-contract.js';
import { type S3Make, type S3Server, startS3 } from '../servers/s3.js';
import { newPrefix, objectWorld, openStore } from './object-worlds.js';

const BUCKET = 'journals';
const ROUNDS = 8;
const RACERS = 20;

for (const make of ['versitygw', 'minio'] as const satisfies S3Make[]) {
  describe(make, () => {
    let server: S3Server;
    beforeAll(async () => {
      server = await startS3({ make });
      await server.createBucket(BUCKET);
    }, 60_000);
    afterAll(() => server.close());

    journalContract(
      `object journal on ${make}`,
      () => objectWorld({ endpoint: server.endpoint, bucket: BUCKET, prefix: newPrefix() }),
      OBJECT_TRAITS,
    );

    test(`object store on ${make}: ${RACERS} create one object at once, one wins and its bytes stand`, async () => {
      const stores = Array.from({ length: RACERS }, () => openStore({ endpoint: server.endpoint, bucket: BUCKET, prefix: newPrefix() }));
      const store = stores[0]!;
      for (let round = 0; round < ROUNDS; round++) {
        const key = `race/${round}`;
        const created = await Promise.all(Array.from({ length: RACERS }, (_, racer) => createdBy(store, key, racer)));
        const winners = created.flatMap((won, racer) => (won ? [racer] : []));
        expect(winners).toHaveLength(1);
        expect((await store.get(key))?.[0]).toBe(winners[0]);
      }
      await Promise.all(stores.map((one) => one.close()));
    });
  });
}

async function createdBy(store: ObjectStore, key: string, racer: number): Promise<boolean> {
  try {
    await store.create(key, Buffer.alloc(50_000, racer));
    return true;
  } catch (error) {
    expect(isError(error, 'already_exists') || isError(error, 'outcome_unknown'), String(error)).toBe(true);
    return false;
  }
}
