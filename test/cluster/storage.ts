/**
 * Storage that fills up or turns read-only under a running journal. Needs root, and Linux. Undone when the test ends, however it does.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** A file system of its own, small enough to be filled. */
export class SmallDisk {
  readonly folder: string;

  constructor(megabytes: number) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'understudy-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'understudy-test', this.folder]);
    onTestFinished(() => this.#unmount());
  }

  get #filler(): string {
    return path.join(this.folder, 'filler');
  }

  /** Takes all the room but so much. */
  fill(leaveBytes: number): void {
    const { bavail, bsize } = statfsSync(this.folder);
    try {
      writeFileSync(this.#filler, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
    } catch (error) {
      // Others write meanwhile: then it is full all the same.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  }

  /** Gives the room back. */
  clear(): void {
    rmSync(this.#filler, { force: true });
  }

  #unmount(): void {
    execFileSync('umount', ['--lazy', this.folder]);
    rmdirSync(this.folder);
  }
}

/** Makes `folder` and all in it unwritable, for processes that have its files open too. */
export class Unwritable {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    execFileSync('chattr', ['-R', '+i', folder]);
    onTestFinished(() => this.end());
  }

  /** Idempotent. */
  end(): void {
    execFileSync('chattr', ['-R', '-i', this.#folder]);
  }
}
