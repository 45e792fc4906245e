/**
 * The writer that availability is measured by: a small file every 5 ms, however the ones before it fare, so that each slot of 10 ms has its chance.
 * No file is tried for longer than two seconds, and so many that are begun at once is the bound of what is under way.
 */
import type { FileSystem } from '../../src/cli/understudy.js';
import { isError } from '../../src/cli/understudy.js';
import { machineClock } from './monotonic-clock.js';

export const PROBE_FOLDER = '/probe';
const PROBE_EVERY_MS = 5;
const GIVEN_UP_AFTER_MS = 2_000;
const UNDER_WAY_MAX = GIVEN_UP_AFTER_MS / PROBE_EVERY_MS;
const FILES_PER_FOLDER = 1_000;

/** One line of the probe's file. */
export interface ProbeLine {
  readonly path: string;
  /** When it was called, and when answered: milliseconds of the machine's clock. */
  readonly at: number;
  readonly answeredAt: number;
  /** The inode that was made; absent where none was acknowledged. */
  readonly id?: number;
  /** Why not: for people, and the error's code. */
  readonly error?: string;
  readonly code?: string;
  /** Whether it may have been made all the same. */
  readonly unknown?: boolean;
}

export class Probe {
  readonly #fs: FileSystem;
  readonly #record: (line: ProbeLine) => void;
  readonly #underWay = new Set<Promise<void>>();
  #count = 0;
  #stopping = false;
  readonly #done: Promise<void>;

  constructor(fs: FileSystem, record: (line: ProbeLine) => void) {
    this.#fs = fs;
    this.#record = record;
    this.#done = this.#run();
  }

  /** Resolves when the last one is answered or given up. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
    await Promise.all(this.#underWay);
  }

  async #run(): Promise<void> {
    for (let nextAt = machineClock.monotonicMs(); !this.#stopping; nextAt += PROBE_EVERY_MS) {
      const now = machineClock.monotonicMs();
      // What a busy machine made it miss, it makes up for, within bounds.
      nextAt = Math.max(nextAt, now - GIVEN_UP_AFTER_MS);
      if (nextAt > now) await new Promise<void>((resolve) => machineClock.setTimer(nextAt - now, resolve));
      if (this.#underWay.size >= UNDER_WAY_MAX) continue;
      const writing = this.#write().finally(() => this.#underWay.delete(writing));
      this.#underWay.add(writing);
    }
  }

  async #write(): Promise<void> {
    const number = this.#count++;
    const path = `${PROBE_FOLDER}/${Math.floor(number / FILES_PER_FOLDER)}/${number}`;
    const at = machineClock.monotonicMs();
    const outcome = await this.#fs.createFile(path, { recursive: true, completeLength: 0, timeoutMs: GIVEN_UP_AFTER_MS }).then(
      ({ status }) => ({ id: status.id }),
      (error: unknown) => ({ error: String(error), code: isError(error) ? error.code : '', unknown: mayHaveHappened(error) }),
    );
    this.#record({ path, at, answeredAt: machineClock.monotonicMs(), ...outcome });
  }
}

/** See `Client.mutate`. */
function mayHaveHappened(error: unknown): boolean {
  return (['deadline_exceeded', 'cancelled', 'session_expired', 'outcome_unknown'] as const).some((code) => isError(error, code));
}
