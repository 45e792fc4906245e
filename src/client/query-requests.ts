/** Requests of queries out of plain options. */
import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import type { ClientSettings } from './client-settings.js';
import type { ListOptions, LoadMetadataWhen, StatusOptions } from './file-system-options.js';

/** A request without who asks, and how fresh the answer has to be. */
type Request<Properties> = Omit<Properties, 'freshness' | 'user'>;

/** What of a client's settings counts where a call does not say. */
type Defaults = Pick<ClientSettings, 'loadMetadata' | 'syncIntervalMs'>;

export function getStatusRequest(
  path: string,
  options: StatusOptions,
  defaults: Defaults,
): { path: string; sync: understudy.Sync.$Properties | null; withHeld: boolean } {
  return { path, sync: syncOf(options, defaults), withHeld: options.withHeld ?? false };
}

export function listRequest(
  path: string,
  options: ListOptions,
  startAfter: string,
  defaults: Defaults,
): Request<understudy.ListStatusRequest.$Properties> {
  const { pageEntries, prefix, recursive } = options;
  return {
    path,
    startAfter,
    pageEntries: pageEntries ?? 0,
    prefix: prefix ?? '',
    recursive: recursive ?? false,
    withHeld: options.withHeld ?? false,
    sync: syncOf(options, defaults),
  };
}

/** @param letters of `rwx`. @returns the bits. @throws `invalid_argument`. */
export function accessBits(letters: string): number {
  if (!/^[rwx]*$/.test(letters)) {
    throw new UnderstudyError('invalid_argument', `access is asked for by letters of rwx: wanted=${letters}`, { errno: 'EINVAL' });
  }
  return (letters.includes('r') ? 4 : 0) | (letters.includes('w') ? 2 : 0) | (letters.includes('x') ? 1 : 0);
}

/** In the order of the numbers of `LoadMetadata` in proto/namespace.proto. */
const LOAD_WHEN: readonly LoadMetadataWhen[] = ['ONCE', 'ALWAYS', 'NEVER'];

function syncOf(options: StatusOptions, defaults: Defaults): understudy.Sync.$Properties | null {
  const loadMetadata = options.loadMetadata ?? defaults.loadMetadata;
  const intervalMs = options.syncIntervalMs ?? defaults.syncIntervalMs;
  if (loadMetadata === 'ONCE' && intervalMs === null) return null;
  return { load: LOAD_WHEN.indexOf(loadMetadata), intervalMs };
}
