/**
 * FileStatus as Hadoop's JSON has it, as text: listings are made of it by the thousand. Fields stand in the order of their names.
 *
 * A directory has no length, block size, replication and access time. `permission` is octal without a zero in front, and has no setuid and
 * setgid bits; with an access control list its group digit is the mask, and `aclBit` is there.
 */
import type { understudy } from '#proto/understudy.js';

export function fileStatusJson(inode: understudy.Inode.$Properties, name: string): string {
  const isDirectory = inode.directory ?? false;
  const more = inode.more ?? null;
  const acl = more?.acl?.length ? ',"aclBit":true' : '';
  const children = inode.childCount ?? 0;
  const [accessed, block, length] = isDirectory ? [0, 0, 0] : [inode.accessedMs ?? 0, inode.blockBytes ?? 0, inode.length ?? 0];
  const replication = isDirectory ? 0 : Math.max(more?.replicationMin ?? 0, REPLICATION_DEFAULT);
  return (
    `{"accessTime":${accessed}${acl},"blockSize":${block},"childrenNum":${children},"fileId":${inode.id ?? 0},` +
    `"group":${quoted(inode.group ?? '')},"length":${length},"modificationTime":${inode.modifiedMs ?? 0},` +
    `"owner":${quoted(inode.owner ?? '')},"pathSuffix":${quoted(name)},"permission":"${permissionOf(inode.mode)}",` +
    `"replication":${replication},"storagePolicy":0,"type":"${isDirectory ? 'DIRECTORY' : 'FILE'}"}`
  );
}

/** Of a file for which nothing else was asked. */
export const REPLICATION_DEFAULT = 1;
const PERMISSION_BITS = 0o1777;

/** @returns the bits that Hadoop knows, in octal digits. */
export function permissionOf(mode: number | null | undefined): string {
  return ((mode ?? 0) & PERMISSION_BITS).toString(8);
}

const PLAIN = /^[\w .:@+=,;~()/-]*$/;

/** @returns a JSON string. */
function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
