/**
 * What `fs stat` prints: everything, or what a format asks for.
 */
import type { FileStatus } from '../../client/file-status.js';
import { formatAclEntry } from '../../metadata/acl-text.js';
import { formatMode } from '../../metadata/mode-text.js';
import { heldPercent, shownName } from './ls-format.js';

/** What each letter behind a `%` stands for, with its line of help. Letters that Alluxio and Hadoop both have mean what they mean in Alluxio. */
const FIELDS: Readonly<Record<string, { help: string; of: (status: FileStatus) => string }>> = {
  N: { help: 'name', of: ({ name }) => name },
  n: { help: 'path', of: ({ path }) => path },
  i: { help: 'inode id', of: ({ id }) => String(id) },
  F: { help: 'type', of: ({ directory }) => (directory ? 'directory' : 'regular file') },
  z: { help: 'length in bytes', of: ({ length }) => String(length) },
  b: { help: 'number of blocks', of: (status) => String(blockCount(status)) },
  o: { help: 'block size in bytes', of: ({ blockBytes }) => String(blockBytes) },
  u: { help: 'owner', of: ({ owner }) => owner },
  g: { help: 'group', of: ({ group }) => group },
  a: { help: 'permissions in octal', of: ({ mode }) => mode.toString(8) },
  A: { help: 'permissions as ls shows them', of: (status) => formatMode(status) },
  y: { help: 'modification time, UTC', of: ({ modifiedMs }) => utc(modifiedMs) },
  Y: { help: 'modification time, Unix milliseconds', of: ({ modifiedMs }) => String(modifiedMs) },
  x: { help: 'access time, UTC', of: ({ accessedMs }) => utc(accessedMs) },
  X: { help: 'access time, Unix milliseconds', of: ({ accessedMs }) => String(accessedMs) },
  c: { help: 'creation time, UTC', of: ({ createdMs }) => utc(createdMs) },
  C: { help: 'creation time, Unix milliseconds', of: ({ createdMs }) => String(createdMs) },
  p: { help: 'persistence', of: ({ persistence }) => persistence },
  P: { help: 'pinned: true or false', of: ({ pinned }) => String(pinned) },
  r: { help: 'replication, at least', of: ({ replicationMin }) => String(replicationMin) },
  R: { help: 'replication, at most; 0: as many as there are', of: ({ replicationMax }) => String(replicationMax) },
  t: { help: 'TTL, milliseconds from the creation; -1: none', of: ({ ttl }) => String(ttl?.ttlMs ?? -1) },
  T: { help: 'what happens then: DELETE or FREE', of: ({ ttl }) => ttl?.action ?? 'NONE' },
  U: { help: 'place in the under store', of: ({ underUri }) => underUri ?? '' },
  '%': { help: 'a percent sign', of: () => '%' },
};

export const STAT_FORMAT_HELP = `
In FORMAT:
${Object.entries(FIELDS)
  .map(([letter, { help }]) => `  %${letter}  ${help}`)
  .join('\n')}`;

/** @returns `format` with every `%` and its letter replaced; what no letter is stays as it is. */
export function formatStat(format: string, status: FileStatus): string {
  return format.replace(/%(.)/gu, (asWritten, letter: string) => FIELDS[letter]?.of(status) ?? asWritten);
}

/** @returns all there is to know, one line each; what few have, where they have it. */
export function formatStatus(status: FileStatus): string {
  const { path, id, directory, owner, group, createdMs, modifiedMs, accessedMs, length, blockBytes, complete, childCount } = status;
  const lines: readonly (readonly [string, string | number])[] = [
    ['id', id],
    ['owner', owner],
    ['group', group],
    ['mode', `${formatMode(status)} (${status.mode.toString(8).padStart(4, '0')})`],
    ['created', utc(createdMs)],
    ['modified', utc(modifiedMs)],
    ['accessed', utc(accessedMs)],
    ...(directory
      ? ([['entries', childCount]] as const)
      : ([
          ['length', length],
          ['blocks', `${blockCount(status)} of ${blockBytes} bytes`],
          ['complete', complete ? 'yes' : 'no'],
          ['at workers', `${heldPercent(status)}%`],
        ] as const)),
    ['persistence', status.persistence],
    ...moreLines(status),
  ];
  return [
    `${shownName(path)} is a ${directory ? 'directory' : 'file'} path.`,
    ...lines.map(([name, value]) => `  ${`${name}:`.padEnd(13)}${value}`),
  ].join('\n');
}

function* moreLines(status: FileStatus): Generator<readonly [string, string | number]> {
  const { pinned, replicationMin, replicationMax, ttl, quota, acl, hasXattrs, lease, mountId, underUri = '', persistTrouble = '' } = status;
  if (pinned) yield ['pinned', 'yes'];
  if (replicationMin > 0 || replicationMax > 0) yield ['replication', `${replicationMin} to ${replicationMax || 'any number'}`];
  if (ttl !== null) yield ['expires', `${utc(ttl.expiresMs)} (${ttl.action})`];
  if (quota !== null) yield ['quota', `${quota.namesMax || 'any number of'} names, ${quota.bytesMax || 'any number of'} bytes`];
  if (acl.length > 0) yield ['acl', acl.map(formatAclEntry).join(',')];
  if (hasXattrs) yield ['attributes', 'yes'];
  if (lease !== null) yield ['writer', `client ${lease.clientId}, ${lease.blocks} blocks`];
  if (mountId !== 0) yield ['mount', mountId];
  if (underUri !== '') yield ['under store', underUri];
  if (persistTrouble !== '') yield ['in the way', persistTrouble];
}

function blockCount({ length, blockBytes }: FileStatus): number {
  return blockBytes === 0 ? 0 : Math.ceil(length / blockBytes);
}

/** @returns `2026-11-21 08:00:06`. */
function utc(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 19).replace('T', ' ');
}
