/**
 * A file or directory as the commands of `fs` print it with `--json`. The keys are a promise to scripts: they stay, and others may be added.
 */
import type { FileStatus } from '../../client/file-status.js';
import { formatAclEntry } from '../../metadata/acl-text.js';

export const STATUS_SHAPE =
  '{path, name, id, type: "file" | "directory", owner, group, mode: four octal digits, length, blockBytes, complete, childCount, persistence, ' +
  'createdMs, modifiedMs, accessedMs, pinned, replicationMin, replicationMax, ttl: null | {ttlMs, expiresMs, action}, ' +
  'quota: null | {namesMax, bytesMax}, acl: [text of an entry], hasXattrs, mountPoint, underUri: null | text}';

export function statusJson(status: FileStatus) {
  const { path, name, id, directory, owner, group, mode, length, blockBytes, complete, childCount, persistence } = status;
  const { createdMs, modifiedMs, accessedMs, pinned, replicationMin, replicationMax, ttl, quota, acl, hasXattrs, mountId, underUri } =
    status;
  return {
    path,
    name,
    id,
    type: directory ? 'directory' : 'file',
    owner,
    group,
    mode: octal(mode),
    length,
    blockBytes,
    complete,
    childCount,
    persistence,
    createdMs,
    modifiedMs,
    accessedMs,
    pinned,
    replicationMin,
    replicationMax,
    ttl: ttl === null ? null : { ttlMs: ttl.ttlMs, expiresMs: ttl.expiresMs, action: ttl.action },
    quota: quota === null ? null : { namesMax: quota.namesMax, bytesMax: quota.bytesMax },
    acl: acl.map(formatAclEntry),
    hasXattrs,
    mountPoint: mountId !== 0,
    underUri: underUri || null,
  };
}

/** @returns four digits. */
export const octal = (mode: number): string => mode.toString(8).padStart(4, '0');
