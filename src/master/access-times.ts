/**
 * Access times, where they are kept at all: the leader notes what is read, and journals it now and then for many files at once (touch-files.ts).
 *
 * A file's time moves at most once per `accessTimePrecisionMs`. What is noted and not journaled yet is lost with the leadership: an access
 * time says that a file was read since, never that it was not. Reads that standbys answer are not noted.
 */
import type { Inode } from '../metadata/records.js';

export interface AccessTimesSettings {
  /** Milliseconds; 0: access times are not kept. */
  readonly accessTimePrecisionMs: number;
}

/** Noted at a time; further reads go by. */
const NOTED_MAX = 65_536;

export class AccessTimes {
  readonly #settings: AccessTimesSettings;
  readonly #noted = new Map<number, number>();

  constructor(settings: AccessTimesSettings) {
    this.#settings = settings;
  }

  get noted(): number {
    return this.#noted.size;
  }

  /** @param nowMs leader's time. */
  note({ id, accessedMs }: Inode, nowMs: number): void {
    const { accessTimePrecisionMs } = this.#settings;
    if (accessTimePrecisionMs === 0 || nowMs - accessedMs < accessTimePrecisionMs) return;
    if (this.#noted.size < NOTED_MAX && !this.#noted.has(id)) this.#noted.set(id, nowMs);
  }

  /** @returns those noted first, which are no longer noted then. */
  take(max: number): Access[] {
    const taken: Access[] = [];
    for (const [inodeId, accessedMs] of this.#noted) {
      if (taken.length >= max) break;
      taken.push({ inodeId, accessedMs });
      this.#noted.delete(inodeId);
    }
    return taken;
  }
}

interface Access {
  readonly inodeId: number;
  readonly accessedMs: number;
}
