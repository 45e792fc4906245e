/**
 * Who runs this process.
 */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

/** @returns the user's name; the number of one that has none, as in some containers. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}

/** @returns the name of this process's primary group, empty where it cannot be told. */
export function groupName(): string {
  const gid = String(process.getgid?.() ?? '');
  try {
    const lines = readFileSync('/etc/group', 'utf8').split('\n');
    return lines.map((line) => line.split(':')).find((fields) => fields[2] === gid)?.[0] ?? '';
  } catch {
    return '';
  }
}
