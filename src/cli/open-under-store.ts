/**
 * The storage that a mount names, with the options it was given. What masters and workers themselves live on is none: whoever may remove what is
 * mounted would remove the journal, or blocks.
 */
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { type MountOptions, type MountSettings, withMountOptions } from '../config/mount-options.js';
import type { Settings } from '../config/settings.js';
import { LocalUnderStore } from '../underfs/local-under-store.js';
import type { UnderStore } from '../underfs/under-store.js';
import { canonicalUri, containsUri, parseUnderUri } from '../underfs/under-uri.js';
import { s3ConnectionSettings } from './s3-connection-settings.js';
import { directoriesOf } from './worker-settings.js';

export interface UnderStoreDeps {
  readonly clock: Clock;
  readonly random: Random;
}

/** Opens it; nothing is asked of a bucket yet. @throws `invalid_argument`: a master's or worker's own; and as `parseUnderUri`, `LocalUnderStore.open`. */
export async function openUnderStore(uri: string, options: MountOptions, settings: Settings, deps: UnderStoreDeps): Promise<UnderStore> {
  const place = parseUnderUri(uri);
  if (place.scheme === 'file') {
    checkNotOwn(await realPlace(place.folder), await ownFolders(settings), uri);
    return await LocalUnderStore.open({ folder: place.folder }, deps);
  }
  const { bucket, prefix } = place;
  const own = withMountOptions(settings, options);
  // Buckets of one name may be at several places.
  if (endpointOf(own) === endpointOf(settings)) checkNotOwn(canonicalUri(place), ownBuckets(settings), uri);
  const connection = s3ConnectionSettings(own, own.underfsS3RequestTimeoutMs);
  const { S3UnderStore } = await import('../underfs/s3-under-store.js');
  return new S3UnderStore({ ...connection, bucket, prefix: prefix === '' ? '' : `${prefix}/` }, deps);
}

/** @throws `invalid_argument`: `place` is one of `owned`, or lies in or around it. */
function checkNotOwn(place: string, owned: readonly string[], uri: string): void {
  for (const own of owned) {
    if (!containsUri(own, place) && !containsUri(place, own)) continue;
    throw new UnderstudyError('invalid_argument', `masters or workers keep their own files there: uri=${uri} theirs=${own}`);
  }
}

async function ownFolders(settings: Settings): Promise<string[]> {
  const { masterJournalFolder, masterMetastoreDir } = settings;
  const folders = [masterJournalFolder, masterMetastoreDir, ...directoriesOf(settings)].filter((place) => !isBucket(place));
  return await Promise.all(folders.map(realPlace));
}

function ownBuckets({ masterJournalFolder }: Settings): string[] {
  return isBucket(masterJournalFolder) ? [canonicalUri(parseUnderUri(masterJournalFolder))] : [];
}

function isBucket(place: string): boolean {
  return place.includes('://') && parseUnderUri(place).scheme === 's3';
}

/** Links followed; as it is where there is nothing, which opening it finds out. */
async function realPlace(folder: string): Promise<string> {
  return await realpath(folder).catch(() => resolve(folder));
}

function endpointOf({ underfsS3Endpoint }: MountSettings): string {
  return (underfsS3Endpoint ?? '').replace(/\/+$/, '').toLowerCase();
}
