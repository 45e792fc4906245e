/**
 * A file or directory as JSON: of the commands of `fs` with `--json`, and over HTTP. The keys are a promise to scripts: they stay, and others may be added.
 */

import { formatAclEntry } from '../metadata/acl-text.js';
import type { FileStatus } from './file-status.js';

export const STATUS_SHAPE =
  '{path, name, id, type: "file" | "directory", owner, group, mode: four octal digits, length, blockBytes, complete, childCount, persistence, ' +
  'createdMs, modifiedMs, accessedMs, pinned, replicationMin, replicationMax, ttl: null | {ttlMs, expiresMs, action}, ' +
  'quota: null | {namesMax, bytesMax}, acl: [text of an entry], hasXattrs, mountPoint, underUri: null | text, heldBytes: by workers, where that was asked for}';

export function statusJson(status: FileStatus) {
  const { path, name, id, directory, owner, group, mode, length, blockBytes, complete, childCount, persistence } = status;
  const {
    createdMs,
    modifiedMs,
    accessedMs,
    pinned,
    replicationMin,
    replicationMax,
    ttl,
    quota,
    acl,
    hasXattrs,
    mountId,
    underUri,
    heldBytes,
  } = status;
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
    ...(heldBytes === undefined ? {} : { heldBytes }),
  };
}

/** @returns four digits. */
export const octal = (mode: number): string => mode.toString(8).padStart(4, '0');
