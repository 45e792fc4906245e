/**
 * A small disk with a file system of its own (ext4 on a loop device) that can lose its power: what was not synced is gone then, as on a machine.
 * Needs root, and loop devices. Undone when this process ends, at the latest.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { unmountBelow } from './mounts.js';
import { clearDisk, fillDisk } from './storage.js';
import { undoneAtExit } from './undone-at-exit.js';
import { waitUntil } from './wait-until.js';

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: no write reaches the disk from now on, not even what is in the journal's memory. */
const SHUTDOWN = 'my $flags = pack("I", 2); open(my $folder, "<", $ARGV[0]) or die $!; ioctl($folder, 0x8004587d, $flags) or die $!';
const UNMOUNT_LIMIT_MS = 60_000;

export class Ext4Disk {
  readonly folder: string;
  /** Idempotent. */
  readonly close: () => void;
  readonly #image: string;

  /** @param below a folder for the disk's image and its mount point; in memory, it costs what is written. */
  constructor(megabytes: number, below: string) {
    const at = mkdtempSync(path.join(below, 'understudy-ext4-'));
    this.folder = path.join(at, 'disk');
    this.#image = path.join(at, 'image');
    this.close = undoneAtExit(() => {
      unmountBelow(at);
      rmSync(at, { recursive: true, force: true });
    });
    mkdirSync(this.folder);
    closeSync(openSync(this.#image, 'w'));
    truncateSync(this.#image, megabytes << 20);
    // Nothing is kept back for root, which tests are: full is full.
    execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', this.#image]);
    this.#mount();
  }

  fill(leaveBytes: number): void {
    fillDisk(this.folder, leaveBytes);
  }

  clear(): void {
    clearDisk(this.folder);
  }

  /** What is not on the disk now never will be; every use fails from now on. */
  losePower(): void {
    execFileSync('perl', ['-e', SHUTDOWN, this.folder]);
  }

  /** After `losePower`, once nobody has a file open there: waits for that. */
  async restorePower(): Promise<void> {
    const unmounted = () => {
      try {
        execFileSync('umount', [this.folder], { stdio: 'pipe' });
        return true;
      } catch {
        return false;
      }
    };
    await waitUntil(`${this.folder} is unmounted`, unmounted, UNMOUNT_LIMIT_MS);
    this.#mount();
  }

  /**
   * By a loop device of its own: mount spaces of other processes may hold the one before, with its file system that has lost its power, for as long
   * as they live. The device goes with its last mount.
   */
  #mount(): void {
    const device = execFileSync('losetup', ['--find', '--show', this.#image], { encoding: 'utf8' }).trim();
    try {
      execFileSync('mount', [device, this.folder]);
    } finally {
      execFileSync('losetup', ['--detach', device]);
    }
  }
}
