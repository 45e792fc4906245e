/**
 * Storage that fills up or turns read-only under a running journal. Needs root, and Linux. Undone when this process ends, at the latest.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { undoneAtExit } from './undone-at-exit.js';

/** A file system of its own, in memory, small enough to be filled. */
export class SmallDisk {
  readonly folder: string;
  /** Idempotent. */
  readonly close: () => void;

  /** @param below a folder that has room for the mount point. */
  constructor(megabytes: number, below = tmpdir()) {
    const folder = mkdtempSync(path.join(below, 'understudy-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'understudy-test', folder]);
    this.folder = folder;
    this.close = undoneAtExit(() => {
      execFileSync('umount', ['--lazy', folder]);
      rmdirSync(folder);
    });
  }

  /** Takes all the room but so much. */
  fill(leaveBytes: number): void {
    fillDisk(this.folder, leaveBytes);
  }

  /** Gives the room back. */
  clear(): void {
    clearDisk(this.folder);
  }
}

/** Takes all the room but so much of the file system at `folder`. */
export function fillDisk(folder: string, leaveBytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  try {
    writeFileSync(fillerOf(folder), Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
  } catch (error) {
    // Others write meanwhile: then it is full all the same.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}

/** Gives the room back. */
export function clearDisk(folder: string): void {
  rmSync(fillerOf(folder), { force: true });
}

function fillerOf(folder: string): string {
  return path.join(folder, 'filler');
}

/** Makes `folder` and all in it unwritable, for processes that have its files open too. */
export class Unwritable {
  /** Idempotent. */
  readonly close: () => void;

  constructor(folder: string) {
    execFileSync('chattr', ['-R', '+i', folder]);
    this.close = undoneAtExit(() => {
      if (existsSync(folder)) execFileSync('chattr', ['-R', '-i', folder]);
    });
  }
}
