/** The storage that files are written through to: a folder on a small disk, or a bucket beside the journal's. */
import { mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { LocalUnderStore } from '../../src/underfs/local-under-store.js';
import { S3UnderStore } from '../../src/underfs/s3-under-store.js';
import type { UnderStore } from '../../src/underfs/under-store.js';
import { CREDENTIALS, type S3Server } from '../servers/s3.js';
import { SmallDisk } from '../servers/storage.js';

const MEGABYTES = 128;
const BUCKET = 'files';
const REQUEST_TIMEOUT_MS = 10_000;

export interface MountedStorage {
  readonly uri: string;
  /** As it is; the caller's to close. */
  open(): Promise<UnderStore>;
  /** Of a disk of its own; absent where it has none. */
  readonly disk?: SmallDisk;
  /** @returns what brings it back; absent where it goes with its server. */
  takeAway?(): () => void;
  close(): void;
}

/** @param below a folder for the disk. */
export function mountedFolder(below: string): MountedStorage {
  const disk = new SmallDisk(MEGABYTES, below);
  const folder = path.join(disk.folder, 'files');
  mkdirSync(folder);
  return {
    uri: `file://${folder}`,
    open: () => LocalUnderStore.open({ folder }, { random: systemRandom }),
    disk,
    takeAway: () => {
      const away = `${folder}-away`;
      renameSync(folder, away);
      return () => renameSync(away, folder);
    },
    close: () => disk.close(),
  };
}

export async function mountedBucket(server: S3Server): Promise<MountedStorage> {
  await server.createBucket(BUCKET);
  const place = { bucket: BUCKET, prefix: '', endpoint: server.endpoint, region: 'us-east-1', pathStyle: true };
  const settings = { ...place, credentials: CREDENTIALS, requestTimeoutMs: REQUEST_TIMEOUT_MS };
  return {
    uri: `s3://${BUCKET}`,
    open: async () => new S3UnderStore(settings, { clock: systemClock, random: systemRandom }),
    close: () => {},
  };
}
