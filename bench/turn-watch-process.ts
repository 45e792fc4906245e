/**
 * Loaded into a process that is measured, before its own program: writes each turn of the event loop that was long into the file `turns`
 * of the folder that it runs in, a line each (`turns.ts`), with how long of it the thread was ready to run and others had the cores.
 */
import { openSync, readSync, writeSync } from 'node:fs';
import { LONG_MS, TURNS_FILE } from './turns.js';

const EVERY_MS = 1;

/** Of the main thread: nanoseconds that it has run, nanoseconds that it has waited for a core, and how often it was given one. */
const schedule = openSync('/proc/self/schedstat', 'r');
const turns = openSync(TURNS_FILE, 'a');
const buffer = Buffer.alloc(128);

function waitedMs(): number {
  const [, waited] = buffer.toString('latin1', 0, readSync(schedule, buffer, 0, buffer.length, 0)).split(' ');
  return Number(waited) / 1e6;
}

let last = { atMs: performance.now(), waitedMs: waitedMs() };
function look(): void {
  const now = { atMs: performance.now(), waitedMs: waitedMs() };
  const tookMs = now.atMs - last.atMs - EVERY_MS;
  if (tookMs > LONG_MS) writeSync(turns, `${performance.timeOrigin + now.atMs} ${tookMs} ${now.waitedMs - last.waitedMs}\n`);
  last = now;
  setTimeout(look, EVERY_MS).unref();
}
look();
