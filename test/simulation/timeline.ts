/**
 * What happened in a world, line by line: virtual time, process, what. Faults, changes of the lead and violations stand out; lines of
 * routine can be left out.
 */
import type { Note, NoteLevel } from './virtual-time.js';

/** What goes right all the time, and explains little. */
export function isRoutine({ level }: Note): boolean {
  return level === 'debug' || level === 'call' || level === 'ok';
}

/** @returns the note as one line of a timeline. */
export function timelineLine(note: Note, atMs: number): string {
  const mark = note.level === undefined ? '' : (MARKS[note.level] ?? '');
  return `${atMs.toFixed(3).padStart(12)}  ${note.by.padEnd(10)} ${mark.padEnd(8)} ${noteText(note)}`;
}

/** @returns what was noted, without when and by whom. */
export function noteText({ message, values = {} }: Note): string {
  return [message, ...Object.entries(values).map(([key, value]) => `${key}=${valueText(value)}`)].join(' ');
}

const MARKS: Readonly<Partial<Record<NoteLevel, string>>> = {
  fault: '*****',
  violation: '!!!!!',
  warn: 'warn',
  error: 'error',
  call: '>',
  ok: '<',
  failed: '< failed',
  unknown: '< ?',
};

function valueText(value: unknown): string {
  if (value instanceof Error) return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex', 0, 6);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
