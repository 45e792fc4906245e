/** Programs that are run to their end, within a limit, by what they are told and what they say. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { tracked } from './processes.js';

export interface FinishedProgram {
  /** -1 where a signal ended it. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly folder?: string;
  readonly limitMs?: number;
}

/** @throws where it cannot be started, or is not done within the limit: it is killed then. */
export async function runToEnd(command: string, args: readonly string[], options: RunOptions = {}): Promise<FinishedProgram> {
  const { input = '', folder, limitMs = 60_000 } = options;
  const child = tracked(spawn(command, args, { cwd: folder, timeout: limitMs, killSignal: 'SIGKILL' }));
  // It may end without having read what it was given.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [[code], out, err] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  if (child.signalCode === 'SIGKILL') throw new Error(`${command} ${args.join(' ')}: not done within ${limitMs} ms: ${err.slice(-2000)}`);
  return { code: code ?? -1, out, err };
}
