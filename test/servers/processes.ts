/**
 * Child processes of tests: ended with the test process, waited for, and stopped and continued at will.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

const living = new Set<ChildProcess>();
const killAll = () => {
  for (const child of living) child.kill('SIGKILL');
};
process.once('exit', killAll);
// How vitest ends a worker that has not ended by itself.
process.once('SIGTERM', () => {
  killAll();
  process.exit(143);
});

/** Starts a program whose output goes to the file `logPath`. */
export function startProcess(command: string, args: readonly string[], logPath: string, cwd: string): ChildProcess {
  const log = openSync(logPath, 'a');
  try {
    return tracked(spawn(command, args, { cwd, stdio: ['ignore', log, log] }));
  } finally {
    closeSync(log);
  }
}

/** @returns `child`, which ends with this process at the latest. */
export function tracked<T extends ChildProcess>(child: T): T {
  living.add(child);
  child.once('exit', () => living.delete(child));
  return child;
}

/** Kills `child` and waits until it is gone. */
export async function killProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}
