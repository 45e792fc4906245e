/** How long the event loop of a process was held up, as `turn-watch-process.ts` in it writes it down. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export const TURNS_FILE = 'turns';

export interface LongestTurns {
  /** By the clock. */
  readonly tookMs: number;
  /** Of the one that needed the processor longest: the time that its thread ran. Known to some milliseconds, for the kernel counts by its ticks. */
  readonly ranMs: number;
}

/** @returns the longest ones that ended since then. @param folder that the process runs in. */
export function longestTurns(folder: string, sinceUnixMs: number): LongestTurns {
  let [tookMs, ranMs] = [0, 0];
  for (const line of readFileSync(path.join(folder, TURNS_FILE), 'utf8').split('\n')) {
    const [endedMs = 0, took = 0, ran = 0] = line.split(' ').map(Number);
    if (endedMs < sinceUnixMs) continue;
    tookMs = Math.max(tookMs, took);
    ranMs = Math.max(ranMs, ran);
  }
  return { tookMs, ranMs };
}
