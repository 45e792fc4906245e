/** Where under stores are mounted. */
import type { understudy } from '#proto/understudy.js';

export interface MountPoint {
  readonly path: string;
  /** Number of the mount, from 1. */
  readonly id: number;
  /** Of the under store: `file:///…`, `s3://bucket/prefix`. */
  readonly uri: string;
  /** Values of secret options are left out. */
  readonly options: Readonly<Record<string, string>>;
  readonly readOnly: boolean;
  /** Users other than the superuser may use what is mounted. */
  readonly shared: boolean;
  readonly mountedMs: number;
  /** Changes that the under store has yet to see. */
  readonly queued: number;
  /** Why it did not take the next of them, in words for people; empty: nothing has failed, or no leader told. */
  readonly trouble: string;
  /** Changes that it has refused for good: it differs from the namespace there (`checkConsistency`). */
  readonly refused: number;
}

export function mountPoint({ path, mount, queued, trouble }: understudy.MountPoint.$Properties): MountPoint {
  const { id, uri, options, readOnly, shared, mountedMs, workRefused } = mount ?? {};
  return {
    path: path ?? '',
    id: id ?? 0,
    uri: uri ?? '',
    options: Object.fromEntries((options ?? []).map(({ key, value }) => [key ?? '', value ?? ''])),
    readOnly: readOnly ?? false,
    shared: shared ?? false,
    mountedMs: mountedMs ?? 0,
    queued: queued ?? 0,
    trouble: trouble ?? '',
    refused: workRefused ?? 0,
  };
}
