/**
 * Lines of `fs ls`, column by column as `alluxio fs ls` prints them.
 */
import type { FileStatus } from '../client/file-status.js';
import { formatMode } from '../metadata/mode-text.js';

/** @param human sizes of files as `1.50MB` instead of bytes. */
export function formatLsLine(status: FileStatus, human: boolean): string {
  const { directory, length, childCount, persistence, modifiedMs, owner, group, path } = status;
  const size = directory ? String(childCount) : human ? formatBytes(length) : String(length);
  // How much of the file workers hold: nothing but the nothing of an empty file.
  const held = directory ? 'DIR' : length === 0 ? '100%' : '0%';
  const columns = [
    `${formatMode(status)}  ${owner.padEnd(15)}${group.padEnd(15)}${size.padStart(15)}${persistence.padStart(16)}`,
    formatTime(modifiedMs),
    held.padStart(4),
    path.padEnd(5),
  ];
  return columns.join(' ');
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
