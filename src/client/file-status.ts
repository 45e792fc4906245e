/**
 * What clients are told of a file or directory, in plain names.
 */
import type { understudy } from '#proto/understudy.js';

/** Whether the contents are in the under store. */
export type PersistenceState = 'NOT_PERSISTED' | 'TO_BE_PERSISTED' | 'PERSISTED' | 'LOST';

export interface FileStatus {
  readonly path: string;
  /** The last component of the path; empty for the root. */
  readonly name: string;
  readonly id: number;
  readonly directory: boolean;
  readonly owner: string;
  readonly group: string;
  /** Permission bits, 0 to 07777. */
  readonly mode: number;
  /** Unix time in milliseconds; likewise the others. */
  readonly createdMs: number;
  readonly modifiedMs: number;
  readonly accessedMs: number;
  /** Bytes; 0 for directories and files that are not complete. */
  readonly length: number;
  readonly blockBytes: number;
  /** A file whose length is known. */
  readonly complete: boolean;
  /** Entries of a directory. */
  readonly childCount: number;
  readonly persistence: PersistenceState;
}

/** In the order of the numbers of `Persistence` in proto/records.proto. */
const PERSISTENCE: readonly PersistenceState[] = ['NOT_PERSISTED', 'TO_BE_PERSISTED', 'PERSISTED', 'LOST'];

/** @returns `inode`, a decoded message, as the file or directory at `path`. */
export function fileStatus(path: string, inode: understudy.Inode.$Properties): FileStatus {
  return {
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    id: inode.id ?? 0,
    directory: inode.directory ?? false,
    owner: inode.owner ?? '',
    group: inode.group ?? '',
    mode: inode.mode ?? 0,
    createdMs: inode.createdMs ?? 0,
    modifiedMs: inode.modifiedMs ?? 0,
    accessedMs: inode.accessedMs ?? 0,
    length: inode.length ?? 0,
    blockBytes: inode.blockBytes ?? 0,
    complete: inode.complete ?? false,
    childCount: inode.childCount ?? 0,
    persistence: PERSISTENCE[inode.persistence ?? 0] ?? 'NOT_PERSISTED',
  };
}

/** @returns the path of the entry `name` in the directory at `parent`. */
export function childPath(parent: string, name: string): string {
  return parent.endsWith('/') ? `${parent}${name}` : `${parent}/${name}`;
}
