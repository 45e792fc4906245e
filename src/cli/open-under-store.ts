/** The storage that a mount names, with the options it was given. */
import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import { type MountOptions, type MountSettings, withMountOptions } from '../config/mount-options.js';
import { LocalUnderStore } from '../underfs/local-under-store.js';
import type { UnderStore } from '../underfs/under-store.js';
import { parseUnderUri } from '../underfs/under-uri.js';
import { s3ConnectionSettings } from './s3-connection-settings.js';

export interface UnderStoreDeps {
  readonly clock: Clock;
  readonly random: Random;
}

/** Opens it; nothing is asked of a bucket yet. @throws as `parseUnderUri`, `LocalUnderStore.open`. */
export async function openUnderStore(
  uri: string,
  options: MountOptions,
  settings: MountSettings,
  deps: UnderStoreDeps,
): Promise<UnderStore> {
  const place = parseUnderUri(uri);
  if (place.scheme === 'file') return await LocalUnderStore.open({ folder: place.folder }, deps);
  const { bucket, prefix } = place;
  const own = withMountOptions(settings, options);
  const connection = s3ConnectionSettings(own, own.underfsS3RequestTimeoutMs);
  const { S3UnderStore } = await import('../underfs/s3-under-store.js');
  return new S3UnderStore({ ...connection, bucket, prefix: prefix === '' ? '' : `${prefix}/` }, deps);
}
