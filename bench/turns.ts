/** How long the event loop of a process was held up, as `turn-watch-process.ts` in it writes it down. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export const TURNS_FILE = 'turns';
/** Shorter ones are not written down. */
export const LONG_MS = 5;

export interface LongestTurns {
  /** By the clock. */
  readonly tookMs: number;
  /** Of the one that was longest so: less the time that its thread waited for a core. What it waited for otherwise is its own. */
  readonly ownMs: number;
}

/** @returns the longest ones that ended since then; 0 where none was long. @param folder that the process runs in. */
export function longestTurns(folder: string, sinceUnixMs: number): LongestTurns {
  let [tookMs, ownMs] = [0, 0];
  for (const line of readFileSync(path.join(folder, TURNS_FILE), 'utf8').split('\n')) {
    const [endedMs = 0, took = 0, waited = 0] = line.split(' ').map(Number);
    if (endedMs < sinceUnixMs) continue;
    tookMs = Math.max(tookMs, took);
    ownMs = Math.max(ownMs, took - waited);
  }
  return { tookMs, ownMs };
}
