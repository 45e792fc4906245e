/**
 * Files that are no more, but whose blocks are: those that were joined to other files (concat), which have them under their old names. Only
 * the files that have them say so: so all are looked through, from a snapshot of the store, at leisure, and anew after each further joining, or
 * after a while: what was joined may have been removed.
 */
import type { Clock } from '../../base/clock.js';
import type { Log } from '../../base/log.js';
import { sleep } from '../../base/wait.js';
import { inodeCodec } from '../../metadata/records.js';
import type { Replica } from '../replica.js';

/** Rows `d`: the inodes. */
export const INODES = { gte: Uint8Array.of(0x64), lt: Uint8Array.of(0x65) };
const CHUNK_ROWS = 512;
const REST_MS = 2;
/** Of a stored inode's field `more`: without this byte it has none, and so is no joined file. */
const MORE_TAG = 0x7a;
const LOOK_AGAIN_MS = 600_000;
const JOINED_MAX = 1_000_000;

export class JoinedFiles {
  readonly #replica: Replica;
  readonly #clock: Clock;
  readonly #log: Log;
  #hasSaid = false;
  /** Which file has blocks of another one, by that one's number. */
  #owners = new Map<number, number>();
  #isComplete = false;
  #joinings = -1;
  #lookedMs = 0;

  constructor(replica: Replica, clock: Clock, log: Log) {
    this.#log = log;
    this.#replica = replica;
    this.#clock = clock;
  }

  /** @returns whether blocks of this file, which is no more, may be in use: known of what was gone when `look` was called last. */
  mayHave(inodeId: number): boolean {
    return !this.#isComplete || this.#owners.has(inodeId);
  }

  /** @returns the file that had blocks of this one when all was looked through last; undefined: none is known. */
  ownerOf(inodeId: number): number | undefined {
    return this.#owners.get(inodeId);
  }

  /** Resolves once it is known of all that is gone by now. @throws as the store, or when `signal` is aborted. */
  async look(signal: AbortSignal): Promise<void> {
    const { joinings } = this.#replica;
    const nowMs = this.#clock.monotonicMs();
    if (this.#isComplete && joinings === this.#joinings && (this.#owners.size === 0 || nowMs - this.#lookedMs < LOOK_AGAIN_MS)) return;
    this.#isComplete = false;
    // What was committed before this is in the store then.
    await this.#replica.writeBehind.digest();
    const owners = new Map<number, number>();
    const snapshot = this.#replica.kv.snapshot();
    try {
      for await (const rows of snapshot.rows(INODES, CHUNK_ROWS)) {
        for (const [, value] of rows) {
          if (!value.includes(MORE_TAG)) continue;
          const { id, more } = inodeCodec.decode(value);
          for (const { inodeId } of more?.extents ?? []) if (inodeId !== id) owners.set(inodeId, id);
        }
        if (owners.size > JOINED_MAX) return this.#say();
        await sleep(this.#clock, REST_MS, signal);
      }
    } finally {
      await snapshot.close();
    }
    this.#owners = owners;
    this.#joinings = joinings;
    this.#lookedMs = nowMs;
    this.#isComplete = true;
  }

  #say(): void {
    if (!this.#hasSaid)
      this.#log.warn({ max: JOINED_MAX }, 'too many files were joined to others: no blocks of files that are no more are freed');
    this.#hasSaid = true;
  }
}
