/**
 * A folder of this process's own for what a test's server keeps: gone when it is removed, or when this process ends. What killed processes left, with
 * whatever was mounted there, is removed first.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unmountBelow } from './mounts.js';
import { isOwnerGone, undoneAtExit } from './undone-at-exit.js';

export interface OwnFolder {
  readonly path: string;
  /** Idempotent. */
  remove(): void;
}

/** Where files are kept in memory, where the machine has such a place. */
export function memoryFolder(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}

/** @param kind of letters; the name is `understudy-<kind>-<process id>-…`. */
export function ownFolder(kind: string, below = tmpdir()): OwnFolder {
  const prefix = `understudy-${kind}-`;
  for (const name of readdirSync(below)) if (isOwnerGone(name, prefix)) remove(path.join(below, name));
  const folder = mkdtempSync(path.join(below, `${prefix}${process.pid}-`));
  return { path: folder, remove: undoneAtExit(() => remove(folder)) };
}

function remove(folder: string): void {
  unmountBelow(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}
