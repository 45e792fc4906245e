/**
 * What this process made outside itself and has to undo: mounts, name spaces, folders. It is undone when asked to, and when the process ends at
 * the latest, by a signal or an error too, the newest first (a program has to turn signals into an end of its own, for that). What only a SIGKILL
 * leaves has its owner's process id in its name, so that a later run can tell (`isOwnerGone`).
 */
import { existsSync } from 'node:fs';
// Children end before what they stand on.
import './processes.js';

const pending = new Set<() => void>();

process.once('exit', () => {
  for (const undo of [...pending].reverse()) {
    try {
      undo();
    } catch (error) {
      process.stderr.write(`not undone: ${error}\n`);
    }
  }
});

/** @param undo may not wait. @returns what does it now, once. */
export function undoneAtExit(undo: () => void): () => void {
  pending.add(undo);
  return () => {
    if (pending.delete(undo)) undo();
  };
}

/** @param name `<prefix><process id>-…`; nothing is said of other names. @returns whether its maker has ended. */
export function isOwnerGone(name: string, prefix: string): boolean {
  const owner = name.startsWith(prefix) ? /^(\d+)-/.exec(name.slice(prefix.length))?.[1] : undefined;
  return owner !== undefined && !existsSync(`/proc/${owner}`);
}
