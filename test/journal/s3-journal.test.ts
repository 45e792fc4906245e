/** The journal on two S3 servers of different make. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import type { JournalWriter } from '../../src/journal/journal.js';
import type { ObjectStore } from '../../src/journal/object-store.js';
import { bytesOf, claim, errorOf, journalContract, OBJECT_TRAITS, readTo, textOf } from '../contract/journal-contract.js';
import { retentionContract } from '../contract/retention-contract.js';
import { closedWithTest } from '../servers/closed-with-test.js';
import { type S3Make, type S3Server, startS3 } from '../servers/s3.js';
import { SmallDisk } from '../servers/storage.js';
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

    const makeWorld = () => objectWorld({ endpoint: server.endpoint, bucket: BUCKET, prefix: newPrefix() });
    journalContract(`object journal on ${make}`, makeWorld, OBJECT_TRAITS);
    retentionContract(`object journal on ${make}`, makeWorld, OBJECT_TRAITS);

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

test('object journal on versitygw: its disk fills up, appends are refused and the writer lives on; with room again all goes on', async () => {
  const disk = closedWithTest(new SmallDisk(16));
  const server = await startS3({ make: 'versitygw', folder: mkdtempSync(join(disk.folder, 'data-')) });
  onTestFinished(() => server.close());
  await server.createBucket(BUCKET);
  await using world = await objectWorld({ endpoint: server.endpoint, bucket: BUCKET, prefix: newPrefix() });
  await using journal = await world.open();
  const { writer } = await claim(journal);
  await writer.append([bytesOf('before')], 1);
  disk.fill(0);
  const full = await errorOf(appendUntilFull(writer));
  expect(isError(full, 'unavailable'), String(full)).toBe(true);
  expect(full.message).toMatch(/is full/);
  expect(writer.dead.aborted).toBe(false);
  await writer.confirm();
  await using other = await world.open();
  expect(isError(await errorOf(claim(other)), 'unavailable')).toBe(true);
  disk.clear();
  await writer.append([bytesOf('after')], 1);
  const log = textOf(await readTo(other, writer.end)).filter((text) => text.length < 100);
  expect([log[0], log[1], log.at(-1)]).toEqual(['claim 1', 'before', 'after']);
});

async function appendUntilFull(writer: JournalWriter): Promise<void> {
  for (let i = 0; i < 2_000; i++) await writer.append([Buffer.alloc(20_000, i)], 1);
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
