/**
 * Lines of `fs ls`, column by column as `alluxio fs ls` prints them.
 */
import type { FileStatus } from '../../client/file-status.js';
import { formatMode } from '../../metadata/mode-text.js';

/** Alluxio's words for the times that can be shown. */
export const TIMESTAMPS = ['createdTime', 'lastModificationTime', 'lastAccessTime'] as const;
export type Timestamp = (typeof TIMESTAMPS)[number];

/** @param human sizes of files as `1.50MB` instead of bytes. */
export function formatLsLine(status: FileStatus, human: boolean, timestamp: Timestamp = 'lastModificationTime'): string {
  const { directory, length, childCount, persistence, owner, group, path, acl } = status;
  const size = directory ? String(childCount) : human ? formatBytes(length) : String(length);
  const held = directory ? 'DIR' : `${heldPercent(status)}%`;
  // As `ls` marks what more than the mode decides about.
  const mode = formatMode(status) + (acl.length > 0 ? '+' : '');
  const columns = [
    `${mode.padEnd(12)}${owner.padEnd(15)}${group.padEnd(15)}${size.padStart(15)}${persistence.padStart(16)}`,
    formatTime(timeOf(status, timestamp)),
    held.padStart(4),
    shownName(path).padEnd(5),
  ];
  return columns.join(' ');
}

/** How much of a file workers hold, as Alluxio rounds it; of an empty one all, and of one that is being cut no more than that. */
export function heldPercent({ directory, length, heldBytes = 0 }: Pick<FileStatus, 'directory' | 'length' | 'heldBytes'>): number {
  if (directory) return 0;
  return length === 0 ? 100 : Math.min(100, Math.floor((100 * heldBytes) / length));
}

/** @returns local time as `11-21-2026 08:00:06:671`. */
export function formatTime(unixMs: number): string {
  const at = new Date(unixMs);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${two(at.getMonth() + 1)}-${two(at.getDate())}-${String(at.getFullYear()).padStart(4, '0')}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}:${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** @returns `5120B`, `5.00KB`: the next unit from five of it. */
export function formatBytes(bytes: number): string {
  if (bytes <= 5 * 1024) return `${bytes}B`;
  let value = bytes / 1024;
  for (const unit of ['KB', 'MB', 'GB', 'TB']) {
    if (value <= 5 * 1024) return `${value.toFixed(2)}${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(2)}PB`;
}

/** @returns a path as one line of text: control characters, which a name may hold, as `\012`. */
export function shownName(path: string): string {
  return path.replace(/\p{Cc}/gu, (letter) => `\\${(letter.codePointAt(0) ?? 0).toString(8).padStart(3, '0')}`);
}

function timeOf({ createdMs, modifiedMs, accessedMs }: FileStatus, timestamp: Timestamp): number {
  return { createdTime: createdMs, lastModificationTime: modifiedMs, lastAccessTime: accessedMs }[timestamp];
}
