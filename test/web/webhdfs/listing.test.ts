/** Listings larger than one page, told as they are read; and readers who go away amid them. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KvStore } from '../../../src/kv/kv-store.js';
import { ServedNamespace } from '../../client/served-namespace.js';
import { Disk } from '../../master/memory-cluster.js';
import { waitUntil } from '../../servers/wait-until.js';
import { ServedWebHdfs } from './served-web-hdfs.js';

const ENTRIES = 2_050;

/** Counts the snapshots that listings are read from. */
class CountedDisk extends Disk {
  opened = 0;
  live = 0;

  override async open(): Promise<KvStore> {
    const store = await super.open();
    return {
      ...store,
      snapshot: () => {
        const snapshot = store.snapshot();
        this.opened += 1;
        this.live += 1;
        const close = async () => {
          this.live -= 1;
          await snapshot.close();
        };
        return { rows: (range, chunkRows) => snapshot.rows(range, chunkRows), close, [Symbol.asyncDispose]: close };
      },
    };
  }
}

let hdfs: ServedWebHdfs;
const disk = new CountedDisk();
beforeAll(async () => {
  const namespace = new ServedNamespace();
  await namespace.cluster.start('a', disk, { clientsMax: 100 });
  hdfs = await ServedWebHdfs.over(namespace);
  const fs = hdfs.namespace.client();
  await fs.createDirectory('/big');
  for (let at = 0; at < ENTRIES; at += 1_000) {
    const batch = fs.batch();
    for (const name of names().slice(at, at + 1_000)) batch.createFile(`/big/${name}`, { completeLength: 1 });
    await batch.commit();
  }
});
afterAll(() => hdfs[Symbol.asyncDispose]());

const names = () => Array.from({ length: ENTRIES }, (_, index) => `f-${String(index).padStart(5, '0')}`);
const suffixes = (statuses: { FileStatus: { pathSuffix: string }[] }) => statuses.FileStatus.map(({ pathSuffix }) => pathSuffix);

describe('webhdfs: large directories', () => {
  it('are told whole, in order', async () => {
    const { json } = await hdfs.ask('GET /big?op=LISTSTATUS');
    expect(suffixes((json as { FileStatuses: never }).FileStatuses)).toEqual(names());
  });

  it('are told in batches, each with how many follow at least, until none do', async () => {
    const all: string[] = [];
    const remaining: number[] = [];
    do {
      const { json } = await hdfs.ask(`GET /big?op=LISTSTATUS_BATCH&startAfter=${all.at(-1) ?? ''}`);
      const { DirectoryListing } = json as { DirectoryListing: { partialListing: { FileStatuses: never }; remainingEntries: number } };
      all.push(...suffixes(DirectoryListing.partialListing.FileStatuses));
      remaining.push(DirectoryListing.remainingEntries);
    } while (remaining.at(-1) !== 0);
    expect(all).toEqual(names());
    expect(remaining).toEqual([ENTRIES - 1_000, 1, 0]);
  });

  it('a batch of exactly as many as there are says that none follow', async () => {
    const { json } = await hdfs.ask(`GET /big?op=LISTSTATUS_BATCH&startAfter=${names()[ENTRIES - 1_001]}`);
    expect(json).toMatchObject({ DirectoryListing: { remainingEntries: 0 } });
  });

  it('readers who go away amid a listing leave none open', async () => {
    const leave = () =>
      new Promise<void>((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port: hdfs.port(), path: '/webhdfs/v1/big?op=LISTSTATUS' }, (response) => {
          response.on('error', () => {});
          response.once('data', () => response.destroy());
          response.once('close', resolve);
        });
        sent.on('error', reject);
        sent.end();
      });
    await Promise.all(Array.from({ length: 5 }, leave));
    expect(disk.opened).toBeGreaterThan(5);
    await waitUntil('all listings are closed', async () => disk.live === 0, 10_000);
  });
});
