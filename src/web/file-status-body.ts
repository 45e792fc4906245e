/** A file or directory as it is told over HTTP: what `fs … --json` prints. */
import { type Static, Type } from 'typebox';
import type { FileStatus as Status } from '../client/file-status.js';
import { statusJson } from '../client/status-json.js';

const text = (description: string) => Type.String({ description });
const whole = (description: string) => Type.Integer({ minimum: 0, description });
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

export const FileStatus = Type.Object({
  path: text('Absolute.'),
  name: text('The last component; empty for the root.'),
  id: whole('Of the inode.'),
  type: Type.Enum(['file', 'directory']),
  owner: text('A user.'),
  group: text('A group.'),
  mode: text('Four octal digits.'),
  length: whole('Bytes; 0 for directories.'),
  blockBytes: whole('Bytes of a block.'),
  complete: Type.Boolean({ description: 'A file whose length is known.' }),
  childCount: whole('Entries of a directory.'),
  persistence: Type.Enum(['NOT_PERSISTED', 'TO_BE_PERSISTED', 'PERSISTED', 'LOST']),
  createdMs: whole('Unix time in milliseconds; likewise the others.'),
  modifiedMs: whole('When it was last changed.'),
  accessedMs: whole('When it was last read.'),
  pinned: Type.Boolean({ description: 'Its blocks are not given up for others.' }),
  replicationMin: whole('Copies of its blocks, at least.'),
  replicationMax: whole('Copies of its blocks, at most; 0: as many as there are.'),
  ttl: orNull(Type.Object({ ttlMs: Type.Integer(), expiresMs: Type.Integer(), action: Type.Enum(['DELETE', 'FREE']) })),
  quota: orNull(Type.Object({ namesMax: Type.Integer(), bytesMax: Type.Number() })),
  acl: Type.Array(Type.String(), { description: 'Entries of the whole access control list; none where the mode says it all.' }),
  hasXattrs: Type.Boolean(),
  mountPoint: Type.Boolean(),
  underUri: orNull(Type.String({ description: 'Where it is, or would be, in an under store.' })),
});

export function statusBody(status: Status): Static<typeof FileStatus> {
  const { quota, ...same } = statusJson(status);
  return { ...same, quota: quota && { ...quota, bytesMax: Number(quota.bytesMax) } } as Static<typeof FileStatus>;
}
