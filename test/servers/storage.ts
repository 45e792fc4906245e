/**
 * Storage that fills up or turns read-only under a running journal. Needs root, and Linux. Undone when this process ends, at the latest.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, rmdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { undoneAtExit } from './undone-at-exit.js';

/** Of what fills a disk; what is set aside has to find its room at once, which others may take meanwhile. */
const WRITTEN_BYTES = 16 << 20;

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

/** Takes all the room but so much of the file system at `folder`; in a moment: most of it is set aside, not written. */
export function fillDisk(folder: string, leaveBytes: number): void {
  const filler = fillerOf(folder);
  const most = freeBytes(folder) - leaveBytes - WRITTEN_BYTES;
  try {
    // Where others took that room meanwhile, all is written.
    if (most > 0) spawnSync('fallocate', ['--length', String(most), filler]);
    appendFileSync(filler, Buffer.alloc(Math.max(0, freeBytes(folder) - leaveBytes)));
  } catch (error) {
    // Others write meanwhile: then it is full all the same.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
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
    // What goes meanwhile is passed over.
    const mark = (sign: '+i' | '-i') => spawnSync('chattr', ['-R', '-f', sign, folder]);
    this.close = undoneAtExit(() => {
      if (existsSync(folder)) mark('-i');
    });
    mark('+i');
    if (!execFileSync('lsattr', ['-d', folder], { encoding: 'utf8' }).split(' ', 1)[0]?.includes('i'))
      throw new Error(`${folder} stays writable`);
  }
}
