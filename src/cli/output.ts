/**
 * Standard output of a command: waits for a slow reader, and ends the process quietly when the reader is gone (`… | head`).
 */
import { once } from 'node:events';
import { EXIT } from './exit-code.js';

/** Has to be called once, before anything is printed. */
export function quietWhenReaderGone(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
  // Nobody is left to be told.
  process.stderr.on('error', () => {});
}

/** Prints one line, or several. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
}

/** Resolves when all that was printed has left. */
export function printed(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write('', () => resolve());
  });
}

export function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}
