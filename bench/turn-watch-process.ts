/**
 * Loaded into a process that is measured, before its own program: writes each turn of the event loop that was long into the file `turns`
 * of the folder that it runs in, a line each (`turns.ts`), with what the thread ran of it: for the rest others had the cores, by what Linux tells.
 */
import { openSync, readSync, writeSync } from 'node:fs';
import { TURNS_FILE } from './turns.js';

const LONG_MS = 5;
const EVERY_MS = 1;

/** Of the main thread: nanoseconds that it has run, and others. */
const schedule = openSync('/proc/self/schedstat', 'r');
const turns = openSync(TURNS_FILE, 'a');
const buffer = Buffer.alloc(128);

function ranMs(): number {
  return Number.parseInt(buffer.toString('latin1', 0, readSync(schedule, buffer, 0, buffer.length, 0)), 10) / 1e6;
}

let last = { atMs: performance.now(), ranMs: ranMs() };
function look(): void {
  const now = { atMs: performance.now(), ranMs: ranMs() };
  const tookMs = now.atMs - last.atMs - EVERY_MS;
  if (tookMs > LONG_MS) writeSync(turns, `${performance.timeOrigin + now.atMs} ${tookMs} ${now.ranMs - last.ranMs}\n`);
  last = now;
  setTimeout(look, EVERY_MS).unref();
}
look();
