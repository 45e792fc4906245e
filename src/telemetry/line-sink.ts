/**
 * Writes whole lines to a file descriptor, at once and in order, so that nothing is lost when the process ends right after.
 *
 * A log must never be what stops a master: a reader that stalls is waited for once, briefly; from then on, and after any other error
 * (disk full, reader gone), lines are dropped until a write works again, and the number of lost ones is said then.
 */
import { writeSync } from 'node:fs';

export interface LineSink {
  /** @param line ends with a line feed. */
  write(line: string): void;
}

const STALL_WAIT_MS = 10;
const STALL_WAITS_MAX = 20;

/** @param fd never closed by the sink; 2 is stderr. */
export function lineSink(fd: number): LineSink {
  let lost = 0;
  let tornLine = false;
  return {
    write(line) {
      const note = lost === 0 ? '' : `${tornLine ? '\n' : ''}(${lost} log lines were lost)\n`;
      const bytes = Buffer.from(note + line);
      const written = writeAll(fd, bytes, lost === 0 ? STALL_WAITS_MAX : 0);
      if (written === bytes.length) {
        lost = 0;
        tornLine = false;
      } else {
        lost++;
        if (written > 0) tornLine = true;
      }
    },
  };
}

/** @returns how many bytes were written. */
function writeAll(fd: number, bytes: Buffer, waitsMax: number): number {
  let at = 0;
  for (let waits = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const stalled = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
      if (!stalled || waits >= waitsMax) return at;
      waits++;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL_WAIT_MS);
    }
  }
  return at;
}
